"""The description of a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..types import Result


@dataclass(frozen=True)
class Options:
    """Choices that some formats offer.

    simplify: MIDI with the fewest tempo changes that keep every beat within 10 ms, instead
    of half a millisecond.
    audio: path of the song's file, for programs that open it (rekordbox); None for its bare name.
    """

    simplify: bool = False
    audio: Path | None = None


@dataclass(frozen=True)
class File:
    """One file of a format.

    suffix: what follows the song's name. link: the text of its link on the page; simplified: the
    text of a second link, for the file made with Options.simplify. render: makes the content.
    shown: whether it is a web page, which the page's link opens in a new tab.
    """

    suffix: str
    link: str
    render: Callable[[Result, Options], bytes]
    simplified: str = ""
    shown: bool = False


@dataclass(frozen=True)
class Format:
    """A format: its description for the README, its line in the page's menu, its files.

    Formats with the same title share one line of the menu.
    """

    description: str
    title: str
    hint: str
    files: tuple[File, ...]
