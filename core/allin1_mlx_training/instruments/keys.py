"""Keyboards and bells, each drawn at random; see `patches`."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .dice import Family, Settings, draw_log


def _piano(rng: Generator) -> Settings:
    return {
        "decay": draw_log(rng, 0.5, 2.5),
        "tilt": rng.uniform(1.0, 1.7),
        "cutoff": draw_log(rng, 500, 3000),
        "bright": rng.uniform(0.3, 1),
        "bright_decay": draw_log(rng, 0.08, 0.4),
        "unison": 2,
        "detune": rng.uniform(0.5, 3),
        "noise": rng.uniform(0.01, 0.1),
        "noise_cutoff": draw_log(rng, 400, 2500),
    }


def _epiano(rng: Generator) -> Settings:
    return {
        "engine": "fm",
        "ratio": float(rng.choice([1.0, 2.0, 4.0, 14.0])),
        "index": rng.uniform(0.3, 2.5),
        "decay": draw_log(rng, 0.5, 2.5),
        "bright_decay": draw_log(rng, 0.05, 0.6),
    }


def _organ(rng: Generator) -> Settings:
    return {
        "drawbars": tuple(rng.random(12) * (rng.random(12) < 0.55) + np.eye(12)[0]),
        "cutoff": 9000.0,
        "vibrato": rng.choice([0.0, rng.uniform(0.05, 0.2)]),
        "drive": rng.choice([0.0, rng.uniform(0.5, 3)]),
        "noise": rng.uniform(0, 0.03),
    }


def _clav(rng: Generator) -> Settings:
    return {
        "engine": "string",
        "decay": draw_log(rng, 0.15, 0.6),
        "cutoff": draw_log(rng, 5000, 12000),
    }


def _bell(rng: Generator) -> Settings:
    return {
        "engine": "fm",
        "ratio": float(rng.choice([1.41, 2.76, 3.5, 4.0, 5.4, 7.0])),
        "index": rng.uniform(0.5, 4),
        "decay": draw_log(rng, 0.1, 2),
        "bright_decay": draw_log(rng, 0.03, 0.8),
    }


KEYS: dict[str, Family] = {
    "piano": _piano,
    "epiano": _epiano,
    "organ": _organ,
    "clav": _clav,
    "bell": _bell,
}
