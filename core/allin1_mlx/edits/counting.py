"""Beats counted in bars.

Positions (B,) count from 1 at each downbeat. A bar runs from a downbeat to the next. Beats before
the first downbeat are a pickup; the last bar may be incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..decoding.tempo import estimate_meter

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """Bars of one length: the beats from start to stop, counted from the downbeat `origin`.

    stop is the first beat of the next stretch, or the last beat of the song.
    """

    origin: int
    start: int
    stop: int
    length: int


def usual_length(positions: Positions) -> int:
    """The most frequent length of a bar; the highest position if no bar is complete."""
    return estimate_meter(positions) or int(positions.max(initial=1))


def bar_around(positions: Positions, index: int) -> tuple[int, int] | None:
    """The first beat of the bar that contains a beat, and of the next bar; None in a pickup."""
    downbeats = np.flatnonzero(positions == 1)
    bar = int(np.searchsorted(downbeats, index, side="right"))
    if bar == 0:
        return None
    stop = downbeats[bar] if bar < downbeats.size else positions.size
    return int(downbeats[bar - 1]), int(stop)


def end_lengths(positions: Positions) -> tuple[int, int]:
    """Lengths of the first and the last complete bar, or the highest position if there is none."""
    lengths = np.diff(np.flatnonzero(positions == 1))
    if lengths.size:
        return int(lengths[0]), int(lengths[-1])
    return int(positions.max()), int(positions.max())


def stretches(positions: Positions, *, bar_one: int | None) -> Iterator[Stretch]:
    """Split the song at changes of the bar length. bar_one: the beat that begins bar 1."""
    end = positions.size - 1
    downbeats = np.flatnonzero(positions == 1)
    longest = int(positions.max())
    if not downbeats.size:
        yield Stretch(1 - int(positions[0]), 0, end, longest)
        return
    lengths = np.diff(downbeats)
    rest = positions.size - downbeats[-1]  # beats of the last bar, which may be incomplete
    usual = lengths[-1] if lengths.size else longest
    lengths = np.append(lengths, max(rest, usual))
    changes = np.flatnonzero(np.diff(lengths)) + 1
    firsts = np.concatenate([[0], changes])
    stops = [*downbeats[changes].tolist(), end]
    for first, stop in zip(firsts.tolist(), stops, strict=True):
        start = int(downbeats[first]) if first else 0
        origin = int(downbeats[first])
        if bar_one is not None and start <= bar_one and (bar_one < stop or stop == end):
            origin = bar_one
        yield Stretch(origin, start, stop, int(lengths[first]))
