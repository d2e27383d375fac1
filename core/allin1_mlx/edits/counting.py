"""Beats counted in bars.

Positions (B,) count from 1 at each downbeat. A bar runs from a downbeat to the next; what comes
before the first downbeat is a pickup; the last bar may be cut short.
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
    """Bars of equal length: beats start to stop, counted from the downbeat `origin`.

    stop is the first beat of the next stretch, the last one's is the last beat of the song.
    """

    origin: int
    start: int
    stop: int
    length: int


def usual_length(positions: Positions) -> int:
    """Beats of most bars; the most counted where none is complete."""
    return estimate_meter(positions) or int(positions.max(initial=1))


def bar_around(positions: Positions, index: int) -> tuple[int, int] | None:
    """First beat of the bar that a beat is in, and of the next bar; None in a pickup."""
    downbeats = np.flatnonzero(positions == 1)
    bar = int(np.searchsorted(downbeats, index, side="right"))
    if bar == 0:
        return None
    stop = downbeats[bar] if bar < downbeats.size else positions.size
    return int(downbeats[bar - 1]), int(stop)


def end_lengths(positions: Positions) -> tuple[int, int]:
    """Beats of the first and of the last complete bar; the most counted where none is."""
    lengths = np.diff(np.flatnonzero(positions == 1))
    if lengths.size:
        return int(lengths[0]), int(lengths[-1])
    return int(positions.max()), int(positions.max())


def stretches(positions: Positions, *, bar_one: int | None) -> Iterator[Stretch]:
    """Cut the song where the length of its bars changes; bar_one: the beat that begins bar 1."""
    end = positions.size - 1
    downbeats = np.flatnonzero(positions == 1)
    longest = int(positions.max())
    if not downbeats.size:
        yield Stretch(1 - int(positions[0]), 0, end, longest)
        return
    lengths = np.diff(downbeats)
    rest = positions.size - downbeats[-1]  # beats of the last bar, which may be cut short
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
