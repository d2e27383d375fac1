"""Guitars, plucked, muted and distorted, each drawn at random; see `patches`."""

from __future__ import annotations

from numpy.random import Generator

from .dice import Family, Settings, draw_log


def _acoustic(rng: Generator) -> Settings:
    return {
        "engine": "string",
        "decay": draw_log(rng, 0.4, 2),
        "cutoff": draw_log(rng, 2000, 9000),
        "noise": rng.uniform(0, 0.05),
    }


def _clean(rng: Generator) -> Settings:
    return {"engine": "string", "decay": draw_log(rng, 0.8, 3), "cutoff": draw_log(rng, 1200, 4000)}


def _muted(rng: Generator) -> Settings:
    return {
        "engine": "string",
        "decay": draw_log(rng, 0.06, 0.2),
        "cutoff": draw_log(rng, 1200, 5000),
    }


def _power(rng: Generator) -> Settings:
    return {
        "engine": "power",
        "tilt": rng.uniform(0.7, 1.3),
        "index": draw_log(rng, 2, 30),
        "cutoff": draw_log(rng, 2500, 6500),
        "decay": rng.choice([0.0, draw_log(rng, 0.1, 4)]),
        "noise": rng.uniform(0, 0.1),
    }


def _distlead(rng: Generator) -> Settings:
    return {
        "tilt": rng.uniform(0.7, 1.2),
        "cutoff": draw_log(rng, 1500, 5000),
        "drive": rng.uniform(3, 12),
        "vibrato": rng.uniform(0, 0.5),
        "glide": rng.choice([0.0, -2.0, -1.0]),
        "attack": draw_log(rng, 0.002, 0.02),
    }


GUITARS: dict[str, Family] = {
    "acoustic": _acoustic,
    "clean": _clean,
    "muted": _muted,
    "power": _power,
    "distlead": _distlead,
}
