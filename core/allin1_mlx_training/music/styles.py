"""Styles of music, read from `styles.yaml`: tempos, grooves, instruments and habits.

A groove is one string of steps per drum; `styles.yaml` explains the characters. A scene is a
passage without a kick.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from allin1_mlx.errors import UsageError

Groove = dict[str, str]


@dataclass(frozen=True)
class Scene:
    """A passage without a kick: intros, breaks and builds of dance music, in 4/4 and sixteenths.

    grooves: of its drums, empty if they rest. bass, comps: patterns of `rhythm`; bass is empty if
    there is none. layers: share of the chord instruments that play.
    """

    grooves: tuple[Groove, ...]
    bass: tuple[str, ...]
    comps: tuple[str, ...]
    layers: float


@dataclass(frozen=True)
class Style:
    """The choices for songs of a style.

    weight: how often it is drawn. group: the group of `statistics` whose forms it follows. tempo:
    BPM, least, usual, most. bass, comps: (families, patterns of `rhythm`).
    Chances (0 to 1): swing, vocal, club (club form), pump (side chain), electronic (drum machine),
    drumless, kickless (an intro, break or build is one of the scenes), hat_rolls (most per bar),
    changing (some parts have another metre). loose: human timing in ms.
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
    kickless: float = 0.0
    scenes: tuple[Scene, ...] = ()
    hat_rolls: float = 0.0
    changing: float = 0.06
    loose: float = 6.0
    modes: tuple[str, ...] = ("major", "major", "minor", "mixolydian")


@lru_cache(maxsize=1)
def load_styles() -> tuple[Style, ...]:
    """All styles of the package."""
    text = resources.files(__package__).joinpath("styles.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    grooves = data["grooves"]
    scenes = tuple(Scene(**_fields(values, grooves)) for values in data["scenes"])
    return tuple(
        Style(name=name, scenes=scenes, **_fields(values, grooves))
        for name, values in data["styles"].items()
    )


def _fields(values: dict[str, Any], grooves: dict[str, list[Groove]]) -> dict[str, Any]:
    """An entry of the file, with tuples instead of lists; its `grooves` names sets of grooves."""
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    sets = [grooves[key] for key in values["grooves"]]
    return fields | {"grooves": tuple(groove for one in sets for groove in one)}


def style_named(name: str) -> Style:
    """The style with this name. Raises UsageError for an unknown name."""
    found = [style for style in load_styles() if style.name == name]
    if not found:
        names = ", ".join(style.name for style in load_styles())
        raise UsageError(f"no style {name!r}; there are {names}")
    return found[0]
