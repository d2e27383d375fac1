"""The beat grid: the time of each beat of a song. Times are seconds, positions 1, 2, ..."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator


@dataclass(frozen=True)
class Grid:
    """The beats of a song, and the first beats of its bars.

    times: (B + 1,) seconds; the last one is the end of the last beat. positions: (B,), 1 on
    downbeats. bar_starts: (bars,), index of each bar's first beat. bar_beats: (bars,), its number
    of beats. swing: 0.5 (even) to 0.67. swing_beats: the span that is divided unevenly, 1 or 0.5
    beats.
    """

    times: NDArray[np.float64]
    positions: NDArray[np.int64]
    bar_starts: NDArray[np.int64]
    bar_beats: NDArray[np.int64]
    swing: float
    swing_beats: float

    @property
    def bpm(self) -> float:
        """The usual tempo."""
        return float(60 / np.median(np.diff(self.times)))

    def time(self, beat: float) -> float:
        """The time of a position in beats; fractions are swung, positions beyond the ends
        extrapolated.
        """
        whole, part = divmod(beat, self.swing_beats)
        x = part / self.swing_beats
        x = 2 * self.swing * x if x <= 0.5 else self.swing + (2 * x - 1) * (1 - self.swing)
        at = (whole + x) * self.swing_beats
        last = len(self.times) - 1
        index = min(max(int(at), 0), last - 1)
        step = self.times[index + 1] - self.times[index]
        return float(self.times[index] + (at - index) * step)


def make_grid(
    rng: Rng,
    *,
    bpm: float,
    meter: int,
    lengths: NDArray[np.int64],
    section_ends: set[int],
    human: bool,
    swing: float,
    swing_beats: float,
    start: float,
) -> Grid:
    """A grid of bars of `lengths` beats. section_ends: the last bars of sections.

    Rarely there is a pickup before the first bar, or the last bar of a section is short. A human
    tempo drifts and may slow down at the end.
    """
    lengths, bars = lengths.copy(), len(lengths)
    if meter == 4 and rng.random() < 0.04:
        short = [b for b in section_ends if rng.random() < 0.5 and 0 < b < bars - 1]
        lengths[short] = rng.choice([2, 2, 3, 5])
    pickup = int(rng.integers(1, meter)) if rng.random() < 0.06 else 0
    all_lengths = np.concatenate([[pickup], lengths]) if pickup else lengths
    starts = np.concatenate([[0], np.cumsum(all_lengths)[:-1]])
    positions = np.concatenate([np.arange(n) + 1 for n in all_lengths])
    if pickup:
        positions[:pickup] += meter - pickup
    B = len(positions)
    period = np.full(B, 60 / bpm) * (_drift(rng, B) if human else 1.0)
    if human and rng.random() < 0.12:
        slowing = min(B, int(rng.integers(4, 12)))
        period[-slowing:] *= np.linspace(1, rng.uniform(1.1, 1.5), slowing)
    times = start + np.concatenate([[0], np.cumsum(period)])
    return Grid(times, positions, starts, all_lengths, swing, swing_beats)


def _drift(rng: Rng, beats: int) -> NDArray[np.float64]:
    """Factors of beat lengths: slow changes over bars and small ones from beat to beat."""
    amount = rng.choice([0.001, 0.003, 0.006, 0.015], p=[0.3, 0.35, 0.25, 0.1])
    knots = np.arange(0, beats + 32, 16)
    slow = np.interp(np.arange(beats), knots, rng.normal(0, 1.5 * amount, len(knots)))
    factors: NDArray[np.float64] = 1 + slow + rng.normal(0, amount, beats)
    return factors
