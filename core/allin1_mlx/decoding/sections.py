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

PEAK = 48  # frames to either side over which a boundary must be the likeliest
CONTEXT = 12 * FPS  # frames to either side from which it must stand out

Array = NDArray[np.floating[Any]]


def pick_sections(
    segment: Array, label: Array, *, strict_ends: bool = False
) -> tuple[Segment, ...]:
    """Cut the song at its boundaries and give each section its most probable label.

    segment: (T,) probability of a boundary. label: (10, T) probability of each of LABELS.
    strict_ends: only the first section can be `start`, only the last one `end`; the reference has
    no such rule. Raises ValueError where the shapes do not fit.
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
    # Direct sums: differences of one cumulative sum could swap labels that are nearly as likely.
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
    """The frames, ascending, at which the probability (T,) of a boundary peaks.

    A peak is the maximum of PEAK frames around it. Of the peaks, those are boundaries that are the
    maximum of CONTEXT frames around them and exceed the mean of the frames before and after, zeros
    outside the song. A maximum exceeds the mean unless all frames equal it: so it is compared with
    the minimum, which no rounding of sums can change.
    """
    likely = np.nan_to_num(segment)
    peaks = np.where(likely == sliding_maximum(likely, PEAK), likely, 0)
    around = np.pad(peaks, CONTEXT)
    highest = sliding_maximum(around, CONTEXT)[CONTEXT:-CONTEXT]
    lowest = -sliding_maximum(-around, CONTEXT)[CONTEXT:-CONTEXT]
    boundaries: list[int] = []
    for frame in np.flatnonzero((peaks > 0) & (peaks == highest) & (peaks > lowest)):
        # Two in one context are exactly equal, as happens in long silence: the first counts.
        if not boundaries or frame - boundaries[-1] > CONTEXT:
            boundaries.append(int(frame))
    return np.array(boundaries, dtype=np.int64)


def sliding_maximum(values: Array, reach: int) -> Array:
    """(T,) the maximum of each value and of `reach` neighbours to either side.

    After van Herk (1992): the window spans two blocks of its own length, so that its maximum is
    that of the end of one and of the beginning of the next, whatever the length.
    """
    T = len(values)
    width = 2 * reach + 1
    after = reach + -(T + 2 * reach) % width
    blocks = np.pad(values, (reach, after), constant_values=-np.inf).reshape(-1, width)
    beginnings = np.maximum.accumulate(blocks, axis=1).ravel()
    ends = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.maximum(ends[:T], beginnings[width - 1 : width - 1 + T])
