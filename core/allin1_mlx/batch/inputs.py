"""Find the songs of a command line: files, folders and patterns.

Hidden files, and files that this program wrote, are never taken from a folder or a pattern.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import AudioError
from ..files import printable

SUFFIXES = {
    *(".wav", ".wave", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd"),
    *(".flac", ".alac", ".ape", ".wv", ".tta", ".ogg", ".oga", ".opus", ".spx", ".mp2", ".mp3"),
    *(".m4a", ".m4b", ".mp4", ".aac", ".ac3", ".wma", ".mka", ".webm", ".amr"),
}  # suffixes of sound files in a folder; files that are named directly may have any suffix


def find_inputs(
    patterns: Sequence[str], *, recursive: bool = False, outside: Iterable[Path] = ()
) -> list[str]:
    """The paths of all songs in the order of the patterns; songs of one pattern are sorted by name.

    outside: folders that contain no inputs. A missing path and a folder without songs are returned
    unchanged; they fail later under their own names.
    """
    closed = [os.path.abspath(folder) for folder in outside]
    paths: list[str] = []
    for pattern in patterns:
        if os.path.isdir(pattern):
            paths += _songs_in(pattern, recursive, closed) or [pattern]
        elif os.path.lexists(pattern) or "\0" in pattern:
            paths.append(pattern)
        else:
            paths += _matches(pattern, recursive, closed) or [pattern]
    return paths


def check_input(path: str) -> None:
    """Raise AudioError if the path does not exist or is a folder without songs."""
    name = printable(path)
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        if glob.has_magic(path) and not os.path.lexists(path):
            raise AudioError(f"{name}: no file matches this pattern; check it") from None
        kind = "file" if os.path.basename(path) else "folder"
        raise AudioError(f"{name}: there is no such {kind}; check its name and place") from None
    except ValueError:
        raise AudioError(f"{name}: is not a possible file name") from None
    except OSError:
        return  # it exists; opening it will report the reason
    if os.path.isdir(path):
        raise AudioError(f"{name}: there are no sound files in this folder", about="recursive")


def _matches(pattern: str, recursive: bool, closed: Sequence[str]) -> list[str]:
    """Files that match a pattern, and the songs in folders that match it."""
    paths: list[str] = []
    for match in sorted(glob.glob(pattern, recursive=True)):
        if os.path.isdir(match):
            if "**" not in pattern:  # such a pattern has also matched the contents of the folder
                paths += _songs_in(match, recursive, closed)
        elif not _is_ours(match, closed):
            paths.append(match)
    return paths


def _songs_in(folder: str, recursive: bool, closed: Sequence[str]) -> list[str]:
    """The sound files of a folder; with `recursive` also those of its subfolders."""
    songs: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and recursive)
        songs += [
            os.path.join(parent, name)
            for name in sorted(files)
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        ]
    return [song for song in songs if not _is_ours(song, closed)]


def _is_ours(path: str, closed: Sequence[str]) -> bool:
    """Whether this program wrote the file: a sonification or a stored stem."""
    whole = os.path.abspath(path)
    return Path(path).stem.endswith(".sonif") or any(
        whole.startswith(os.path.join(folder, "")) for folder in closed
    )
