"""The sections of a song, by one of two methods. Times are seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Activations, Segment
from .bar_lines import snap_to_bars
from .joint_sections import join_sections
from .sections import pick_sections

Array = NDArray[np.floating[Any]]


def find_sections(
    found: Activations,
    downbeats: NDArray[np.float64],
    *,
    mix: Array | None,
    strict_ends: bool,
    on_bars: bool,
) -> tuple[Segment, ...]:
    """Decide sections over the whole song, or take the network's peaks.

    mix: its log spectrogram (T, 81) for the first method, None for the second, which short songs
    get too. strict_ends: as in pick_sections. on_bars: whether peaks are moved to downbeats.
    """
    if mix is not None and (sections := join_sections(mix, downbeats, found)):
        return sections
    picked = pick_sections(found.segment, found.label, strict_ends=strict_ends)
    return snap_to_bars(picked, downbeats) if on_bars else picked
