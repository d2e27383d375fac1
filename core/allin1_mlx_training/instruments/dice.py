"""Numbers drawn for instruments: a family gives the settings of one of its instruments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

Settings = dict[str, Any]  # fields of a Patch
Family = Callable[[Generator], Settings]


def draw_log(rng: Generator, low: float, high: float) -> float:
    """A number between low and high, each octave as likely as the next."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
