"""Which level of the pulse: as decoded, half, double, 2:3, 3:2, or half a beat later.

All these courses of beats explain the same music, and the decoder may take the wrong one. Each is
weighed over the whole song: how surely beats are heard on it, and how little between its beats;
whether every other beat is weaker; whether people tap at that tempo; and what the network itself
says about the tempo, where it has outputs for it. The weights are those of a multinomial logistic
regression on songs with known beats that were composed or played by a sequencer; so the numbers are
probabilities as far as a song resembles these.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..types import CLASSES_PER_OCTAVE, FPS, LOWEST_TEMPO, Activations, Tempo, TempoLevel
from .beats import Beats

# Old beats per new beat, and the old beats (with fractions) at which the first new one may be.
COURSES: dict[str, tuple[float, tuple[float, ...]]] = {
    "1": (1, (0,)),
    "1/2": (2, (0, 1)),
    "2": (0.5, (0,)),
    "2/3": (1.5, (0, 0.5, 1)),
    "3/2": (2 / 3, (0,)),
    "offbeat": (1, (0.5,)),
}
# Of: beats, between them, at thirds between them, every other beat, tempo, the decoder's choice;
# first the network's tempo.
WEIGHTS = (0.95, 0.96, -1.14, -0.74, -0.59, -0.20, 1.41)
WEIGHTS_WITHOUT_TEMPO = (0.0, 1.13, -0.70, -1.39, -0.83, -1.48, 2.00)
USUAL_TEMPO = 120.0  # BPM
TEMPO_WIDTH = 1.2  # classes: how far beside a course's tempo the network's tempo counts for it
LEAST_TEMPO, LEAST_HEIGHT = 0.01, 0.02  # are added before logarithms
AROUND = 2  # frames to either side of a time in which its probability is looked up
FEWEST = 16  # beats of a song that can be weighed
WORTH_NAMING = 0.1  # probability of an alternative that is listed
MOST_NAMED = 2

Floats = NDArray[np.float64]


def name_alternatives(tempo: Tempo, beats: Beats, found: Activations) -> Tempo:
    """The tempo of some beats with its alternatives: other levels that may be right, if any.

    found: the network's probabilities, from which the beats were decoded.
    """
    if tempo.bpm is None or len(beats.times) < FEWEST:
        return tempo
    likely = weigh_levels(beats, found)
    others = [
        TempoLevel(tempo.bpm / COURSES[change][0], change, share)
        for change, share in likely.items()
        if change != "1" and share >= WORTH_NAMING
    ]
    others.sort(key=lambda level: -level.confidence)
    return replace(tempo, alternatives=tuple(others[:MOST_NAMED]))


def weigh_levels(beats: Beats, found: Activations) -> dict[str, float]:
    """The probability of each of COURSES; they sum to 1. At least FEWEST beats are needed."""
    heard = np.nan_to_num(np.maximum(found.beat, found.downbeat)).astype(np.float64)
    tempo = _pool(found.tempo)
    weights = np.array(WEIGHTS_WITHOUT_TEMPO if tempo is None else WEIGHTS)
    scores = {}
    for change in COURSES:
        for first, course in enumerate(_courses(beats.times, change)):
            evidence = [_tempo_evidence(course, tempo), *_evidence(course, heard), change == "1"]
            scores[change, first] = float(weights @ np.array(evidence, dtype=np.float64))
    highest = max(scores.values())
    shares = {key: float(np.exp(score - highest)) for key, score in scores.items()}
    total = sum(shares.values())
    return {
        change: sum(share for (name, _), share in shares.items() if name == change) / total
        for change in COURSES
    }


def _pool(tempo: NDArray[np.float32] | None) -> Floats | None:
    """(C,) the mean over the song of `Activations.tempo` (C, n), as probabilities."""
    if tempo is None or not tempo.shape[1]:
        return None
    mean = np.exp(tempo.astype(np.float64)).mean(axis=1)
    pooled: Floats = mean / mean.sum()
    return pooled


def _courses(times: Floats, change: str) -> list[Floats]:
    """The beats (B,) of other levels, one array for each place where the first beat may be."""
    step, firsts = COURSES[change]
    index = np.arange(len(times))
    last = len(times) - 1 + 1e-9
    return [np.interp(np.arange(first, last, step), index, times) for first in firsts]


def _evidence(course: Floats, heard: Floats) -> list[float]:
    """Logarithms of the mean probabilities at beats, between them and at thirds; how unlike
    neighbouring beats are; and how unusual the tempo."""

    def mean(times: Floats) -> float:
        return float(np.log(_heights(heard, times).mean() + LEAST_HEIGHT))

    before, after = course[:-1], course[1:]
    thirds = np.concatenate([(2 * before + after) / 3, (before + 2 * after) / 3])
    unusual = np.log2(_bpm(course) / USUAL_TEMPO) ** 2
    uneven = abs(mean(course[::2]) - mean(course[1::2]))
    return [mean(course), mean((before + after) / 2), mean(thirds), uneven, float(unusual)]


def _tempo_evidence(course: Floats, tempo: Floats | None) -> float:
    """Logarithm of the probability that the network gives to the tempo of a course."""
    if tempo is None:
        return 0.0
    place = CLASSES_PER_OCTAVE * np.log2(_bpm(course) / LOWEST_TEMPO)
    near = np.exp(-0.5 * ((np.arange(len(tempo)) - place) / TEMPO_WIDTH) ** 2)
    return float(np.log(near @ tempo + LEAST_TEMPO))


def _bpm(course: Floats) -> float:
    return 60 / float(np.median(np.diff(course)))


def _heights(heard: Floats, times: Floats) -> Floats:
    """(B,) the highest probability around each time."""
    frames = np.rint(times * FPS).astype(np.int64)[:, None] + np.arange(-AROUND, AROUND + 1)
    heights: Floats = heard[np.clip(frames, 0, len(heard) - 1)].max(axis=1)
    return heights
