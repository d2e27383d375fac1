"""MLX for this package: with a fast BLAS, and with long arrays in chunks on all cores.

MLX's CPU wheel for Linux contains the reference BLAS: a product of 4096 x 4096 ran at 3.6 GFLOP/s
on two cores, and at 163 GFLOP/s with OpenBLAS. A library that is loaded first with global symbols
replaces the wheel's own, so OpenBLAS must be loaded before `mlx.core` is imported. For this reason
all modules import `mx` and `nn` from here. Nothing changes without OpenBLAS, on macOS and on GPUs.

Long arrays are computed in chunks, which keeps intermediate arrays small. On a CPU they should fit
into the cache, as main memory is up to ten times slower. MLX's CPU backend uses one core per array,
so several chunks are computed at once. On a GPU, few large kernels are best, and chunks only limit
the memory. Axes: T positions in time, C channels.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from ..files import count_cores


def _load_openblas() -> ctypes.CDLL | None:
    """Load OpenBLAS with global symbols; None if it is not needed or not installed."""
    if not sys.platform.startswith("linux") or "mlx.core" in sys.modules:
        return None
    for name in ("libopenblas.so.0", "libopenblas.so"):
        try:
            return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
    return None


_OPENBLAS = _load_openblas()
_BLAS_THREADS = _OPENBLAS.openblas_get_num_threads() if _OPENBLAS is not None else 1
HAS_OPENBLAS = _OPENBLAS is not None

import mlx.core as mx  # noqa: E402
import mlx.nn as nn  # noqa: E402

__all__ = [
    "HAS_OPENBLAS",
    "chunk_edges",
    "chunk_length",
    "has_cuda",
    "has_gpu",
    "in_chunks",
    "keep_freed_memory",
    "leave_gpu",
    "map_parallel",
    "map_serial",
    "mx",
    "nn",
    "release_freed_memory",
    "single_blas_thread",
]

CPU_NUMBERS, GPU_NUMBERS = 1 << 18, 1 << 27  # numbers in the largest array of a chunk
MOST_THREADS = 8  # more threads would only wait for memory

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # as in malloc.h

Job = TypeVar("Job")
Map = Callable[..., list[mx.array]]


def has_gpu() -> bool:
    """Whether MLX computes on a GPU (Apple's or NVIDIA's)."""
    return bool(mx.default_device() == mx.Device(mx.gpu))


def has_cuda() -> bool:
    """Whether MLX computes on an NVIDIA GPU."""
    return has_gpu() and bool(mx.cuda.is_available())


def leave_gpu() -> None:
    """Compute on the CPU from now on, in the whole process."""
    mx.set_default_device(mx.cpu)


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Let glibc reuse freed memory for the next array. This changes the whole process, once.

    By default glibc returns freed memory to the system. Then every page of the next array costs a
    page fault. For arrays of megabytes, this takes longer than the computation. All threads share
    two heaps: one for each would keep memory that the others need.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 26)
        libc.mallopt(_M_TRIM_THRESHOLD, 1 << 27)
        libc.mallopt(_M_ARENA_MAX, 2)


def release_freed_memory() -> None:
    """Return memory that is kept for the next array to the system, after a large computation."""
    mx.clear_cache()
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Run matrix products on one thread each, because several chunks are computed at once."""
    if _OPENBLAS is None:
        yield
        return
    _OPENBLAS.openblas_set_num_threads(1)
    try:
        yield
    finally:
        _OPENBLAS.openblas_set_num_threads(_BLAS_THREADS)


def chunk_length(width: int, *, training: bool) -> int:
    """Number of positions per chunk, if the largest intermediate array has `width` numbers for
    each.

    Training uses no chunks: the gradient needs all intermediate arrays anyway.
    """
    if training:
        return sys.maxsize
    return max(1, (GPU_NUMBERS if has_gpu() else CPU_NUMBERS) // width)


def chunk_edges(length: int, chunk: int, *, step: int = 1) -> list[int]:
    """Edges of chunks of one to two times `chunk` positions, at multiples of `step`."""
    count = max(1, length // chunk)
    return [length * i // count // step * step for i in range(count)] + [length]


def map_parallel(
    compute: Callable[[Job], mx.array], jobs: Sequence[Job], *inputs: mx.array
) -> list[mx.array]:
    """Return the evaluated results of all jobs, computed on several threads on a CPU.

    inputs: arrays that `compute` uses. They are evaluated first, because a thread cannot evaluate
    an array that another thread began. The network's parameters must be evaluated already.
    """
    if has_gpu() or _threads() == 1:
        return map_serial(compute, jobs)
    mx.eval(*inputs)
    with single_blas_thread():
        return list(_pool().map(lambda job: _evaluate(compute(job)), jobs))


def map_serial(
    compute: Callable[[Job], mx.array], jobs: Sequence[Job], *_: mx.array
) -> list[mx.array]:
    """As `map_parallel`, but one job after the other, for jobs that use threads themselves."""
    return [_evaluate(compute(job)) for job in jobs]


def in_chunks(
    layer: Callable[..., mx.array],
    *arrays: mx.array,
    chunk: int,
    reach: int = 0,
    map: Map = map_parallel,
) -> mx.array:
    """Apply a layer to arrays (..., T, C), chunk by chunk along T.

    reach: number of inputs on each side on which an output depends. Chunks overlap by `reach`, so
    the result equals that of the whole array.
    """
    T = arrays[0].shape[-2]
    edges = chunk_edges(T, max(chunk, 4 * reach))
    if len(edges) == 2:
        return layer(*arrays)

    def compute(span: tuple[int, int]) -> mx.array:
        start, stop = span
        low, high = max(start - reach, 0), min(stop + reach, T)
        output = layer(*(x[..., low:high, :] for x in arrays))
        return output[..., start - low : stop - low, :]

    return mx.concatenate(map(compute, list(pairwise(edges)), *arrays), axis=-2)


def _evaluate(array: mx.array) -> mx.array:
    mx.eval(array)
    return array


@lru_cache(maxsize=1)
def _threads() -> int:
    return min(count_cores(), MOST_THREADS)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_threads(), thread_name_prefix="chunks")
