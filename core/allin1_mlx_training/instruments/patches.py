"""Families of pitched instruments, and random instruments of each.

Ranges are wide on purpose, so that real instruments lie inside them. Pitches are MIDI numbers,
times are seconds, cutoffs are Hz.
"""

from __future__ import annotations

import numpy as np

from .basses import BASSES
from .dice import Family, Settings
from .guitars import GUITARS
from .keys import KEYS
from .pads import PADS
from .singers import SINGERS
from .synths import SYNTHS
from .voices import Patch
from .winds import WINDS

FAMILIES: dict[str, Family] = {
    **BASSES,
    **GUITARS,
    **KEYS,
    **PADS,
    **SYNTHS,
    **WINDS,
    **SINGERS,
}

BASS = (28, 56)
CHORDS = (43, 85)
POWER = (38, 62)
MELODY = (50, 89)


def draw_patch(family: str, seed: int) -> Patch:
    """One random instrument of a family of FAMILIES; the same seed draws the same one."""
    rng = np.random.default_rng((seed, sorted(FAMILIES).index(family)))
    low, high = _range(family)
    settings: Settings = {"engine": "table", "low": low, "high": high, **FAMILIES[family](rng)}
    return Patch(family=family, seed=seed, **settings)


def _range(family: str) -> tuple[int, int]:
    if family in BASSES:
        return BASS
    if family == "power":
        return POWER
    if family in SINGERS:
        return (45, 72) if family == "male" else (53, 82)
    return MELODY if family in ("lead", "distlead", "reed", "brass", "flute") else CHORDS
