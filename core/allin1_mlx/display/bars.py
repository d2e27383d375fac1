"""Positions in bars and beats.

Bars are numbered from 1 at the first downbeat; the pickup before it is bar 0. Between two beats
positions are interpolated; before the first and after the last beat the nearest interval continues.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..types import Result, Segment


def number_bars(result: Result) -> NDArray[np.int64]:
    """The bar number of each beat, (B,): 1 at `bar_one`, or at the first downbeat."""
    before = 0 if result.bar_one is None else sum(t < result.bar_one for t in result.downbeats)
    return _count_downbeats(result) - before


def _count_downbeats(result: Result) -> NDArray[np.int64]:
    return np.cumsum(np.asarray(result.beat_positions, dtype=np.int64) == 1)


def name_places(result: Result, times: NDArray[np.float64]) -> list[str]:
    """The last beat before each time (N,) as "bar.beat"; "" before the first beat."""
    index = np.searchsorted(np.asarray(result.beats), times, side="right") - 1
    bars = number_bars(result)
    return ["" if i < 0 else f"{bars[i]}.{result.beat_positions[i]}" for i in index]


def count_bars(result: Result, segments: Sequence[Segment]) -> list[float]:
    """The length of each section in bars, with fractions; 0 with fewer than two beats."""
    beats = np.asarray(result.beats)
    if beats.size < 2:
        return [0.0] * len(segments)
    bars = _bar_positions(result)
    edges = np.array([(s.start, s.end) for s in segments]).reshape(-1, 2)
    places = np.interp(edges, beats, bars)
    for end, pair in ((0, slice(0, 2)), (-1, slice(-2, None))):
        beyond = edges < beats[0] if end == 0 else edges > beats[-1]
        pace = np.diff(bars[pair])[0] / np.diff(beats[pair])[0]
        places = np.where(beyond, bars[end] + (edges - beats[end]) * pace, places)
    lengths: list[float] = (places[:, 1] - places[:, 0]).tolist()
    return lengths


def _bar_positions(result: Result) -> NDArray[np.float64]:
    """The position of each beat in bars, (B,): the third beat of bar 5 in 4/4 is 5.5."""
    positions = np.asarray(result.beat_positions, dtype=np.float64)
    numbers = _count_downbeats(result)
    lengths = np.bincount(numbers, weights=None).astype(np.float64)  # beats per bar
    # The pickup and the last bar may be incomplete; they count as whole bars.
    usual = float(result.meter or max(lengths.max(), positions.max()))
    lengths[0] = lengths[-1] = usual
    return numbers + (positions - 1) / np.maximum(lengths[numbers], positions)


def write_bars(count: float) -> str:
    """A number of bars as text: "8 bars", "1 bar", "7.5 bars", "" below a quarter.

    Numbers less than a third of a bar away from a whole number are rounded: the rest is silence at
    the start, or a boundary beside its bar line.
    """
    if count < 0.25:
        return ""
    whole = round(count)
    if whole and abs(count - whole) < 1 / 3:
        return f"{whole} bar" if whole == 1 else f"{whole} bars"
    return f"{count:.1f} bars"
