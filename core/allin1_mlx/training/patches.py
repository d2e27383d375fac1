"""Families of pitched instruments, and how one of each is drawn.

Ranges are wide on purpose: what the network hears later should lie inside them. Pitches are MIDI
numbers, times seconds, cutoffs Hz.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .voices import Patch

BASS = (28, 56)
CHORDS = (43, 85)
POWER = (38, 62)
MELODY = (50, 89)

Settings = dict[str, Any]


def draw_patch(family: str, seed: int) -> Patch:
    """One random instrument of a family of FAMILIES; the same seed draws the same one."""
    rng = np.random.default_rng((seed, sorted(FAMILIES).index(family)))
    low, high = _range(family)
    settings: Settings = {"engine": "table", "low": low, "high": high, **FAMILIES[family](rng)}
    return Patch(family=family, seed=seed, **settings)


def _range(family: str) -> tuple[int, int]:
    if family in ("finger", "upright", "slap", "synthbass", "sub", "reese", "acid"):
        return BASS
    if family == "power":
        return POWER
    if family in ("male", "female"):
        return (45, 72) if family == "male" else (53, 82)
    return MELODY if family in ("lead", "distlead", "reed", "brass", "flute") else CHORDS


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _finger(rng: np.random.Generator) -> Settings:
    return {
        "decay": _log(rng, 0.5, 3),
        "tilt": rng.uniform(0.8, 1.6),
        "cutoff": _log(rng, 250, 1500),
        "bright": rng.uniform(0.1, 1),
        "bright_decay": _log(rng, 0.03, 0.3),
        "noise": rng.uniform(0, 0.08),
    }


def _upright(rng: np.random.Generator) -> Settings:
    return {"engine": "string", "decay": _log(rng, 0.3, 1.2), "cutoff": _log(rng, 400, 1500)}


def _slap(rng: np.random.Generator) -> Settings:
    return {"engine": "string", "decay": _log(rng, 0.6, 2), "cutoff": _log(rng, 3000, 9000)}


def _synthbass(rng: np.random.Generator) -> Settings:
    return {
        "decay": rng.choice([0.0, _log(rng, 0.1, 1)]),
        "tilt": 1.0,
        "even": rng.choice([0.0, 1.0]),
        "cutoff": _log(rng, 150, 2500),
        "bright": rng.uniform(0, 1),
        "bright_decay": _log(rng, 0.03, 0.4),
        "unison": int(rng.integers(1, 3)),
        "detune": rng.uniform(4, 15),
        "drive": rng.choice([0.0, rng.uniform(1, 4)]),
    }


def _sub(rng: np.random.Generator) -> Settings:
    return {
        "tilt": rng.uniform(2.5, 5),
        "cutoff": 400.0,
        "bright": 0.0,
        "decay": rng.choice([0.0, _log(rng, 0.4, 3)]),
        "glide": rng.choice([0.0, rng.uniform(1, 12)]),
        "drive": rng.choice([0.0, rng.uniform(1, 3)]),
    }


def _reese(rng: np.random.Generator) -> Settings:
    return {
        "tilt": 1.0,
        "cutoff": _log(rng, 200, 2500),
        "bright": rng.uniform(0, 0.6),
        "bright_decay": _log(rng, 0.2, 1.5),
        "unison": int(rng.integers(2, 5)),
        "detune": rng.uniform(10, 40),
        "drive": rng.uniform(0.5, 5),
    }


def _acid(rng: np.random.Generator) -> Settings:
    return {
        "tilt": 1.0,
        "even": rng.choice([0.0, 1.0]),
        "cutoff": _log(rng, 150, 600),
        "bright": rng.uniform(0.8, 2),
        "bright_decay": _log(rng, 0.04, 0.3),
        "drive": rng.uniform(1, 6),
        "glide": rng.choice([0.0, -3.0, 5.0]),
    }


def _acoustic(rng: np.random.Generator) -> Settings:
    return {
        "engine": "string",
        "decay": _log(rng, 0.4, 2),
        "cutoff": _log(rng, 2000, 9000),
        "noise": rng.uniform(0, 0.05),
    }


def _clean(rng: np.random.Generator) -> Settings:
    return {"engine": "string", "decay": _log(rng, 0.8, 3), "cutoff": _log(rng, 1200, 4000)}


def _muted(rng: np.random.Generator) -> Settings:
    return {"engine": "string", "decay": _log(rng, 0.06, 0.2), "cutoff": _log(rng, 1200, 5000)}


def _power(rng: np.random.Generator) -> Settings:
    return {
        "engine": "power",
        "tilt": rng.uniform(0.7, 1.3),
        "index": _log(rng, 2, 30),
        "cutoff": _log(rng, 2500, 6500),
        "decay": rng.choice([0.0, _log(rng, 0.1, 4)]),
        "noise": rng.uniform(0, 0.1),
    }


def _distlead(rng: np.random.Generator) -> Settings:
    return {
        "tilt": rng.uniform(0.7, 1.2),
        "cutoff": _log(rng, 1500, 5000),
        "drive": rng.uniform(3, 12),
        "vibrato": rng.uniform(0, 0.5),
        "glide": rng.choice([0.0, -2.0, -1.0]),
        "attack": _log(rng, 0.002, 0.02),
    }


def _piano(rng: np.random.Generator) -> Settings:
    return {
        "decay": _log(rng, 0.5, 2.5),
        "tilt": rng.uniform(1.0, 1.7),
        "cutoff": _log(rng, 500, 3000),
        "bright": rng.uniform(0.3, 1),
        "bright_decay": _log(rng, 0.08, 0.4),
        "unison": 2,
        "detune": rng.uniform(0.5, 3),
        "noise": rng.uniform(0.01, 0.1),
        "noise_cutoff": _log(rng, 400, 2500),
    }


def _epiano(rng: np.random.Generator) -> Settings:
    return {
        "engine": "fm",
        "ratio": float(rng.choice([1.0, 2.0, 4.0, 14.0])),
        "index": rng.uniform(0.3, 2.5),
        "decay": _log(rng, 0.5, 2.5),
        "bright_decay": _log(rng, 0.05, 0.6),
    }


def _organ(rng: np.random.Generator) -> Settings:
    return {
        "drawbars": tuple(rng.random(12) * (rng.random(12) < 0.55) + np.eye(12)[0]),
        "cutoff": 9000.0,
        "vibrato": rng.choice([0.0, rng.uniform(0.05, 0.2)]),
        "drive": rng.choice([0.0, rng.uniform(0.5, 3)]),
        "noise": rng.uniform(0, 0.03),
    }


def _clav(rng: np.random.Generator) -> Settings:
    return {"engine": "string", "decay": _log(rng, 0.15, 0.6), "cutoff": _log(rng, 5000, 12000)}


def _bell(rng: np.random.Generator) -> Settings:
    return {
        "engine": "fm",
        "ratio": float(rng.choice([1.41, 2.76, 3.5, 4.0, 5.4, 7.0])),
        "index": rng.uniform(0.5, 4),
        "decay": _log(rng, 0.1, 2),
        "bright_decay": _log(rng, 0.03, 0.8),
    }


def _pad(rng: np.random.Generator) -> Settings:
    return {
        "attack": _log(rng, 0.02, 0.6),
        "tilt": rng.uniform(0.9, 1.8),
        "even": rng.choice([0.1, 1.0]),
        "cutoff": _log(rng, 300, 4000),
        "bright": rng.uniform(0, 0.5),
        "bright_decay": 2.0,
        "unison": int(rng.integers(2, 5)),
        "detune": rng.uniform(5, 20),
        "noise": rng.choice([0.0, rng.uniform(0, 0.1)]),
    }


def _strings(rng: np.random.Generator) -> Settings:
    return {
        "attack": _log(rng, 0.02, 0.3),
        "tilt": rng.uniform(0.9, 1.3),
        "cutoff": _log(rng, 1500, 5000),
        "bright_decay": 3.0,
        "unison": 3,
        "detune": rng.uniform(4, 14),
        "vibrato": rng.uniform(0, 0.2),
        "noise": rng.uniform(0, 0.04),
    }


def _choir(rng: np.random.Generator) -> Settings:
    return {**_human(rng), "attack": _log(rng, 0.03, 0.3), "ratio": rng.uniform(0.95, 1.25)}


def _pluck(rng: np.random.Generator) -> Settings:
    return {
        "decay": _log(rng, 0.06, 0.5),
        "tilt": rng.uniform(0.9, 1.3),
        "even": rng.choice([0.0, 1.0]),
        "cutoff": _log(rng, 400, 4000),
        "bright": rng.uniform(0.3, 1.5),
        "bright_decay": _log(rng, 0.02, 0.15),
        "unison": int(rng.integers(1, 4)),
        "detune": rng.uniform(3, 15),
    }


def _saw(rng: np.random.Generator) -> Settings:
    return {
        "decay": rng.choice([0.0, _log(rng, 0.2, 2)]),
        "cutoff": _log(rng, 500, 6000),
        "bright": rng.uniform(0, 1),
        "bright_decay": _log(rng, 0.05, 1),
        "unison": int(rng.integers(1, 3)),
        "detune": rng.uniform(3, 15),
        "attack": _log(rng, 0.001, 0.03),
    }


def _supersaw(rng: np.random.Generator) -> Settings:
    return {
        "decay": rng.choice([0.0, 0.0, _log(rng, 0.2, 1)]),
        "cutoff": _log(rng, 1500, 9000),
        "bright": rng.uniform(0.2, 1),
        "bright_decay": _log(rng, 0.1, 2),
        "unison": int(rng.integers(4, 8)),
        "detune": rng.uniform(10, 30),
    }


def _square(rng: np.random.Generator) -> Settings:
    return {
        "even": rng.choice([0.0, 0.0, 0.4]),
        "cutoff": _log(rng, 2500, 12000),
        "bright_decay": 1.0,
        "decay": rng.choice([0.0, _log(rng, 0.08, 0.6)]),
        "vibrato": rng.choice([0.0, rng.uniform(0.1, 0.4)]),
        "attack": 0.001,
    }


def _lead(rng: np.random.Generator) -> Settings:
    return {**(_square(rng) if rng.random() < 0.4 else _saw(rng)), "decay": 0.0, "vibrato": 0.2}


def _brass(rng: np.random.Generator) -> Settings:
    return {
        "attack": _log(rng, 0.015, 0.08),
        "tilt": rng.uniform(0.7, 1.1),
        "cutoff": _log(rng, 800, 3000),
        "bright_decay": _log(rng, 0.3, 2),
        "unison": int(rng.integers(1, 4)),
        "detune": rng.uniform(3, 10),
        "glide": rng.choice([0.0, -1.0]),
        "vibrato": rng.uniform(0, 0.2),
    }


def _reed(rng: np.random.Generator) -> Settings:
    return {
        "attack": _log(rng, 0.01, 0.05),
        "tilt": rng.uniform(0.6, 1.1),
        "even": rng.choice([0.15, 1.0]),
        "cutoff": _log(rng, 900, 2500),
        "bright_decay": 2.0,
        "vibrato": rng.uniform(0.05, 0.4),
        "noise": rng.uniform(0.02, 0.1),
    }


def _flute(rng: np.random.Generator) -> Settings:
    return {
        "attack": _log(rng, 0.02, 0.08),
        "tilt": rng.uniform(1.8, 3),
        "cutoff": 4000.0,
        "vibrato": rng.uniform(0.05, 0.4),
        "noise": rng.uniform(0.05, 0.2),
    }


def _human(rng: np.random.Generator) -> Settings:
    return {
        "engine": "voice",
        "attack": _log(rng, 0.004, 0.06),
        "tilt": rng.uniform(0.5, 1.3),
        "vibrato": rng.uniform(0, 0.5),
        "glide": rng.choice([0.0, -1.0, -2.5, 1.0]),
        "noise": rng.uniform(0, 0.08),
        "drive": rng.choice([0.0, 0.0, rng.uniform(1, 4)]),
    }


def _male(rng: np.random.Generator) -> Settings:
    return {**_human(rng), "ratio": rng.uniform(0.9, 1.05)}


def _female(rng: np.random.Generator) -> Settings:
    return {**_human(rng), "ratio": rng.uniform(1.08, 1.3)}


FAMILIES: dict[str, Callable[[np.random.Generator], Settings]] = {
    "finger": _finger,
    "upright": _upright,
    "slap": _slap,
    "synthbass": _synthbass,
    "sub": _sub,
    "reese": _reese,
    "acid": _acid,
    "acoustic": _acoustic,
    "clean": _clean,
    "muted": _muted,
    "power": _power,
    "distlead": _distlead,
    "piano": _piano,
    "epiano": _epiano,
    "organ": _organ,
    "clav": _clav,
    "bell": _bell,
    "pad": _pad,
    "strings": _strings,
    "choir": _choir,
    "pluck": _pluck,
    "saw": _saw,
    "supersaw": _supersaw,
    "square": _square,
    "lead": _lead,
    "brass": _brass,
    "reed": _reed,
    "flute": _flute,
    "male": _male,
    "female": _female,
}
