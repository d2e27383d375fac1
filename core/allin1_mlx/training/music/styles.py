"""Styles of music, read from `styles.yaml`: their tempi, grooves, instruments and habits.

A groove is one string of steps per drum; `styles.yaml` explains the characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from ...errors import UsageError

Groove = dict[str, str]


@dataclass(frozen=True)
class Style:
    """What a song of a style draws from.

    weight: how often; group: whose forms (statistics) it follows; tempo: BPM least, usual, most.
    bass, comps: (families, patterns of `rhythm`); chances (0 to 1): swing, vocal, club (club
    form), pump (side chain), electronic (drum machine), drumless. loose: ms of human timing.
    """

    name: str
    weight: float
    group: str
    tempo: tuple[float, float, float]
    grooves: tuple[Groove, ...]
    bass: tuple[str, ...]
    bass_patterns: tuple[str, ...]
    comps: tuple[str, ...]
    comp_patterns: tuple[str, ...]
    leads: tuple[str, ...] = ("lead", "reed", "flute", "distlead", "brass", "piano")
    meter: int = 4
    steps: int = 4
    swing: float = 0.05
    vocal: float = 0.9
    club: float = 0.0
    pump: float = 0.03
    electronic: float = 0.2
    drumless: float = 0.0
    loose: float = 6.0
    modes: tuple[str, ...] = ("major", "major", "minor", "mixolydian")


@lru_cache(maxsize=1)
def load_styles() -> tuple[Style, ...]:
    """All styles that come with the package."""
    text = resources.files(__package__).joinpath("styles.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    return tuple(_style(name, values, data["grooves"]) for name, values in data["styles"].items())


def _style(name: str, values: dict[str, Any], grooves: dict[str, list[Groove]]) -> Style:
    """One entry of the file; `grooves` there names sets of grooves."""
    sets = [grooves[key] for key in values["grooves"]]
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    fields |= {"name": name, "grooves": tuple(groove for one in sets for groove in one)}
    return Style(**fields)


def style_named(name: str) -> Style:
    """The style of a name; raises UsageError with the names there are."""
    found = [style for style in load_styles() if style.name == name]
    if not found:
        names = ", ".join(style.name for style in load_styles())
        raise UsageError(f"no style {name!r}; there are {names}")
    return found[0]
