"""Names of results, so that the results of a song never overwrite those of another.

A result is called <stem>.json after its song. Songs of one run that share a stem (also if they
differ only in case or Unicode form) all get <stem>.<8 hex digits of the
audio's SHA-256>; copies of one file among them are numbered. So does a song whose <stem>.json is
there already and belongs to another song. Stems too long for a file name are cut.
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
from ..files import DIGITS, fold, storable, tell_apart
from ..schema import load_json

LONGEST = 255 - len(".01234567-99") - len(".rekordbox.xml")  # bytes of a stem


@dataclass(frozen=True)
class Song:
    """An input as given by the user, and the name of its results without a suffix.

    located: its path for a process with another working directory; empty if that is `path`.
    """

    path: str
    name: str
    located: str = ""

    @property
    def file(self) -> str:
        """The path that is opened."""
        return self.located or self.path


def name_songs(paths: Iterable[str]) -> list[Song]:
    """Name the results of all songs of a run, in the order of `paths`; repeats are dropped."""
    unique = list({os.path.abspath(path): path for path in paths}.values())
    stems = [shorten(Path(path).stem) for path in unique]
    names = tell_apart(stems, lambda index: _digest(unique[index]))
    return [Song(path, name) for path, name in zip(unique, names, strict=True)]


def take_shard(songs: Sequence[Song], part: int, parts: int) -> list[Song]:
    """The songs of one part, 1 to `parts`; each song is in exactly one of them.

    Only the name decides, so that machines agree even if they do not see the same songs.
    """
    return [song for song in songs if _number(song.name) % parts == part - 1]


def settle_name(song: Song, sha256: str, out_dir: Path) -> str:
    """The song's name, or the name with its digest where another song's result has that name."""
    for name in candidates(song.name, sha256):
        if _is_free(out_dir / f"{name}.json", song.path, sha256):
            return name
    raise AssertionError("there are always more numbers")


def candidates(name: str, sha256: str) -> Iterable[str]:
    """Names that results of a song can have, the plain one first."""
    marked = f"{name}.{sha256[:DIGITS]}"
    yield name
    yield marked
    for number in count(2):
        yield f"{marked}-{number}"


def shorten(stem: str) -> str:
    """The stem; if it is too long for suffixes, its beginning and a digest of it."""
    if len(os.fsencode(stem)) <= LONGEST:
        return stem
    digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:DIGITS]
    room = LONGEST - DIGITS - 1
    return os.fsencode(stem)[:room].decode(errors="ignore").rstrip() + f"~{digest}"


def _is_free(result: Path, path: str, sha256: str) -> bool:
    """Whether there is no file, a damaged one, or a result of this song."""
    try:
        data = load_json(result)
    except (FileNotFoundError, ResultError):
        return True
    if not isinstance(data, dict):
        return False
    if data.get("audio_sha256") == sha256:
        return True
    # Corrections by hand to what the file held before are not to be lost.
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
    """First digits of the file's SHA-256; zeros where it cannot be read."""
    try:
        return file_digest(path)
    except AudioError:
        return "0" * DIGITS  # the analysis will report why
