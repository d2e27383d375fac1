"""Raw numbers of checkpoints: 16, 32 and 64 bit floats, little-endian, as float32 arrays.

Shapes come from files that nobody vouches for, so they are checked before anything is allocated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .archive import MAX_BYTES
from .errors import CheckpointError

Arrays = dict[str, NDArray[np.float32]]

MAX_VALUES = MAX_BYTES // 4  # of one array, and of all of a file together, as float32
ITEM_BYTES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}

_MAX_AXES = 8


def as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Any float array as a contiguous float32 one; what is too large becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32).reshape(array.shape)


def decode_floats(data: bytes, dtype: str) -> NDArray[np.float32]:
    """The bytes of numbers of a kind in ITEM_BYTES -> (n,)."""
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return as_float32(np.frombuffer(data, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[dtype]))


def label(name: str) -> str:
    """An array's name for one line of an error, whatever the file calls it."""
    return name[:120] if name.isprintable() else repr(name[:120])


def check_shape(shape: Iterable[Any], *, where: str) -> tuple[int, ...]:
    """The shape as a tuple; CheckpointError unless it has few axes, each a positive integer."""
    axes = tuple(shape)
    plausible = len(axes) <= _MAX_AXES and all(type(n) is int and n > 0 for n in axes)
    if not plausible or math.prod(axes) > MAX_VALUES:
        raise CheckpointError(f"{where} claims the shape {_shown(axes)}")
    return axes


def _shown(axes: tuple[Any, ...]) -> str:
    """A shape for people, however absurd it is."""
    sizes = [str(n) if type(n) is int and abs(n) < 10**30 else "?" for n in axes[: _MAX_AXES + 1]]
    return "(" + ", ".join(sizes) + (", ...)" if len(axes) > _MAX_AXES + 1 else ")")
