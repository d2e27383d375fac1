"""Sections from the network's frame-wise probabilities: their boundaries and labels.

Times are seconds from the first frame, multiples of 1/FPS; sections have no gaps from 0 to the
end of the song. After Ullrich, Schlüter & Grill, "Boundary detection in music structure analysis
using convolutional neural networks" (ISMIR 2014), in the form of Kim & Nam (2023).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, LABELS, Segment

PEAK = 48  # frames before and after a boundary among which it must be the most probable
CONTEXT = 12 * FPS  # frames before and after it that it must exceed

Array = NDArray[np.floating[Any]]


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
