"""Instruments for held chords: pads, strings, choirs, each drawn at random; see `patches`."""

from __future__ import annotations

from numpy.random import Generator

from .dice import Family, Settings, draw_log
from .singers import human


def _pad(rng: Generator) -> Settings:
    return {
        "attack": draw_log(rng, 0.02, 0.6),
        "tilt": rng.uniform(0.9, 1.8),
        "even": rng.choice([0.1, 1.0]),
        "cutoff": draw_log(rng, 300, 4000),
        "bright": rng.uniform(0, 0.5),
        "bright_decay": 2.0,
        "unison": int(rng.integers(2, 5)),
        "detune": rng.uniform(5, 20),
        "noise": rng.choice([0.0, rng.uniform(0, 0.1)]),
    }


def _strings(rng: Generator) -> Settings:
    return {
        "attack": draw_log(rng, 0.02, 0.3),
        "tilt": rng.uniform(0.9, 1.3),
        "cutoff": draw_log(rng, 1500, 5000),
        "bright_decay": 3.0,
        "unison": 3,
        "detune": rng.uniform(4, 14),
        "vibrato": rng.uniform(0, 0.2),
        "noise": rng.uniform(0, 0.04),
    }


def _choir(rng: Generator) -> Settings:
    return {**human(rng), "attack": draw_log(rng, 0.03, 0.3), "ratio": rng.uniform(0.95, 1.25)}


PADS: dict[str, Family] = {
    "pad": _pad,
    "strings": _strings,
    "choir": _choir,
}
