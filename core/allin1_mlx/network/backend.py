"""MLX for this package: with a fast BLAS, and with long arrays in chunks on all cores.

MLX's CPU wheel for Linux contains the reference BLAS: a product of 4096 x 4096 ran at 3.6 GFLOP/s
on two cores, and at 163 GFLOP/s with OpenBLAS. A library that is loaded first with global symbols
replaces the wheel's own, so OpenBLAS must be loaded before `mlx.core` is imported. For this reason
all modules import `mx` and `nn` from here. Separation and training need it; the network itself has
the BLAS of NumPy (see `products`). Nothing changes without OpenBLAS, on macOS and on GPUs.

Long arrays are computed in chunks, which keeps intermediate arrays small. On a CPU they should fit
into the cache, as main memory is up to ten times slower. MLX's CPU backend uses one core per array,
so several chunks are computed at once. On a GPU, few large kernels are best, and chunks only limit
the memory. Axes: T positions in time, C channels.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

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

CPU_NUMBERS, GPU_NUMBERS = 1 << 19, 1 << 27  # numbers in the largest array of a chunk
MOST_THREADS = 8  # more threads would only wait for memory

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # as in malloc.h

# OpenBLAS's functions "set" and "get", as the wheels of NumPy name them.
_NAMES = (
    "scipy_openblas_{}_num_threads64_",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)

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


class _SingleBlasThread:
    """Matrix products on one thread each, as long as any thread of the process is in here.

    Several chunks are computed at once, and OpenBLAS's own threads would wait for each other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            for set_threads, _ in _blas_threads():
                set_threads(1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            for set_threads, before in _blas_threads() if not self._inside else ():
                set_threads(before)


single_blas_thread = _SingleBlasThread()


@lru_cache(maxsize=1)
def _blas_threads() -> list[tuple[Callable[[int], None], int]]:
    """How to set the number of threads of each OpenBLAS, MLX's and NumPy's, and its number now."""
    libraries = [] if _OPENBLAS is None else [(_OPENBLAS, "openblas_{}_num_threads")]
    package = Path(np.__file__).parent
    wheel = package.with_name("numpy.libs"), package / ".dylibs"
    for file in (file for folder in wheel for file in folder.glob("*openblas*")):
        own = ctypes.CDLL(str(file))  # it is in memory already
        libraries += [(own, name) for name in _NAMES if hasattr(own, name.format("set"))][:1]
    return [
        (getattr(library, name.format("set")), getattr(library, name.format("get"))())
        for library, name in libraries
    ]


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
    with single_blas_thread:
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
