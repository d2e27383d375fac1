"""Sections that begin on bar lines. Times are seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..types import Segment

NEAR = 0.55  # of a bar: greatest distance by which a boundary is moved


def snap_to_bars(
    segments: Sequence[Segment], downbeats: Sequence[float] | NDArray[np.float64]
) -> tuple[Segment, ...]:
    """Move each boundary to the nearest downbeat.

    The start and the end of the song stay. A boundary also stays if no downbeat is within about
    half a bar, or if the boundary before it has moved to the same downbeat.
    """
    bars = np.asarray(downbeats, dtype=np.float64)
    if len(bars) < 2 or len(segments) < 2:
        return tuple(segments)
    lengths = np.diff(bars)
    starts = [segments[0].start]
    end = segments[-1].end
    for segment in segments[1:]:
        nearest = int(np.abs(bars - segment.start).argmin())
        line = float(bars[nearest])
        reach = NEAR * float(lengths[min(nearest, len(lengths) - 1)])
        movable = abs(line - segment.start) <= reach and starts[-1] < line < end
        starts.append(line if movable else max(segment.start, starts[-1]))
    ends = [*starts[1:], end]
    return tuple(
        replace(segment, start=start, end=stop)
        for segment, start, stop in zip(segments, starts, ends, strict=True)
    )
