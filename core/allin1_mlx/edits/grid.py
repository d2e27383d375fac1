"""The beat grid: the beats of a song and their positions in the bar.

Times are seconds, increasing; positions count from 1 at each downbeat. A bar runs from a downbeat
to the next. Beats before the first downbeat are a pickup and count as the end of a bar; the last
bar may be incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import EditError
from ..types import LONGEST_BAR, MOST_BEATS
from .counting import Positions

CLOSEST = 0.03  # seconds between two beats: a tempo above 2000 bpm is not music
TOUCH = 0.05  # seconds: a time this close to a beat means that beat

Times = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """Times of the beats (B,) and their positions (B,).

    bar_one: the downbeat of bar 1, None where that is the first downbeat.
    duration: length of the song, which holds all beats; infinite where it is not known.
    """

    times: Times
    positions: Positions
    bar_one: float | None
    duration: float

    def beat_at(self, at: float) -> int:
        """The index of the beat that a time means. Raises EditError where there is none."""
        index = nearest(self.times, at)
        if self.times.size and abs(self.times[index] - at) <= TOUCH:
            return index
        raise EditError(f"there is no beat at {at:.3f} s")

    def check_room(self, time: float, *, before: int, after: int) -> None:
        """Raise EditError unless a beat at `time` has room between two others and in the song.

        before, after: indices of the two; -1 and B where there is none.
        """
        if time > self.duration:
            raise EditError(f"{time:.3f} s is beyond the end of the song")
        if before >= 0 and time - self.times[before] < CLOSEST:
            raise EditError(f"{time:.3f} s is too close to the beat at {self.times[before]:.3f} s")
        if after < self.times.size and self.times[after] - time < CLOSEST:
            raise EditError(f"{time:.3f} s is too close to the beat at {self.times[after]:.3f} s")

    def settled(self) -> Grid:
        """The same grid with bar 1 at the downbeat nearest to where it was.

        bar_one becomes None where that is the first downbeat, or where there is no downbeat.
        Raises EditError where there are more beats than a result can hold.
        """
        if self.times.size > MOST_BEATS:
            raise EditError(f"a song has {MOST_BEATS} beats at most")
        if self.positions.max(initial=1) > LONGEST_BAR:
            raise EditError(f"a bar has {LONGEST_BAR} beats at most")
        if self.bar_one is None:
            return self
        downbeats = self.times[self.positions == 1]
        if not downbeats.size:
            return replace(self, bar_one=None)
        index = nearest(downbeats, self.bar_one)
        return replace(self, bar_one=float(downbeats[index]) if index else None)


def restore_beats(grid: Grid, detected: Grid, start: float, end: float) -> Grid:
    """The beats of [start, end) as detected, the others unchanged."""
    back = slice(*np.searchsorted(detected.times, [start, end]))
    restored, counted = detected.times[back], detected.positions[back]
    before, after = np.searchsorted(grid.times, [start, end])
    if restored.size:  # drop edited beats that lie too close to a detected one at the seam
        before = min(before, np.searchsorted(grid.times, restored[0] - CLOSEST, side="right"))
        after = max(after, np.searchsorted(grid.times, restored[-1] + CLOSEST))
    times = np.concatenate([grid.times[:before], restored, grid.times[after:]])
    positions = np.concatenate([grid.positions[:before], counted, grid.positions[after:]])
    return replace(grid, times=times, positions=positions)


def nearest(times: Times, at: float) -> int:
    """The index of the time nearest to `at` in increasing times (N,), the first of equal ones."""
    right = min(int(np.searchsorted(times, at)), max(times.size - 1, 0))
    left = max(right - 1, 0)
    if times.size and abs(times[left] - at) <= abs(times[right] - at):
        return left
    return right


def distance_to(times: Times, others: Times) -> Times:
    """Seconds from each time (N,) to the nearest of others (M,), which increase.

    Infinite where M is 0.
    """
    padded = np.concatenate([[-np.inf], others, [np.inf]])
    right = np.searchsorted(padded, times, side="left").clip(1)
    return np.minimum(times - padded[right - 1], padded[right] - times)
