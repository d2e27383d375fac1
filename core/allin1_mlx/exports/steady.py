"""Parts of a song with one tempo.

Each beat has a place in ticks or beats and a time in seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def slopes_through(
    places: Floats, times: Floats, *, start: float, tolerance: float
) -> tuple[Floats, Floats]:
    """Least and greatest slope, in seconds per place, of lines through (places[0], start).

    Returns two arrays (N - 1,). A line with a slope between the two passes beats 1 .. n within the
    tolerance; where the least exceeds the greatest there is no such line.
    """
    run = places[1:] - places[0]
    rise = times[1:] - start
    least = np.maximum.accumulate((rise - tolerance) / run)
    greatest = np.minimum.accumulate((rise + tolerance) / run)
    return least, greatest
