"""Singers, each drawn at random; see `patches`."""

from __future__ import annotations

from numpy.random import Generator

from .dice import Family, Settings, draw_log


def human(rng: Generator) -> Settings:
    """The settings that all singers share."""
    return {
        "engine": "voice",
        "attack": draw_log(rng, 0.004, 0.06),
        "tilt": rng.uniform(0.5, 1.3),
        "vibrato": rng.uniform(0, 0.5),
        "glide": rng.choice([0.0, -1.0, -2.5, 1.0]),
        "noise": rng.uniform(0, 0.08),
        "drive": rng.choice([0.0, 0.0, rng.uniform(1, 4)]),
    }


def _male(rng: Generator) -> Settings:
    return {**human(rng), "ratio": rng.uniform(0.9, 1.05)}


def _female(rng: Generator) -> Settings:
    return {**human(rng), "ratio": rng.uniform(1.08, 1.3)}


SINGERS: dict[str, Family] = {
    "male": _male,
    "female": _female,
}
