"""Basses, plucked and synthetic, each drawn at random; see `patches`."""

from __future__ import annotations

from numpy.random import Generator

from .dice import Family, Settings, draw_log


def _finger(rng: Generator) -> Settings:
    return {
        "decay": draw_log(rng, 0.5, 3),
        "tilt": rng.uniform(0.8, 1.6),
        "cutoff": draw_log(rng, 250, 1500),
        "bright": rng.uniform(0.1, 1),
        "bright_decay": draw_log(rng, 0.03, 0.3),
        "noise": rng.uniform(0, 0.08),
    }


def _upright(rng: Generator) -> Settings:
    return {
        "engine": "string",
        "decay": draw_log(rng, 0.3, 1.2),
        "cutoff": draw_log(rng, 400, 1500),
    }


def _slap(rng: Generator) -> Settings:
    return {"engine": "string", "decay": draw_log(rng, 0.6, 2), "cutoff": draw_log(rng, 3000, 9000)}


def _synthbass(rng: Generator) -> Settings:
    return {
        "decay": rng.choice([0.0, draw_log(rng, 0.1, 1)]),
        "tilt": 1.0,
        "even": rng.choice([0.0, 1.0]),
        "cutoff": draw_log(rng, 150, 2500),
        "bright": rng.uniform(0, 1),
        "bright_decay": draw_log(rng, 0.03, 0.4),
        "unison": int(rng.integers(1, 3)),
        "detune": rng.uniform(4, 15),
        "drive": rng.choice([0.0, rng.uniform(1, 4)]),
    }


def _sub(rng: Generator) -> Settings:
    return {
        "tilt": rng.uniform(2.5, 5),
        "cutoff": 400.0,
        "bright": 0.0,
        "decay": rng.choice([0.0, draw_log(rng, 0.4, 3)]),
        "glide": rng.choice([0.0, rng.uniform(1, 12)]),
        "drive": rng.choice([0.0, rng.uniform(1, 3)]),
    }


def _reese(rng: Generator) -> Settings:
    return {
        "tilt": 1.0,
        "cutoff": draw_log(rng, 200, 2500),
        "bright": rng.uniform(0, 0.6),
        "bright_decay": draw_log(rng, 0.2, 1.5),
        "unison": int(rng.integers(2, 5)),
        "detune": rng.uniform(10, 40),
        "drive": rng.uniform(0.5, 5),
    }


def _acid(rng: Generator) -> Settings:
    return {
        "tilt": 1.0,
        "even": rng.choice([0.0, 1.0]),
        "cutoff": draw_log(rng, 150, 600),
        "bright": rng.uniform(0.8, 2),
        "bright_decay": draw_log(rng, 0.04, 0.3),
        "drive": rng.uniform(1, 6),
        "glide": rng.choice([0.0, -3.0, 5.0]),
    }


BASSES: dict[str, Family] = {
    "finger": _finger,
    "upright": _upright,
    "slap": _slap,
    "synthbass": _synthbass,
    "sub": _sub,
    "reese": _reese,
    "acid": _acid,
}
