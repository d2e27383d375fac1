"""Edits of bars: the times of the beats stay, their positions in the bar change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..display.times import write_time
from ..errors import EditError
from ..types import Result
from .counting import end_lengths, usual_length
from .edit import BeatEdit
from .fields import TIME, Whole, metadata
from .grid import BeatGrid

FARTHEST_SHIFT = 1_000  # beats
METERS = range(2, 8)  # beats per bar


@dataclass(frozen=True)
class ShiftDownbeat(BeatEdit):
    """Bars begin `beats` beats later, or earlier if `beats` is negative."""

    name = "shift_downbeat"
    aspect = "downbeat"
    beats: int = field(
        metadata=metadata(
            Whole(
                -FARTHEST_SHIFT,
                FARTHEST_SHIFT,
                f"a downbeat can be shifted by {FARTHEST_SHIFT} beats at most",
            )
        )
    )

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """A shift by a whole bar changes nothing."""
        if not grid.positions.size:
            raise EditError("there are no beats, so no downbeat can be shifted")
        return shift(grid, int(math.fmod(self.beats, usual_length(grid.positions))))

    def combine(self, earlier: ShiftDownbeat) -> tuple[ShiftDownbeat, ...] | None:
        """Two shifts are joined to their sum."""
        beats = earlier.beats + self.beats
        if abs(beats) > FARTHEST_SHIFT:
            return None
        return (ShiftDownbeat(beats),) if beats else ()

    @classmethod
    def describe(cls, edits: Sequence[ShiftDownbeat], result: Result) -> str:
        """Describe the sum, without whole bars."""
        beats = int(math.fmod(sum(edit.beats for edit in edits), result.meter or 4))
        return f"Downbeat {signed(beats)}" if beats else ""


@dataclass(frozen=True)
class SetBarOne(BeatEdit):
    """The beat at `at` begins bar 1: it becomes a downbeat, and the other bars follow."""

    name = "set_bar_one"
    aspect = "bar_one"
    at: float = field(metadata=TIME)

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Shift the downbeat to this beat."""
        index = grid.beat_at(self.at)
        positions = shift(grid, int(grid.positions[index]) - 1).positions
        if positions[index] != 1:  # positions of other programs, and after resets, may skip some
            positions = (np.arange(positions.size) - index) % usual_length(positions) + 1
        return replace(grid, positions=positions, bar_one=float(grid.times[index]))

    @classmethod
    def describe(cls, edits: Sequence[SetBarOne], result: Result) -> str:
        """Describe the last one."""
        return f"Bar 1 at {write_time(edits[-1].at)}"


@dataclass(frozen=True)
class SetMeter(BeatEdit):
    """Bars have `meter` beats: all bars, or those from the beat at `at` on, which begins a bar."""

    name = "set_meter"
    aspect = "meter"
    meter: int = field(
        metadata=metadata(
            Whole(METERS[0], METERS[-1], f"a bar has {METERS[0]} to {METERS[-1]} beats")
        )
    )
    at: float | None = field(default=None, metadata=TIME)

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Count in both directions from bar 1, or onwards from one beat."""
        if not grid.times.size:
            raise EditError("there are no beats to count")
        index = np.arange(grid.times.size)
        if self.at is not None:
            origin = grid.beat_at(self.at)
        elif grid.bar_one is not None:
            origin = grid.beat_at(grid.bar_one)
        else:
            origin = int(np.argmax(grid.positions == 1))  # the first beat if no position is 1
        counted = (index - origin) % self.meter + 1
        if self.at is not None:
            counted = np.where(index < origin, grid.positions, counted)
        return replace(grid, positions=counted)

    @classmethod
    def describe(cls, edits: Sequence[SetMeter], result: Result) -> str:
        """List the meters in order; a meter for all bars replaces those before it."""
        meters: list[str] = []
        for edit in edits:
            if edit.at is None:
                meters = [str(edit.meter)]
            else:
                meters.append(f"{edit.meter} from {write_time(edit.at)}")
        return f"Beats a bar: {', '.join(meters)}"


def shift(grid: BeatGrid, beats: int) -> BeatGrid:
    """The grid with all downbeats moved by `beats` beats, including that of bar 1."""
    positions = grid.positions
    first, last = end_lengths(positions)
    for _ in range(abs(beats)):
        if beats > 0:
            entering = positions[0] - 1 if positions[0] > 1 else first
            positions = np.concatenate([[entering], positions[:-1]])
        else:
            entering = positions[-1] + 1 if positions[-1] < last else 1
            positions = np.concatenate([positions[1:], [entering]])
    bar_one = grid.bar_one
    if bar_one is not None:
        index = grid.beat_at(bar_one) + beats
        bar_one = float(grid.times[index]) if 0 <= index < grid.times.size else None
    return replace(grid, positions=positions, bar_one=bar_one)


def signed(number: int) -> str:
    """A number with its sign, for texts."""
    return f"+{number}" if number > 0 else f"−{-number}"
