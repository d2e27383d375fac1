"""Edits of the times of beats: move all of them, or add, move and delete single beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import EditError
from ..types import Result
from .bars import signed
from .counting import bar_around, end_lengths
from .edit import BeatEdit, count_verbs
from .fields import TIME, Whole, metadata
from .grid import BeatGrid

FARTHEST_NUDGE = 10_000  # ms


@dataclass(frozen=True)
class Nudge(BeatEdit):
    """All beats move by `ms` milliseconds: later if positive, earlier if negative."""

    name = "nudge"
    aspect = "nudge"
    ms: int = field(
        metadata=metadata(
            Whole(
                -FARTHEST_NUDGE,
                FARTHEST_NUDGE,
                f"beats can be moved by {FARTHEST_NUDGE} ms at most",
            )
        )
    )

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Beats that would leave the song are dropped."""
        times = grid.times + self.ms / 1000
        inside = (times >= 0) & (times <= grid.duration)
        bar_one = None if grid.bar_one is None else grid.bar_one + self.ms / 1000
        return replace(grid, times=times[inside], positions=grid.positions[inside], bar_one=bar_one)

    def combine(self, earlier: Nudge) -> tuple[Nudge, ...] | None:
        """Two nudges are joined to their sum."""
        ms = earlier.ms + self.ms
        if abs(ms) > FARTHEST_NUDGE:
            return None
        return (Nudge(ms),) if ms else ()

    @classmethod
    def describe(cls, edits: Sequence[Nudge], result: Result) -> str:
        """Describe the sum."""
        ms = sum(edit.ms for edit in edits)
        return f"Beats {signed(ms)} ms" if ms else ""


class SingleBeatEdit(BeatEdit):
    """An edit of one beat."""

    aspect = "single_beats"

    @classmethod
    def describe(cls, edits: Sequence[SingleBeatEdit], result: Result) -> str:
        """Describe how many beats were added, moved and deleted."""
        return f"Beats: {count_verbs(cls, edits)}"


@dataclass(frozen=True)
class AddBeat(SingleBeatEdit):
    """A new beat at `at`; its bar gets one beat more."""

    name = "add_beat"
    verb = "added"
    at: float = field(metadata=TIME)

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Insert the beat and count its bar again."""
        index = int(np.searchsorted(grid.times, self.at))
        grid.check_room(self.at, before=index - 1, after=index)
        times = np.insert(grid.times, index, self.at)
        positions = grid.positions
        if not positions.size:
            return replace(grid, times=times, positions=np.ones(1, dtype=np.int64))
        first, last = end_lengths(positions)
        if index == positions.size:
            new = positions[-1] + 1 if positions[-1] < last else 1
            return replace(grid, times=times, positions=np.append(positions, new))
        bar = bar_around(positions, index - 1)
        if bar is None:  # a pickup is counted back from its end
            head = positions[:index] - 1
            before = positions[index] - 1 if positions[index] > 1 else first
            if head.min(initial=1) < 1:
                raise EditError("the pickup would be longer than a bar")
            return replace(grid, times=times, positions=np.r_[head, before, positions[index:]])
        stop = bar[1]
        tail = np.r_[positions[index - 1] + 1, positions[index:stop] + 1, positions[stop:]]
        return replace(grid, times=times, positions=np.r_[positions[:index], tail])


@dataclass(frozen=True)
class MoveBeat(SingleBeatEdit):
    """The beat at `at` moves to `to`, between the same neighbours."""

    name = "move_beat"
    verb = "moved"
    at: float = field(metadata=TIME)
    to: float = field(metadata=TIME)

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Positions stay the same."""
        index = grid.beat_at(self.at)
        grid.check_room(self.to, before=index - 1, after=index + 1)
        times = grid.times.copy()
        times[index] = self.to
        bar_one = self.to if grid.bar_one == grid.times[index] else grid.bar_one
        return replace(grid, times=times, bar_one=bar_one)


@dataclass(frozen=True)
class DeleteBeat(SingleBeatEdit):
    """The beat at `at` is deleted; its bar gets one beat less."""

    name = "delete_beat"
    verb = "deleted"
    at: float = field(metadata=TIME)

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """If the beat began its bar, the next beat becomes the downbeat."""
        index = grid.beat_at(self.at)
        positions = grid.positions.copy()
        bar = bar_around(positions, index)
        if bar is None:
            positions[:index] += 1
        else:
            positions[index + 1 : bar[1]] -= 1
        times = np.delete(grid.times, index)
        return replace(grid, times=times, positions=np.delete(positions, index))
