"""Parts of a song with one tempo.

Each beat has a place in ticks or beats and a time in seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..types import Result

ROUNDING = 0.0008  # seconds between a rounded beat and the line of its passage

Floats = NDArray[np.float64]


def slopes_through(
    places: Floats, times: Floats, *, start: float, tolerance: float
) -> tuple[Floats, Floats]:
    """The smallest and largest slope, in seconds per place, of lines through (places[0], start).

    Returns two arrays (N - 1,). A line with a slope between the two passes beats 1 .. n within the
    tolerance. If the smallest exceeds the largest, there is no such line.
    """
    run = places[1:] - places[0]
    rise = times[1:] - start
    least = np.maximum.accumulate((rise - tolerance) / run)
    greatest = np.minimum.accumulate((rise + tolerance) / run)
    return least, greatest


def exact_times(result: Result) -> Floats:
    """The times of the beats (B,), without rounding in passages of constant tempo.

    Beats in a result are rounded to the millisecond. The line through a passage is exact, so one
    tempo can describe the whole passage.
    """
    times = np.array(result.beats, dtype=np.float64)
    for passage in result.tempo.steady if result.tempo is not None else ():
        period = 60 / passage.bpm
        inside = np.flatnonzero((times >= passage.start) & (times <= passage.end))
        if not inside.size:
            continue
        number = np.rint((times[inside] - passage.start) / period)
        starts = times[inside] - number * period
        start = float(np.median(starts))
        on_line = np.abs(starts - start) <= ROUNDING
        times[inside[on_line]] = float(starts[on_line].mean()) + number[on_line] * period
    return times
