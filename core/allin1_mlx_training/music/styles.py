"""Styles of music, read from `styles.yaml`: their tempi, grooves, instruments and habits.

A groove is one string of steps per drum; `styles.yaml` explains the characters. A scene is a
passage that leaves out the kick.
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

    grooves: of its drums, none where they rest; bass, comps: patterns of `rhythm`, no bass where
    it has none; layers: share of the chord instruments that play.
    """

    grooves: tuple[Groove, ...]
    bass: tuple[str, ...]
    comps: tuple[str, ...]
    layers: float


@dataclass(frozen=True)
class Style:
    """What a song of a style draws from.

    weight: how often; group: whose forms (statistics) it follows; tempo: BPM least, usual, most.
    bass, comps: (families, patterns of `rhythm`); chances (0 to 1): swing, vocal, club (club
    form), pump (side chain), electronic (drum machine), drumless, kickless (an intro,
    break, build or the like is one of the scenes), hat_rolls (in a bar, at most), changing (some
    parts are in another metre). loose: ms of human timing.
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
    changing: float = 0.03
    loose: float = 6.0
    modes: tuple[str, ...] = ("major", "major", "minor", "mixolydian")


@lru_cache(maxsize=1)
def load_styles() -> tuple[Style, ...]:
    """All styles that come with the package."""
    text = resources.files(__package__).joinpath("styles.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    grooves = data["grooves"]
    scenes = tuple(Scene(**_fields(values, grooves)) for values in data["scenes"])
    return tuple(
        Style(name=name, scenes=scenes, **_fields(values, grooves))
        for name, values in data["styles"].items()
    )


def _fields(values: dict[str, Any], grooves: dict[str, list[Groove]]) -> dict[str, Any]:
    """An entry of the file with tuples for lists; `grooves` there names sets of grooves."""
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    sets = [grooves[key] for key in values["grooves"]]
    return fields | {"grooves": tuple(groove for one in sets for groove in one)}


def style_named(name: str) -> Style:
    """The style of a name; raises UsageError with the names there are."""
    found = [style for style in load_styles() if style.name == name]
    if not found:
        names = ", ".join(style.name for style in load_styles())
        raise UsageError(f"no style {name!r}; there are {names}")
    return found[0]
