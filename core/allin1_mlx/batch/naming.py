"""Unique names for results, so that no song overwrites the result of another.

The result of a song is <stem>.json. If songs of one run have the same stem (also if they differ
only in case or Unicode form), all of them get <stem>.<8 hex digits of the audio's SHA-256>, and
copies of one file are numbered. The same happens if <stem>.json exists and belongs to another song.
Stems that are too long for a file name are shortened.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ..audio import file_digest
from ..errors import AudioError, ResultError
from ..files import DIGITS, fold, make_unique, storable
from ..schema import load_json

LONGEST = 255 - len(".01234567-99") - len(".rekordbox.xml")  # bytes of a stem


@dataclass(frozen=True)
class InputSong:
    """An input as the user named it, and the name of its results without suffix.

    located: its path for a process with another working directory; empty if that is `path`.
    """

    path: str
    name: str
    located: str = ""

    @property
    def file(self) -> str:
        """The path to open."""
        return self.located or self.path


def name_songs(paths: Iterable[str]) -> list[InputSong]:
    """Name the results of all songs of a run, in the order of `paths`, without repeated paths."""
    unique = list({os.path.abspath(path): path for path in paths}.values())
    stems = [shorten(Path(path).stem) for path in unique]
    names = make_unique(stems, lambda index: _digest(unique[index]))
    return [InputSong(path, name) for path, name in zip(unique, names, strict=True)]


def take_shard(songs: Sequence[InputSong], part: int, parts: int) -> list[InputSong]:
    """The songs of one part of a run, 1 to `parts`. Each song is in exactly one part.

    The part depends only on the song's name, so machines agree even if they find different songs.
    """
    return [song for song in songs if _number(song.name) % parts == part - 1]


def settle_name(song: InputSong, sha256: str, out_dir: Path) -> str:
    """The song's name; with its digest if another song's result already has that name."""
    for name in candidates(song.name, sha256):
        if _is_free(out_dir / f"{name}.json", song.path, sha256):
            return name
    raise AssertionError("there are always more numbers")


def candidates(name: str, sha256: str) -> Iterable[str]:
    """The possible names of a song's results, the plain one first."""
    marked = f"{name}.{sha256[:DIGITS]}"
    yield name
    yield marked
    for number in count(2):
        yield f"{marked}-{number}"


def shorten(stem: str) -> str:
    """The stem; if it is too long for a file name, its beginning and a digest."""
    if len(os.fsencode(stem)) <= LONGEST:
        return stem
    digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:DIGITS]
    room = LONGEST - DIGITS - 1
    return os.fsencode(stem)[:room].decode(errors="ignore").rstrip() + f"~{digest}"


def _is_free(result: Path, path: str, sha256: str) -> bool:
    """Whether the name is free: there is no file, a damaged one, or a result of this song."""
    try:
        data = load_json(result)
    except (FileNotFoundError, ResultError):
        return True
    if not isinstance(data, dict):
        return False
    if data.get("audio_sha256") == sha256:
        return True
    # Corrections by hand in an older file must not be lost.
    return not data.get("edits") and _same_path(data.get("path"), path)


def _same_path(one: object, other: str) -> bool:
    return (
        isinstance(one, str)
        and "\0" not in one
        and os.path.abspath(storable(one)) == os.path.abspath(storable(other))
    )


def _number(name: str) -> int:
    digest = hashlib.sha256(fold(name).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def _digest(path: str) -> str:
    """The first digits of the file's SHA-256; zeros if it cannot be read."""
    try:
        return file_digest(path)
    except AudioError:
        return "0" * DIGITS  # the analysis will report why
