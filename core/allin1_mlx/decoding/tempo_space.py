"""The tempos that the beat decoder chooses from, and the cost of changing the tempo.

The K tempos are stored as intervals: whole numbers of frames per beat, ascending, spaced as evenly
on a logarithmic scale as whole frames allow. After Krebs, Böck & Widmer, "An efficient state-space
model for joint tempo and meter tracking" (ISMIR 2015). The leap is our addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import CLASSES_PER_OCTAVE, FPS, LOWEST_TEMPO

MIN_BPM, MAX_BPM = 55, 215
CERTAINTY = 3.0  # weight of the network's tempo relative to single beats
OBSERVATION_LAMBDA = 16  # a beat is observed in the first 1/16 of its interval

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TempoSpace:
    """K intervals and the cost of changing from one to another.

    frames: number of decoder frames per frame of the network.
    count: K, the number of intervals.
    steadiness: the probability of interval n' after n is proportional to
    exp(-steadiness |n' / n - 1|).
    leap: cost in nats of a change to any interval (a sudden new tempo); None forbids such changes.
    """

    frames: int = 1
    count: int = 60
    steadiness: float = 100
    leap: float | None = None

    @property
    def fps(self) -> int:
        """Frames per second."""
        return FPS * self.frames

    @property
    def shortest(self) -> int:
        """The shortest interval, in frames."""
        return round(60 * self.fps / MAX_BPM)

    @property
    def longest(self) -> int:
        """The longest interval, in frames."""
        return round(60 * self.fps / MIN_BPM)

    @cached_property
    def intervals(self) -> Ints:
        """(K,) frames per beat of each tempo: distinct whole numbers, evenly spaced logarithms."""
        intervals = np.empty(0)
        candidates = self.count
        while len(intervals) < self.count:
            spaced = np.geomspace(60 * self.fps / MAX_BPM, 60 * self.fps / MIN_BPM, candidates)
            intervals = np.unique(np.rint(spaced))
            candidates += 1
        return intervals.astype(np.int64)

    @cached_property
    def observed(self) -> Ints:
        """(K,) the number of frames i with i / interval < 1 / OBSERVATION_LAMBDA."""
        return -(-self.intervals // OBSERVATION_LAMBDA)

    @cached_property
    def changes(self) -> Floats:
        """(K, K) log-probability of a change of interval, [from, to], without leaps.

        It is -inf for changes that are too large.
        """
        intervals = self.intervals
        probability = np.exp(-self.steadiness * np.abs(intervals / intervals[:, None] - 1))
        probability[probability <= np.finfo(np.float64).eps] = 0
        with np.errstate(divide="ignore"):
            return np.log(probability / probability.sum(axis=1, keepdims=True))

    def scores(self, tempo: NDArray[np.floating[Any]]) -> Floats:
        """(K, n) the nats that one beat of each interval adds, from the network's tempo.

        tempo: (C, n) as in Activations; values between two classes are interpolated.
        """
        bpm = 60 * self.fps / self.intervals
        place = np.clip(CLASSES_PER_OCTAVE * np.log2(bpm / LOWEST_TEMPO), 0, len(tempo) - 1)
        below = np.minimum(np.floor(place).astype(np.int64), len(tempo) - 2)
        rest = (place - below)[:, None]
        judged = tempo[below] * (1 - rest) + tempo[below + 1] * rest
        seconds = (self.intervals / self.fps)[:, None]
        return np.asarray(CERTAINTY * seconds * judged, np.float64)


PUBLISHED = TempoSpace()  # the settings of the published decoder
# A less certain network finds more beats if the tempo may change only rarely. Half frames separate
# nearby tempos in songs that keep one tempo for minutes.
STEADY = TempoSpace(frames=2, count=120, steadiness=1200, leap=90)
