"""MLX, with a fast BLAS under it where the machine has one.

MLX's Linux CPU wheel brings the reference BLAS: a 4096 x 4096 product ran at 3.6 GFLOP/s on two
cores, and at 163 GFLOP/s with OpenBLAS. A library that is loaded first with global symbols takes
the wheel's place, so it has to happen before `mlx.core` is imported: everything of this package
imports `mx` and `nn` from here. Without OpenBLAS, on macOS and on GPUs nothing changes.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def _load_openblas() -> ctypes.CDLL | None:
    """Load OpenBLAS with global symbols; None where it is not needed or not installed."""
    if not sys.platform.startswith("linux") or "mlx.core" in sys.modules:
        return None
    for name in ("libopenblas.so.0", "libopenblas.so"):
        try:
            return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
    return None


def _keep_freed_memory() -> None:
    """Let glibc reuse memory for the next array instead of fetching it from the system anew.

    By default it gives back what is freed, and every page of the next array costs a page fault:
    for arrays of megabytes, as they are here, more than the computation.
    """
    libc = ctypes.CDLL(None)
    if sys.platform.startswith("linux") and hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 26)
        libc.mallopt(_M_TRIM_THRESHOLD, 1 << 27)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as in malloc.h

_OPENBLAS = _load_openblas()
HAS_OPENBLAS = _OPENBLAS is not None
_BLAS_THREADS = _OPENBLAS.openblas_get_num_threads() if _OPENBLAS is not None else 1
_keep_freed_memory()

import mlx.core as mx  # noqa: E402
import mlx.nn as nn  # noqa: E402

__all__ = ["HAS_OPENBLAS", "has_gpu", "mx", "nn", "single_blas_thread"]


def has_gpu() -> bool:
    """Whether MLX computes on a GPU (Apple's or NVIDIA's)."""
    return bool(mx.default_device() == mx.Device(mx.gpu))


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Products without threads of OpenBLAS's own, while there are several at once."""
    if _OPENBLAS is None:
        yield
        return
    _OPENBLAS.openblas_set_num_threads(1)
    try:
        yield
    finally:
        _OPENBLAS.openblas_set_num_threads(_BLAS_THREADS)
