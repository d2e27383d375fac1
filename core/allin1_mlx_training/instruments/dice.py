"""Random numbers for instruments: each family gives the settings of one random instrument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

Settings = dict[str, Any]  # fields of a Patch
Family = Callable[[Generator], Settings]


def draw_log(rng: Generator, low: float, high: float) -> float:
    """A random number between low and high with a uniform logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
