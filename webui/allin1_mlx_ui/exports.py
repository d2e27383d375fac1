"""What can be taken along to other programs, in the order in which the page offers it.

The files are made by the core's exports; an address names one by its format and suffix, as in
`audacity.beats.txt`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from allin1_mlx.analysis import Analysis
from allin1_mlx.exports import FORMATS, render

from .songs import Song


@dataclass(frozen=True)
class File:
    """One file of an offer. name: format and suffix; words: what the link says."""

    name: str
    words: str
    simplify: bool = False  # MIDI with few tempi


@dataclass(frozen=True)
class Offer:
    """One line of the menu."""

    title: str
    hint: str
    files: tuple[File, ...]


OFFERS = (
    Offer(
        "MIDI tempo map",
        "for Ableton Live, Logic, Cubase and others",
        (File("midi.mid", "every beat"), File("midi.mid", "few tempo changes", simplify=True)),
    ),
    Offer(
        "Audacity",
        "label tracks",
        (File("audacity.beats.txt", "beats"), File("audacity.sections.txt", "sections")),
    ),
    Offer("REAPER", "regions and markers", (File("reaper.reaper.csv", "regions"),)),
    Offer("rekordbox", "beat grid and cues", (File("rekordbox.rekordbox.xml", "XML"),)),
    Offer(
        "Spreadsheet",
        "CSV tables",
        (File("csv.beats.csv", "beats"), File("csv.sections.csv", "sections")),
    ),
    Offer(
        "Music research",
        "mir_eval, JAMS",
        (
            File("beats.beats", ".beats"),
            File("lab.lab", ".lab"),
            File("jams.jams", ".jams"),
        ),
    ),
)


def list_offers() -> list[dict[str, Any]]:
    """The menu, for the page's scripts."""
    return [
        {"title": o.title, "hint": o.hint, "files": [vars(file) for file in o.files]}
        for o in OFFERS
    ]


def make_file(song: Song, analysis: Analysis, name: str, *, simplify: bool) -> tuple[str, bytes]:
    """The file of that name in an address: what it is called, and its content.

    Raises KeyError where there is none such.
    """
    format, _, rest = name.partition(".")
    if format not in FORMATS:
        raise KeyError(name)
    files = render(replace(analysis, path=song.name), format, simplify=simplify)
    return Path(song.name).stem + f".{rest}", files[f".{rest}"]
