"""Brass, reeds, flutes, each drawn at random; see `patches`."""

from __future__ import annotations

from numpy.random import Generator

from .dice import Family, Settings, draw_log


def _brass(rng: Generator) -> Settings:
    return {
        "attack": draw_log(rng, 0.015, 0.08),
        "tilt": rng.uniform(0.7, 1.1),
        "cutoff": draw_log(rng, 800, 3000),
        "bright_decay": draw_log(rng, 0.3, 2),
        "unison": int(rng.integers(1, 4)),
        "detune": rng.uniform(3, 10),
        "glide": rng.choice([0.0, -1.0]),
        "vibrato": rng.uniform(0, 0.2),
    }


def _reed(rng: Generator) -> Settings:
    return {
        "attack": draw_log(rng, 0.01, 0.05),
        "tilt": rng.uniform(0.6, 1.1),
        "even": rng.choice([0.15, 1.0]),
        "cutoff": draw_log(rng, 900, 2500),
        "bright_decay": 2.0,
        "vibrato": rng.uniform(0.05, 0.4),
        "noise": rng.uniform(0.02, 0.1),
    }


def _flute(rng: Generator) -> Settings:
    return {
        "attack": draw_log(rng, 0.02, 0.08),
        "tilt": rng.uniform(1.8, 3),
        "cutoff": 4000.0,
        "vibrato": rng.uniform(0.05, 0.4),
        "noise": rng.uniform(0.05, 0.2),
    }


WINDS: dict[str, Family] = {
    "brass": _brass,
    "reed": _reed,
    "flute": _flute,
}
