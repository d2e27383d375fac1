"""Synthesisers, from plucks to leads, each drawn at random; see `patches`."""

from __future__ import annotations

from numpy.random import Generator

from .dice import Family, Settings, draw_log


def _pluck(rng: Generator) -> Settings:
    return {
        "decay": draw_log(rng, 0.06, 0.5),
        "tilt": rng.uniform(0.9, 1.3),
        "even": rng.choice([0.0, 1.0]),
        "cutoff": draw_log(rng, 400, 4000),
        "bright": rng.uniform(0.3, 1.5),
        "bright_decay": draw_log(rng, 0.02, 0.15),
        "unison": int(rng.integers(1, 4)),
        "detune": rng.uniform(3, 15),
    }


def _saw(rng: Generator) -> Settings:
    return {
        "decay": rng.choice([0.0, draw_log(rng, 0.2, 2)]),
        "cutoff": draw_log(rng, 500, 6000),
        "bright": rng.uniform(0, 1),
        "bright_decay": draw_log(rng, 0.05, 1),
        "unison": int(rng.integers(1, 3)),
        "detune": rng.uniform(3, 15),
        "attack": draw_log(rng, 0.001, 0.03),
    }


def _supersaw(rng: Generator) -> Settings:
    return {
        "decay": rng.choice([0.0, 0.0, draw_log(rng, 0.2, 1)]),
        "cutoff": draw_log(rng, 1500, 9000),
        "bright": rng.uniform(0.2, 1),
        "bright_decay": draw_log(rng, 0.1, 2),
        "unison": int(rng.integers(4, 8)),
        "detune": rng.uniform(10, 30),
    }


def _square(rng: Generator) -> Settings:
    return {
        "even": rng.choice([0.0, 0.0, 0.4]),
        "cutoff": draw_log(rng, 2500, 12000),
        "bright_decay": 1.0,
        "decay": rng.choice([0.0, draw_log(rng, 0.08, 0.6)]),
        "vibrato": rng.choice([0.0, rng.uniform(0.1, 0.4)]),
        "attack": 0.001,
    }


def _lead(rng: Generator) -> Settings:
    return {**(_square(rng) if rng.random() < 0.4 else _saw(rng)), "decay": 0.0, "vibrato": 0.2}


SYNTHS: dict[str, Family] = {
    "pluck": _pluck,
    "saw": _saw,
    "supersaw": _supersaw,
    "square": _square,
    "lead": _lead,
}
