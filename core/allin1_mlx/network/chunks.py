"""Long arrays are computed in pieces, so that what a piece needs on its way stays small.

On a CPU, so that it stays in the cache: an array that has to come from main memory costs up to ten
times as much. Each core computes pieces of its own, since MLX's CPU backend works on an array with
one core only. A GPU wants few, large kernels, and pieces only bound its memory.
Axes: T positions in time, C channels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from ..cores import count_cores
from .backend import has_gpu, mx, single_blas_thread

CPU_NUMBERS, GPU_NUMBERS = 1 << 18, 1 << 27  # in the largest array that a piece needs
MOST_THREADS = 8  # more would only wait for memory

Job = TypeVar("Job")
Run = Callable[..., list[mx.array]]


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


def side_by_side(
    compute: Callable[[Job], mx.array], jobs: Sequence[Job], *inputs: mx.array
) -> list[mx.array]:
    """The evaluated results of all jobs, which need the inputs and evaluated parameters."""
    if has_gpu() or _threads() == 1:
        return in_turn(compute, jobs)
    mx.eval(*inputs)  # a thread cannot evaluate what another one began
    with single_blas_thread():
        return list(_pool().map(lambda job: _finish(compute(job)), jobs))


def in_turn(
    compute: Callable[[Job], mx.array], jobs: Sequence[Job], *_: mx.array
) -> list[mx.array]:
    """As `side_by_side`, one after the other, for what has threads inside."""
    return [_finish(compute(job)) for job in jobs]


def in_pieces(
    layer: Callable[..., mx.array],
    *arrays: mx.array,
    piece: int,
    reach: int = 0,
    step: int = 1,
    run: Run = side_by_side,
) -> mx.array:
    """Apply a layer along the time of arrays (..., T, C), piece by piece.

    reach: inputs to either side that an output depends on, so that pieces that overlap by as many
    give what the whole would. step: inputs that become one output.
    """
    T = arrays[0].shape[-2]
    edges = cut(T, max(piece, 4 * reach), step=step)
    if len(edges) == 2:
        return layer(*arrays)

    def compute(span: tuple[int, int]) -> mx.array:
        start, stop = span
        low, high = max(start - reach, 0), min(stop + reach, T)
        output = layer(*(x[..., low:high, :] for x in arrays))
        return output[..., (start - low) // step : (stop - low) // step, :]

    return mx.concatenate(run(compute, list(pairwise(edges)), *arrays), axis=-2)


def _finish(piece: mx.array) -> mx.array:
    mx.eval(piece)
    return piece


@lru_cache(maxsize=1)
def _threads() -> int:
    """As many as cores, as far as they help."""
    return min(count_cores(), MOST_THREADS)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_threads(), thread_name_prefix="pieces")
