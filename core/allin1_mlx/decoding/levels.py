"""Other possible tempos of a song: half, double, 2:3, 3:2, or half a beat later.

All these sequences of beats fit the same music, and the decoder may choose the wrong one. Each gets
a probability from the whole song. The evidence is: the network's probabilities on its beats and
between them; the difference between odd and even beats; how usual the tempo is; and the network's
own tempo, if it has outputs for that. The weights come from a multinomial logistic regression on
songs with known beats, which were composed or played by a sequencer. So the probabilities are
reliable only for similar songs.
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
# Of the network's tempo, beats, the middle between beats, thirds between beats, every other beat,
# the usual tempo, and the decoder's choice.
WEIGHTS = (0.92, 0.90, -1.36, -0.86, -0.55, -0.52, 1.42)
WEIGHTS_WITHOUT_TEMPO = (0.0, 1.13, -0.70, -1.39, -0.83, -1.48, 2.00)
USUAL_TEMPO = 120.0  # BPM
TEMPO_WIDTH = 1.2  # standard deviation in classes within which the network's tempo counts
LEAST_TEMPO, LEAST_HEIGHT = 0.01, 0.02  # added before logarithms
AROUND = 2  # frames before and after a time in which its probability is read
FEWEST = 16  # least number of beats of a song for this method
WORTH_NAMING = 0.1  # least probability of an alternative that is listed
MOST_NAMED = 2

Floats = NDArray[np.float64]


def name_alternatives(tempo: Tempo, beats: Beats, found: Activations) -> Tempo:
    """Add the alternatives to the tempo of some beats, if there are any.

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
    """(C,) probabilities: the mean of `Activations.tempo` (C, n) over the song."""
    if tempo is None or not tempo.shape[1]:
        return None
    mean = np.exp(tempo.astype(np.float64)).mean(axis=1)
    pooled: Floats = mean / mean.sum()
    return pooled


def _courses(times: Floats, change: str) -> list[Floats]:
    """The beats (B,) after a change, one array for each possible first beat."""
    step, firsts = COURSES[change]
    index = np.arange(len(times))
    last = len(times) - 1 + 1e-9
    return [np.interp(np.arange(first, last, step), index, times) for first in firsts]


def _evidence(course: Floats, heard: Floats) -> list[float]:
    """Evidence for a course of beats.

    It is the logarithm of the mean probability at beats, between them and at thirds; the difference
    between odd and even beats; and the distance from the usual tempo.
    """

    def mean(times: Floats) -> float:
        return float(np.log(_heights(heard, times).mean() + LEAST_HEIGHT))

    before, after = course[:-1], course[1:]
    thirds = np.concatenate([(2 * before + after) / 3, (before + 2 * after) / 3])
    unusual = np.log2(_bpm(course) / USUAL_TEMPO) ** 2
    uneven = abs(mean(course[::2]) - mean(course[1::2]))
    return [mean(course), mean((before + after) / 2), mean(thirds), uneven, float(unusual)]


def _tempo_evidence(course: Floats, tempo: Floats | None) -> float:
    """The logarithm of the network's probability for the tempo of a course."""
    if tempo is None:
        return 0.0
    place = CLASSES_PER_OCTAVE * np.log2(_bpm(course) / LOWEST_TEMPO)
    near = np.exp(-0.5 * ((np.arange(len(tempo)) - place) / TEMPO_WIDTH) ** 2)
    return float(np.log(near @ tempo + LEAST_TEMPO))


def _bpm(course: Floats) -> float:
    return 60 / float(np.median(np.diff(course)))


def _heights(heard: Floats, times: Floats) -> Floats:
    """(B,) the highest probability near each time."""
    frames = np.rint(times * FPS).astype(np.int64)[:, None] + np.arange(-AROUND, AROUND + 1)
    heights: Floats = heard[np.clip(frames, 0, len(heard) - 1)].max(axis=1)
    return heights
