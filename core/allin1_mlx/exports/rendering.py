"""Results to files of other programs: `render`, `export`, `find_format`."""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from pathlib import Path

from ..errors import UsageError
from ..files import replacing
from ..types import Result
from .format import Format, Options
from .formats import NAMES


def find_format(name: str) -> Format:
    """The format of one of NAMES. Raises UsageError for another name."""
    if name not in NAMES:
        raise UsageError(f"unknown export format {name!r}; known are {', '.join(NAMES)}")
    found: Format = import_module(f"{__package__}.formats.{name}").FORMAT
    return found


def render(
    result: Result, name: str, *, simplify: bool = False, audio: Path | None = None
) -> dict[str, bytes]:
    """The files of a format: the content for each suffix.

    simplify: MIDI with the fewest tempo changes that keep every beat within 10 ms, instead of
    half a millisecond. audio: the song's file, for programs that open it (rekordbox); by default
    its bare name. Raises UsageError if there is no such format.
    """
    options = Options(simplify, audio)
    return {file.suffix: file.render(result, options) for file in find_format(name).files}


def export(
    result: Result,
    name: str,
    path: str | PathLike[str],
    *,
    simplify: bool = False,
    audio: Path | None = None,
) -> tuple[Path, ...]:
    """Write the files of a format to `path` with their suffixes added; returns their paths.

    Options and errors as for `render`; OSError if a file cannot be written.
    """
    written = []
    for suffix, content in render(result, name, simplify=simplify, audio=audio).items():
        destination = Path(path).with_name(Path(path).name + suffix)
        with replacing(destination) as temporary:
            temporary.write_bytes(content)
        written.append(destination)
    return tuple(written)
