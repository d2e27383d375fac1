"""Stretches of a song that one tempo describes.

Beats lie at places on the scale of a grid (ticks, or beats) and at times in seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def slopes_through(
    places: Floats, times: Floats, *, start: float, tolerance: float
) -> tuple[Floats, Floats]:
    """Least and greatest seconds per place of lines through (places[0], start), two (N - 1,).

    A line of such a slope meets this beat and all before it within the tolerance; where the least
    exceeds the greatest there is no such line.
    """
    run = places[1:] - places[0]
    rise = times[1:] - start
    least = np.maximum.accumulate((rise - tolerance) / run)
    greatest = np.minimum.accumulate((rise + tolerance) / run)
    return least, greatest
