"""Sections from the peaks of the network's frame-wise probabilities.

The method of the published networks. After Ullrich, Schlüter & Grill, "Boundary detection in music
structure analysis using convolutional neural networks" (ISMIR 2014), as in Kim & Nam (2023).

Times are seconds from the first frame. Sections have no gaps from 0 to the end of the song.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, LABELS, Segment

Array = NDArray[np.floating[Any]]


PEAK = 48  # frames before and after a boundary among which it must be the most probable
CONTEXT = 12 * FPS  # frames before and after it that it must exceed


def pick_sections(
    segment: Array, label: Array, *, strict_ends: bool = False
) -> tuple[Segment, ...]:
    """Cut the song at its boundaries and give each section its most probable label.

    segment: (T,) probability of a boundary. label: (10, T) probability of each of LABELS.
    strict_ends: only the first section may be `start` and only the last one `end`; the reference
    has no such rule. Raises ValueError if the shapes do not match.
    """
    if segment.ndim != 1 or label.shape != (len(LABELS), *segment.shape):
        raise ValueError(
            f"segment must be (T,) and label ({len(LABELS)}, T): "
            f"found {segment.shape}, {label.shape}"
        )
    T = len(segment)
    if T == 0:
        return ()
    inner = pick_boundaries(segment)
    starts = np.concatenate([[0], inner[inner > 0]])
    ends = np.append(starts[1:], T)
    # Direct sums: rounding in a cumulative sum could swap labels of nearly equal probability.
    shares = np.add.reduceat(np.nan_to_num(label), starts, axis=1, dtype=np.float64)
    if strict_ends:
        shares[LABELS.index("start"), 1:] = -np.inf
        shares[LABELS.index("end"), :-1] = -np.inf
    labels = shares.argmax(axis=0)
    return tuple(
        Segment(int(start) / FPS, int(end) / FPS, LABELS[index])
        for start, end, index in zip(starts, ends, labels, strict=True)
    )


def pick_boundaries(segment: Array) -> NDArray[np.int64]:
    """The frames of the boundaries, ascending, from the probability (T,) of a boundary.

    A peak is the maximum of the PEAK frames before and after it. A boundary is a peak that is the
    maximum of the CONTEXT frames before and after it and exceeds their mean; frames outside the
    song count as zero. A maximum exceeds the mean unless all frames are equal, so it is compared
    with the minimum instead, which has no rounding errors.
    """
    likely = np.nan_to_num(segment)
    peaks = np.where(likely == sliding_maximum(likely, PEAK), likely, 0)
    around = np.pad(peaks, CONTEXT)
    highest = sliding_maximum(around, CONTEXT)[CONTEXT:-CONTEXT]
    lowest = -sliding_maximum(-around, CONTEXT)[CONTEXT:-CONTEXT]
    boundaries: list[int] = []
    for frame in np.flatnonzero((peaks > 0) & (peaks == highest) & (peaks > lowest)):
        # Two boundaries in one context have equal probability (long silence): the first counts.
        if not boundaries or frame - boundaries[-1] > CONTEXT:
            boundaries.append(int(frame))
    return np.array(boundaries, dtype=np.int64)


def sliding_maximum(values: Array, reach: int) -> Array:
    """(T,) the maximum of each value and of the `reach` values before and after it.

    After van Herk (1992): values are divided into blocks as long as the window. A window covers the
    end of one block and the beginning of the next, whose maxima are both known.
    """
    T = len(values)
    width = 2 * reach + 1
    after = reach + -(T + 2 * reach) % width
    blocks = np.pad(values, (reach, after), constant_values=-np.inf).reshape(-1, width)
    beginnings = np.maximum.accumulate(blocks, axis=1).ravel()
    ends = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.maximum(ends[:T], beginnings[width - 1 : width - 1 + T])


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
