"""Where a time lies in bars and beats.

Bars are counted from 1 at the first downbeat; what comes before is bar 0, the pickup. Between
two beats time runs evenly; before the first and after the last beat it runs on at their pace.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..types import Result, Segment


def number_bars(result: Result) -> NDArray[np.int64]:
    """The bar of each beat, (B,): 1 at the first downbeat or at the bar one that was chosen."""
    before = 0 if result.bar_one is None else sum(t < result.bar_one for t in result.downbeats)
    return _count_downbeats(result) - before


def _count_downbeats(result: Result) -> NDArray[np.int64]:
    return np.cumsum(np.asarray(result.beat_positions, dtype=np.int64) == 1)


def name_places(result: Result, times: NDArray[np.float64]) -> list[str]:
    """Each time (N,) as "bar.beat" of the last beat before it; "" before the first beat."""
    index = np.searchsorted(np.asarray(result.beats), times, side="right") - 1
    bars = number_bars(result)
    return ["" if i < 0 else f"{bars[i]}.{result.beat_positions[i]}" for i in index]


def count_bars(result: Result, segment: Segment) -> float:
    """How many bars a section lasts, with fractions; 0 where there is no grid to count by."""
    beats = np.asarray(result.beats)
    if beats.size < 2:
        return 0.0
    bars = _bar_positions(result)
    edges = np.array([segment.start, segment.end])
    places = np.interp(edges, beats, bars)
    for end, pair in ((0, slice(0, 2)), (-1, slice(-2, None))):
        beyond = edges < beats[0] if end == 0 else edges > beats[-1]
        pace = np.diff(bars[pair])[0] / np.diff(beats[pair])[0]
        places = np.where(beyond, bars[end] + (edges - beats[end]) * pace, places)
    return float(places[1] - places[0])


def _bar_positions(result: Result) -> NDArray[np.float64]:
    """Each beat on the scale of bars, (B,): the third beat of bar 5 in 4/4 is 5.5."""
    positions = np.asarray(result.beat_positions, dtype=np.float64)
    numbers = _count_downbeats(result)
    lengths = np.bincount(numbers, weights=None).astype(np.float64)  # beats per bar
    # The pickup and the last bar may be cut short: they are as long as their neighbours.
    usual = float(result.meter or max(lengths.max(), positions.max()))
    lengths[0] = lengths[-1] = usual
    return numbers + (positions - 1) / np.maximum(lengths[numbers], positions)


def write_bars(count: float) -> str:
    """A number of bars for people: "8 bars", "1 bar", "7.5 bars", "" below a quarter.

    What lacks or exceeds whole bars by less than a third is silence before the first one, or a
    boundary that lies beside its bar line.
    """
    if count < 0.25:
        return ""
    whole = round(count)
    if whole and abs(count - whole) < 1 / 3:
        return f"{whole} bar" if whole == 1 else f"{whole} bars"
    return f"{count:.1f} bars"
