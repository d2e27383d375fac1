"""The beat grid: the beats of a song and their positions in the bar.

Times are seconds, increasing. Positions count from 1 at each downbeat. A bar lasts from one
downbeat to the next. Beats before the first downbeat are a pickup and count as the end of a bar.
The last bar may be incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import EditError
from ..types import LONGEST_BAR, MOST_BEATS
from .counting import Positions

CLOSEST = 0.03  # shortest time between two beats in seconds: a tempo above 2000 bpm is not music
TOUCH = 0.05  # seconds: a time this close to a beat refers to that beat

Times = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BeatGrid:
    """Times of the beats (B,) and their positions (B,).

    bar_one: the downbeat of bar 1, None if it is the first downbeat.
    duration: length of the song, which contains all beats; infinite if it is unknown.
    """

    times: Times
    positions: Positions
    bar_one: float | None
    duration: float

    def beat_at(self, at: float) -> int:
        """The index of the beat at the time `at`. Raises EditError if no beat is close to it."""
        index = nearest(self.times, at)
        if self.times.size and abs(self.times[index] - at) <= TOUCH:
            return index
        raise EditError(f"there is no beat at {at:.3f} s")

    def check_room(self, time: float, *, before: int, after: int) -> None:
        """Raise EditError unless a beat at `time` fits between two others and into the song.

        before, after: indices of these two; -1 or B if there is none.
        """
        if time > self.duration:
            raise EditError(f"{time:.3f} s is beyond the end of the song")
        if before >= 0 and time - self.times[before] < CLOSEST:
            raise EditError(f"{time:.3f} s is too close to the beat at {self.times[before]:.3f} s")
        if after < self.times.size and self.times[after] - time < CLOSEST:
            raise EditError(f"{time:.3f} s is too close to the beat at {self.times[after]:.3f} s")

    def settled(self) -> BeatGrid:
        """The same grid with bar 1 at the downbeat nearest to its old place.

        bar_one becomes None if that is the first downbeat, or if there is no downbeat. Raises
        EditError if there are more beats than a result can hold.
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


def restore_beats(grid: BeatGrid, detected: BeatGrid, start: float, end: float) -> BeatGrid:
    """Replace the beats within [start, end) by the detected ones."""
    back = slice(*np.searchsorted(detected.times, [start, end]))
    restored, counted = detected.times[back], detected.positions[back]
    before, after = np.searchsorted(grid.times, [start, end])
    if restored.size:  # drop edited beats that are too close to a detected beat at the ends
        before = min(before, np.searchsorted(grid.times, restored[0] - CLOSEST, side="right"))
        after = max(after, np.searchsorted(grid.times, restored[-1] + CLOSEST))
    times = np.concatenate([grid.times[:before], restored, grid.times[after:]])
    positions = np.concatenate([grid.positions[:before], counted, grid.positions[after:]])
    return replace(grid, times=times, positions=positions)


def nearest(times: Times, at: float) -> int:
    """The index of the time nearest to `at` in increasing times (N,); the first wins a tie."""
    right = min(int(np.searchsorted(times, at)), max(times.size - 1, 0))
    left = max(right - 1, 0)
    if times.size and abs(times[left] - at) <= abs(times[right] - at):
        return left
    return right


def distance_to(times: Times, others: Times) -> Times:
    """Seconds from each time (N,) to the nearest of other times (M,), which increase.

    Infinite if M is 0.
    """
    padded = np.concatenate([[-np.inf], others, [np.inf]])
    right = np.searchsorted(padded, times, side="left").clip(1)
    return np.minimum(times - padded[right - 1], padded[right] - times)
