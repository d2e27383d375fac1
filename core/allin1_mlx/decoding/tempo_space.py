"""The tempi that a course of beats may have, and how freely it changes from one to another.

K tempi are intervals of whole frames, ascending, as even on a logarithmic scale as frames allow.
After Krebs, Böck & Widmer, "An efficient state-space model for joint tempo and meter tracking"
(ISMIR 2015); the leap is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..types import FPS

MIN_BPM, MAX_BPM = 55, 215
OBSERVATION_LAMBDA = 16  # a beat is heard in the first 1/16 of its interval

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tempi:
    """K intervals, and what it costs to change from one to another.

    frames: into so many parts each frame of the network is divided; count: K; steadiness:
    P(n' after n) goes as exp(-steadiness |n' / n - 1|); leap: nats that any other change costs (a
    sudden new tempo), or None where no other is possible.
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
        """(K,) frames per beat of each tempo: evenly spaced logarithms, whole, distinct."""
        intervals = np.empty(0)
        candidates = self.count
        while len(intervals) < self.count:
            spaced = np.geomspace(60 * self.fps / MAX_BPM, 60 * self.fps / MIN_BPM, candidates)
            intervals = np.unique(np.rint(spaced))
            candidates += 1
        return intervals.astype(np.int64)

    @cached_property
    def heard(self) -> Ints:
        """(K,) the number of frames i with i / interval < 1 / OBSERVATION_LAMBDA."""
        return -(-self.intervals // OBSERVATION_LAMBDA)

    @cached_property
    def changes(self) -> Floats:
        """(K, K) the log-probability of an interval after another [from, to], without leaps.

        Of many it is -inf.
        """
        intervals = self.intervals
        probability = np.exp(-self.steadiness * np.abs(intervals / intervals[:, None] - 1))
        probability[probability <= np.finfo(np.float64).eps] = 0
        with np.errstate(divide="ignore"):
            return np.log(probability / probability.sum(axis=1, keepdims=True))


PUBLISHED = Tempi()  # of the published decoder
# A network that is less sure finds more beats where the tempo holds, and halves of frames tell
# tempi apart that are held for minutes.
STEADY = Tempi(frames=2, count=120, steadiness=1200, leap=90)
