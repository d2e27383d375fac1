"""Beats and bars under correction.

Times are seconds, increasing; positions count from 1 at each downbeat. A bar runs from a downbeat
to the next. What comes before the first downbeat is a pickup, counted as the end of a bar; the
last bar may be cut short. Every function gives a new Grid and leaves its own alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Edit
from .commands import (
    AddBeat,
    DeleteBeat,
    MoveBeat,
    Nudge,
    ScaleTempo,
    SetBarOne,
    SetMeter,
    ShiftDownbeat,
    TapTempo,
)
from .counting import Positions, bar_around, end_lengths, stretches, usual_length
from .taps import follow_taps
from .values import FACTORS, MOST_BEATS, EditError

CLOSEST = 0.03  # seconds between two beats: beyond 2000 bpm nobody counts
TOUCH = 0.05  # seconds within which a time means a beat

Times = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """Beats (B,) and their positions (B,); the downbeat of bar 1, None where that is the first.

    duration: of the song, beats lie within it; infinite where it is not known.
    """

    times: Times
    positions: Positions
    bar_one: float | None
    duration: float


def correct_grid(grid: Grid, edit: Edit) -> Grid:
    """The grid after one edit of GRID_EDITS. Raises EditError where it does not fit."""
    changed = GRID_EDITS[type(edit)](grid, edit)
    return replace(changed, bar_one=_settled(changed))


def scale_tempo(grid: Grid, edit: ScaleTempo) -> Grid:
    """Lay beats of another length over each stretch, from bar 1 or its first downbeat on."""
    new, old = FACTORS[edit.factor]
    if grid.times.size < 2:
        raise EditError("there are too few beats to change the tempo of")
    if new > old and np.diff(grid.times).min() * old / new < CLOSEST:
        raise EditError("the beats would follow each other too closely")
    if grid.times.size * new > MOST_BEATS * old:
        raise EditError("the song is too long for so many beats")
    times, positions = [], []
    index = np.arange(grid.times.size)
    bar_one = None if grid.bar_one is None else _index_at(grid, grid.bar_one)
    for stretch in stretches(grid.positions, bar_one=bar_one):
        first = -((stretch.origin - stretch.start) * new // old)
        last = (stretch.stop - stretch.origin) * new // old
        count = np.arange(first, last + 1)
        places = stretch.origin + count * old / new  # on the scale of the old beats
        if stretch.stop < grid.times.size - 1:  # the next stretch brings its own first beat
            near = stretch.stop - places < old / new / 2
            count, places = count[~near], places[~near]
        times.append(np.interp(places, index, grid.times))
        positions.append(count % stretch.length + 1)
    return replace(grid, times=np.concatenate(times), positions=np.concatenate(positions))


def shift_downbeat(grid: Grid, edit: ShiftDownbeat) -> Grid:
    """Count each beat as the one before it was counted; a whole bar's shift changes nothing."""
    positions = grid.positions
    if not positions.size:
        raise EditError("there are no beats to shift the downbeat of")
    return _shift(grid, int(math.fmod(edit.beats, usual_length(positions))))


def set_bar_one(grid: Grid, edit: SetBarOne) -> Grid:
    """Shift the downbeat onto this beat; bars are counted from it."""
    index = _index_at(grid, edit.at)
    positions = _shift(grid, int(grid.positions[index]) - 1).positions
    if positions[index] != 1:  # the positions, of another program or around a seam, skip some
        positions = (np.arange(positions.size) - index) % usual_length(positions) + 1
    return replace(grid, positions=positions, bar_one=float(grid.times[index]))


def set_meter(grid: Grid, edit: SetMeter) -> Grid:
    """Count bars of another length, to both sides of bar 1, or from one beat on."""
    if not grid.times.size:
        raise EditError("there are no beats to count")
    index = np.arange(grid.times.size)
    if edit.at is None:
        if grid.bar_one is not None:
            origin = _index_at(grid, grid.bar_one)
        else:
            origin = int(np.argmax(grid.positions == 1))  # the first beat where none is 1
        return replace(grid, positions=(index - origin) % edit.meter + 1)
    origin = _index_at(grid, edit.at)
    counted = (index - origin) % edit.meter + 1
    return replace(grid, positions=np.where(index < origin, grid.positions, counted))


def nudge(grid: Grid, edit: Nudge) -> Grid:
    """Move all beats; those that would leave the song are left out."""
    times = grid.times + edit.ms / 1000
    inside = (times >= 0) & (times <= grid.duration)
    bar_one = None if grid.bar_one is None else grid.bar_one + edit.ms / 1000
    return replace(grid, times=times[inside], positions=grid.positions[inside], bar_one=bar_one)


def add_beat(grid: Grid, edit: AddBeat) -> Grid:
    """Put a beat between two others and count its bar anew."""
    index = int(np.searchsorted(grid.times, edit.at))
    _check_room(grid, edit.at, before=index - 1, after=index)
    times = np.insert(grid.times, index, edit.at)
    positions = grid.positions
    if not positions.size:
        return replace(grid, times=times, positions=np.ones(1, dtype=np.int64))
    first, last = end_lengths(positions)
    if index == positions.size:
        new = positions[-1] + 1 if positions[-1] < last else 1
        return replace(grid, times=times, positions=np.append(positions, new))
    bar = bar_around(positions, index - 1)
    if bar is None:  # a pickup is counted from its end
        head = positions[:index] - 1
        before = positions[index] - 1 if positions[index] > 1 else first
        if head.min(initial=1) < 1:
            raise EditError("the pickup would be longer than a bar")
        return replace(grid, times=times, positions=np.r_[head, before, positions[index:]])
    stop = bar[1]
    tail = np.r_[positions[index - 1] + 1, positions[index:stop] + 1, positions[stop:]]
    return replace(grid, times=times, positions=np.r_[positions[:index], tail])


def move_beat(grid: Grid, edit: MoveBeat) -> Grid:
    """Put a beat elsewhere between its neighbours."""
    index = _index_at(grid, edit.at)
    _check_room(grid, edit.to, before=index - 1, after=index + 1)
    times = grid.times.copy()
    times[index] = edit.to
    bar_one = edit.to if grid.bar_one == grid.times[index] else grid.bar_one
    return replace(grid, times=times, bar_one=bar_one)


def delete_beat(grid: Grid, edit: DeleteBeat) -> Grid:
    """Take a beat out and count its bar anew; where it began the bar, the next one does."""
    index = _index_at(grid, edit.at)
    positions = grid.positions.copy()
    bar = bar_around(positions, index)
    if bar is None:
        positions[:index] += 1
    else:
        positions[index + 1 : bar[1]] -= 1
    return replace(grid, times=np.delete(grid.times, index), positions=np.delete(positions, index))


def tap_tempo(grid: Grid, edit: TapTempo) -> Grid:
    """Beats at the taps and on from there; bars as long as they are, in the phase they had."""
    times = follow_taps(np.array(edit.taps), grid.times, grid.duration)
    length = usual_length(grid.positions) if grid.positions.size else 4
    index = np.arange(times.size)
    downbeats = grid.times[grid.positions == 1]
    origin = int(np.abs(times - edit.taps[0]).argmin())
    if downbeats.size and times.size > 1:
        nearest = np.abs(downbeats - times[:, None]).min(axis=1)
        agreeing = index[nearest <= np.median(np.diff(times)) / 8]
        if agreeing.size:
            origin = int(np.bincount(agreeing % length, minlength=length).argmax())
    return replace(grid, times=times, positions=(index - origin) % length + 1)


def restore_beats(grid: Grid, detected: Grid, start: float, end: float) -> Grid:
    """The beats of [start, end) as they were detected, the others as they are."""
    back = (detected.times >= start) & (detected.times < end)
    kept = (grid.times < start) | (grid.times >= end)
    if back.any():  # an edited beat next to the seam must not crowd a detected one
        gaps = np.abs(grid.times[:, None] - detected.times[back]).min(axis=1)
        kept &= gaps >= CLOSEST
    times = np.concatenate([grid.times[kept], detected.times[back]])
    positions = np.concatenate([grid.positions[kept], detected.positions[back]])
    order = np.argsort(times)
    restored = replace(grid, times=times[order], positions=positions[order])
    return replace(restored, bar_one=_settled(restored))


GRID_EDITS: Mapping[type[Edit], Callable[[Grid, Any], Grid]] = MappingProxyType(
    {
        ScaleTempo: scale_tempo,
        ShiftDownbeat: shift_downbeat,
        SetBarOne: set_bar_one,
        SetMeter: set_meter,
        Nudge: nudge,
        AddBeat: add_beat,
        MoveBeat: move_beat,
        DeleteBeat: delete_beat,
        TapTempo: tap_tempo,
    }
)


def _shift(grid: Grid, beats: int) -> Grid:
    """The grid with all downbeats, bar 1 among them, so many beats later."""
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
        index = _index_at(grid, bar_one) + beats
        bar_one = float(grid.times[index]) if 0 <= index < grid.times.size else None
    return replace(grid, positions=positions, bar_one=bar_one)


def _index_at(grid: Grid, at: float) -> int:
    """The beat that a time means."""
    if grid.times.size:
        index = int(np.abs(grid.times - at).argmin())
        if abs(grid.times[index] - at) <= TOUCH:
            return index
    raise EditError(f"there is no beat at {at:.3f} s")


def _check_room(grid: Grid, time: float, *, before: int, after: int) -> None:
    """Raise EditError unless a beat at `time` has room between two others and in the song."""
    if time > grid.duration:
        raise EditError(f"{time:.3f} s is beyond the end of the song")
    if before >= 0 and time - grid.times[before] < CLOSEST:
        raise EditError(f"{time:.3f} s is too close to the beat at {grid.times[before]:.3f} s")
    if after < grid.times.size and grid.times[after] - time < CLOSEST:
        raise EditError(f"{time:.3f} s is too close to the beat at {grid.times[after]:.3f} s")


def _settled(grid: Grid) -> float | None:
    """The downbeat nearest to where bar 1 was; None where that is the first, or there is none."""
    downbeats = grid.times[grid.positions == 1]
    if grid.bar_one is None or not downbeats.size:
        return None
    index = int(np.abs(downbeats - grid.bar_one).argmin())
    return float(downbeats[index]) if index else None
