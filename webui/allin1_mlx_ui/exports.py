"""The page's menu of files for other programs, made from the core's export formats.

An address names one file by its format and suffix, for example `audacity.beats.txt`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from allin1_mlx.analysis import Analysis
from allin1_mlx.exports import NAMES, find_format, render

from .song import Song


@dataclass(frozen=True)
class Link:
    """One link.

    name: format and suffix. words: the text of the link.
    """

    name: str
    words: str
    simplify: bool = False  # MIDI with few tempo changes
    shown: bool = False  # opens in a new tab


@dataclass(frozen=True)
class Offer:
    """One line of the menu: the formats that share a title."""

    title: str
    hint: str
    files: tuple[Link, ...]


def list_offers() -> list[Offer]:
    """Return the menu in alphabetical order."""
    offers: dict[str, Offer] = {}
    for name in NAMES:
        found = find_format(name)
        offer = offers.get(found.title, Offer(found.title, found.hint, ()))
        offers[found.title] = replace(offer, files=offer.files + _list_links(name))
    return sorted(offers.values(), key=lambda offer: offer.title.casefold())


def describe_offers() -> list[dict[str, Any]]:
    """Return the menu for the page's scripts."""
    return [
        {"title": o.title, "hint": o.hint, "files": [vars(link) for link in o.files]}
        for o in list_offers()
    ]


def make_file(song: Song, analysis: Analysis, name: str, *, simplify: bool) -> tuple[str, bytes]:
    """Return the name and content of the file at an address. Raises KeyError if there is none."""
    format, _, rest = name.partition(".")
    if format not in NAMES:
        raise KeyError(name)
    files = render(replace(analysis, path=song.name), format, simplify=simplify)
    return Path(song.name).stem + f".{rest}", files[f".{rest}"]


def _list_links(name: str) -> tuple[Link, ...]:
    links = []
    for file in find_format(name).files:
        links.append(Link(name + file.suffix, file.link, shown=file.shown))
        if file.simplified:
            links.append(Link(name + file.suffix, file.simplified, simplify=True))
    return tuple(links)
