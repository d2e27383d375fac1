"""Long arrays are computed in pieces, so that what a piece needs on its way stays small.

On a CPU, so that it stays in the cache: an array that has to come from main memory costs up to ten
times as much. A GPU wants few, large kernels, and pieces only bound its memory.
Axes: T positions in time, C channels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise

from .backend import has_gpu, mx

CPU_NUMBERS, GPU_NUMBERS = 1 << 18, 1 << 28  # in the largest array that a piece needs


def piece_of(width: int, *, training: bool) -> int:
    """Positions of a piece, where the largest array on the way has `width` numbers for each.

    Training wants the whole: a gradient keeps everything anyway.
    """
    if training:
        return sys.maxsize
    return max(1, (GPU_NUMBERS if has_gpu() else CPU_NUMBERS) // width)


def cut(length: int, piece: int, *, step: int = 1) -> list[int]:
    """Edges of pieces of one to two times `piece` positions, at multiples of `step`."""
    count = max(1, length // piece)
    return [length * i // count // step * step for i in range(count)] + [length]


def in_pieces(
    layer: Callable[..., mx.array], *arrays: mx.array, piece: int, reach: int = 0, step: int = 1
) -> mx.array:
    """Apply a layer along the time of arrays (..., T, C), piece by piece.

    reach: inputs to either side that an output depends on, so that pieces that overlap by as many
    give what the whole would. step: inputs that become one output.
    """
    T = arrays[0].shape[-2]
    edges = cut(T, max(piece, 4 * reach), step=step)
    if len(edges) == 2:
        return layer(*arrays)
    outputs = []
    for start, stop in pairwise(edges):
        low, high = max(start - reach, 0), min(stop + reach, T)
        output = layer(*(x[..., low:high, :] for x in arrays))
        outputs.append(output[..., (start - low) // step : (stop - low) // step, :])
        settle(outputs[-1])
    return mx.concatenate(outputs, axis=-2)


def settle(piece: mx.array) -> None:
    """Compute a piece before the next one is thought of, lest their inner arrays mingle."""
    if not has_gpu():
        mx.async_eval(piece)
