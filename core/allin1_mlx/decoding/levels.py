"""The level of the pulse: are the beats those that people tap, or twice or half as many?

The decoder chooses a tempo from place to place. The whole song shows more. Its evidence may be for
twice the tempo. And music does not change between a tempo and its double, or 3/2 of it: if the
beats do, the decoder changed the level. Then the song is decoded again without the wrong tempos.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import CLASSES_PER_OCTAVE, LOWEST_TEMPO, TEMPO_FRAMES, Activations
from .beats import Beats
from .tempo import FEWEST, weigh_levels

DOUBLE = 1.25  # factor by which twice the tempo must be more probable to be preferred
TEMPO_CLASSES = 50  # as many as a network has; for networks that do not judge the tempo
EXCLUDED = 20.0  # nats per second
SAME_TEMPO = 0.12  # octaves
WINDOW = 12  # number of beats over which a tempo is measured
MIXED = 10  # number of windows at another level from which it counts
ALIKE = 0.02  # octaves: greatest distance of a window's tempo from a level
STEPS = (-1.0, -np.log2(1.5), np.log2(1.5), 1.0)  # octaves from one level to another

Floats = NDArray[np.float64]
Judged = NDArray[np.floating[Any]]  # (C, n), as Activations.tempo


def correct_level(beats: Beats, found: Activations) -> Judged | None:
    """The tempo with which to decode the song again; None if the level of its beats is right.

    found: the probabilities that were decoded.
    """
    if len(beats.times) < FEWEST:
        return None
    T = len(found.beat)
    likely = weigh_levels(beats, found)
    if likely["2"] > DOUBLE * likely["1"]:
        return prefer_double(found.tempo, beats.times, T)
    others = mixed_levels(beats.times)
    if not others:
        return None
    near = [np.abs(np.log2(_tempos(found.tempo) / bpm)) < SAME_TEMPO for bpm in others]
    return _exclude(found.tempo, T, np.any(near, axis=0))


def mixed_levels(times: Floats) -> list[float]:
    """The tempos in BPM that parts of a song have in error.

    They are twice, half, 3/2 or 2/3 of the tempo of most beats. times: (B,) of the beats.
    """
    if len(times) <= WINDOW:
        return []
    periods = (times[WINDOW:] - times[:-WINDOW]) / WINDOW
    octaves = np.sort(-np.log2(periods))
    ends = np.searchsorted(octaves, octaves + 2 * ALIKE, side="right")
    first = int((ends - np.arange(len(ends))).argmax())
    main = float(np.median(octaves[first : ends[first]]))
    counts = [(step, int((np.abs(octaves - main - step) < ALIKE).sum())) for step in STEPS]
    return [60 * 2 ** (main + step) for step, count in counts if count >= MIXED]


def prefer_double(tempo: Judged | None, times: Floats, T: int) -> Judged:
    """The tempo (C, n) of T frames, with all tempos up to that of the times excluded."""
    return _exclude(tempo, T, _tempos(tempo) < 1.5 * _usual(times))


def prefer_slower(tempo: Judged | None, times: Floats, T: int) -> Judged:
    """The tempo (C, n) of T frames, with all but two thirds of the times' tempo excluded."""
    away = np.abs(np.log2(1.5 * _tempos(tempo) / _usual(times)))
    return _exclude(tempo, T, away > SAME_TEMPO)


def _usual(times: Floats) -> float:
    return 60 / float(np.median(np.diff(times)))


def _tempos(tempo: Judged | None) -> Floats:
    """(C,) the BPM of each class."""
    classes = TEMPO_CLASSES if tempo is None else len(tempo)
    tempos: Floats = LOWEST_TEMPO * 2 ** (np.arange(classes) / CLASSES_PER_OCTAVE)
    return tempos


def _exclude(tempo: Judged | None, T: int, excluded: NDArray[np.bool_]) -> Judged:
    """The tempo (C, n) of T frames without the excluded classes (C,)."""
    if tempo is None:
        tempo = np.zeros((TEMPO_CLASSES, -(-T // TEMPO_FRAMES)), np.float32)
    return tempo - EXCLUDED * excluded[:, None]
