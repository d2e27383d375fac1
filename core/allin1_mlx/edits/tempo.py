"""Edits of the tempo: they replace the beats of the whole song."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from ..errors import EditError
from ..types import MOST_BEATS, Result
from .counting import stretches, usual_length
from .edit import BeatEdit
from .fields import TAPS, OneOf, metadata
from .grid import CLOSEST, Grid, distance_to
from .tapping import SLOWEST, follow_taps

FACTORS: Mapping[str, Fraction] = MappingProxyType(
    {name: Fraction(name) for name in ("2", "1/2", "3/2", "2/3")}
)


@dataclass(frozen=True)
class ScaleTempo(BeatEdit):
    """Twice, half, 3/2 or 2/3 as many beats; bars keep their number of beats."""

    name = "scale_tempo"
    aspect = "tempo"
    factor: str = field(metadata=metadata(OneOf("a factor", lambda: FACTORS)))

    def apply(self, grid: Grid) -> Grid:
        """Scale each stretch of bars of one length, starting at bar 1 or its first downbeat."""
        new, old = FACTORS[self.factor].as_integer_ratio()
        if grid.times.size < 2:
            raise EditError("there are too few beats to change the tempo")
        if new > old and np.diff(grid.times).min() * old / new < CLOSEST:
            raise EditError("the beats would be too close together")
        if new < old and np.median(np.diff(grid.times)) * old / new > SLOWEST:
            raise EditError(f"the tempo would be below {60 / SLOWEST:g} BPM")
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
class TapTempo(BeatEdit):
    """Beats where a person tapped; the rest of the song continues from there."""

    name = "tap_tempo"
    aspect = "taps"
    work = 100
    taps: tuple[float, ...] = field(metadata=TAPS)

    def apply(self, grid: Grid) -> Grid:
        """Bars keep their length; they keep their phase if taps and beats agree."""
        times = follow_taps(np.array(self.taps), grid.times, grid.duration)
        length = usual_length(grid.positions) if grid.positions.size else 4
        index = np.arange(times.size)
        origin = int(np.abs(times - self.taps[0]).argmin())
        downbeats = grid.times[grid.positions == 1]
        if downbeats.size and times.size > 1:
            agreeing = index[distance_to(times, downbeats) <= np.median(np.diff(times)) / 8]
            if agreeing.size:
                origin = int(np.bincount(agreeing % length, minlength=length).argmax())
        return replace(grid, times=times, positions=(index - origin) % length + 1)

    @classmethod
    def describe(cls, edits: Sequence[TapTempo], result: Result) -> str:
        """The same text for any number of taps."""
        return "Beats tapped"
