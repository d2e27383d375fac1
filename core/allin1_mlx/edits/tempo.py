"""Edits of the tempo: they replace the beats of the whole song."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from ..display.times import write_time
from ..errors import EditError
from ..types import MOST_BEATS, Result
from .counting import stretches, usual_length
from .edit import BeatEdit
from .fields import BPM, SLOWEST, TAPS, OneOf, metadata
from .grid import CLOSEST, BeatGrid, Times, distance_to
from .straight import straighten
from .tapping import follow_taps, retime_passage

FACTORS: Mapping[str, Fraction] = MappingProxyType(
    {name: Fraction(name) for name in ("2", "1/2", "3/2", "2/3")}
)


@dataclass(frozen=True)
class ScaleTempo(BeatEdit):
    """Twice, half, 3/2 or 2/3 as many beats; bars keep their number of beats."""

    name = "scale_tempo"
    aspect = "tempo"
    factor: str = field(metadata=metadata(OneOf("a factor", lambda: FACTORS)))

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Scale each stretch of bars of one length, starting at bar 1 or its first downbeat."""
        new, old = FACTORS[self.factor].as_integer_ratio()
        if grid.times.size < 2:
            raise EditError("there are too few beats to change the tempo")
        if new > old and np.diff(grid.times).min() * old / new < CLOSEST:
            raise EditError("the beats would be too close together")
        if new < old and np.median(np.diff(grid.times)) * old / new > 60 / SLOWEST:
            raise EditError(f"the tempo would be below {SLOWEST} BPM")
        if grid.times.size * new > MOST_BEATS * old:
            raise EditError("the song is too long for beats this close together")
        times, positions = [], []
        index = np.arange(grid.times.size)
        bar_one = None if grid.bar_one is None else grid.beat_at(grid.bar_one)
        for stretch in stretches(grid.positions, bar_one=bar_one):
            first = -((stretch.origin - stretch.start) * new // old)
            last = (stretch.stop - stretch.origin) * new // old
            count = np.arange(first, last + 1)
            places = stretch.origin + count * old / new  # in numbers of old beats
            if stretch.stop < grid.times.size - 1:  # the next stretch adds its own first beat
                near = stretch.stop - places < old / new / 2
                count, places = count[~near], places[~near]
            times.append(np.interp(places, index, grid.times))
            positions.append(count % stretch.length + 1)
        return replace(grid, times=np.concatenate(times), positions=np.concatenate(positions))

    def combine(self, earlier: ScaleTempo) -> tuple[ScaleTempo, ...] | None:
        """A factor and its inverse cancel out."""
        return () if FACTORS[earlier.factor] * FACTORS[self.factor] == 1 else None

    @classmethod
    def describe(cls, edits: Sequence[ScaleTempo], result: Result) -> str:
        """Describe the product of all factors."""
        factor = math.prod((FACTORS[edit.factor] for edit in edits), start=Fraction(1))
        if factor == 1:
            return f"Tempo changed {len(edits)} times"
        names = {Fraction(2): "doubled", Fraction(1, 2): "halved"}
        return f"Tempo {names.get(factor, f'× {factor}')}"


@dataclass(frozen=True)
class ConstantTempo(BeatEdit):
    """One exact tempo from the first to the last beat: `bpm`, or the one that fits best."""

    name = "constant_tempo"
    aspect = "constant"
    bpm: float | None = field(default=None, metadata=BPM)

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Bars keep their length; they keep their phase if old and new beats agree."""
        if grid.times.size < 2:
            raise EditError("there are too few beats to make their tempo constant")
        times = straighten(grid.times, self.bpm)
        if times.size > MOST_BEATS:
            raise EditError("the song is too long for beats this close together")
        times = times[(times >= 0) & (times <= grid.duration)]
        return _count(grid, times, first=float(grid.times[0]), length=_bar_length(grid))

    def combine(self, earlier: ConstantTempo) -> tuple[ConstantTempo, ...] | None:
        """A later tempo replaces the one before."""
        return None if self.bpm is None else (self,)

    @classmethod
    def describe(cls, edits: Sequence[ConstantTempo], result: Result) -> str:
        """The tempo of the corrected song."""
        tempo = result.tempo.bpm if result.tempo else None
        return "Tempo made constant" if tempo is None else f"Constant, {tempo:.2f} BPM"


@dataclass(frozen=True)
class TapTempo(BeatEdit):
    """Tapped beats replace those of a passage, or of the song, which continues from the taps."""

    name = "tap_tempo"
    aspect = "taps"
    work = 100
    taps: tuple[float, ...] = field(metadata=TAPS)
    extent: str | None = field(
        default=None, metadata=metadata(OneOf("an extent", lambda: ("passage", "song")))
    )

    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Bars keep their length, and keep their phase if taps and beats agree."""
        taps = np.array(self.taps)
        if self.extent != "passage":
            times = follow_taps(taps, grid.times, grid.duration)
            return _count(grid, times, first=self.taps[0], length=_bar_length(grid))
        times = retime_passage(taps, grid.times, grid.duration)
        return _replace_passage(grid, times)

    @classmethod
    def describe(cls, edits: Sequence[TapTempo], result: Result) -> str:
        """Describe the passage, or the whole song."""
        last = edits[-1]
        if len(edits) > 1 or last.extent != "passage":
            return "Beats tapped"
        return f"Beats tapped from {write_time(last.taps[0])} to {write_time(last.taps[-1])}"


def _replace_passage(grid: BeatGrid, times: Times) -> BeatGrid:
    """Insert new beats (N,) in place of those of their passage; the beats around it stay."""
    room = np.median(np.diff(times)) / 2
    before = grid.times < times[0] - room
    after = grid.times > times[-1] + room
    inside = ~(before | after)
    passage = replace(grid, times=grid.times[inside], positions=grid.positions[inside])
    length = _bar_length(grid)
    # If no downbeat agrees, the count of the bar before continues.
    missing = -int(grid.positions[before][-1]) % length if before.any() else 0
    first = float(times[min(missing, times.size - 1)])
    counted = _count(passage, times, first=first, length=length)
    return replace(
        grid,
        times=np.concatenate([grid.times[before], times, grid.times[after]]),
        positions=np.concatenate(
            [grid.positions[before], counted.positions, grid.positions[after]]
        ),
    )


def _bar_length(grid: BeatGrid) -> int:
    return usual_length(grid.positions) if grid.positions.size else 4


def _count(grid: BeatGrid, times: Times, *, first: float, length: int) -> BeatGrid:
    """Count new beats (N,) for a grid, in bars of `length` beats, in step with its downbeats.

    first: a time near a downbeat, used if no downbeat of the grid is near a new beat.
    """
    index = np.arange(times.size)
    origin = int(np.abs(times - first).argmin())
    downbeats = grid.times[grid.positions == 1]
    if downbeats.size and times.size > 1:
        agreeing = index[distance_to(times, downbeats) <= np.median(np.diff(times)) / 8]
        if agreeing.size:
            origin = int(np.bincount(agreeing % length, minlength=length).argmax())
    return replace(grid, times=times, positions=(index - origin) % length + 1)
