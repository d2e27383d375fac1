"""A checkpoint's arrays, of whichever kind of file, and whether they fit a network.

They come out as float32 numpy arrays, whatever float they were stored as; convolution kernels
are (out, height, width, in) as MLX wants them.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from .archive import MAX_BYTES, check_file
from .floats import Arrays, label
from .npz import read_npz
from .safetensors import read_safetensors
from .torchfile import read_checkpoint


def read_arrays(path: str | PathLike[str]) -> Arrays:
    """Read all arrays of a .npz or .safetensors checkpoint, or of an original harmonix .pth file.

    Raises CheckpointError where the file is damaged, hostile, or no such file; OSError where it
    cannot be opened.
    """
    file = Path(path)
    check_file(file, MAX_BYTES)
    if file.suffix == ".npz":
        return read_npz(file)
    if file.suffix == ".safetensors":
        return read_safetensors(file)
    if file.suffix == ".pth":
        return {key: _channels_last(array) for key, array in read_checkpoint(file).arrays.items()}
    raise CheckpointError(
        f"{file.name}: not a kind of checkpoint that can be read; "
        f"expected .npz, .safetensors or .pth"
    )


def check_arrays(
    arrays: Mapping[str, NDArray[Any]], expected: Mapping[str, tuple[int, ...]], *, name: str
) -> None:
    """Raise CheckpointError unless `arrays` has exactly the `expected` names and shapes.

    Values must be finite. `name` stands first in the error, usually the file's name.
    """
    missing = [key for key in expected if key not in arrays]
    surplus = [key for key in arrays if key not in expected]
    misshapen = [
        f"{label(key)} {tuple(arrays[key].shape)} instead of {tuple(shape)}"
        for key, shape in expected.items()
        if key in arrays and tuple(arrays[key].shape) != tuple(shape)
    ]
    faults = [
        f"{len(found)} {what}: {_listed(found)}"
        for what, found in (
            ("missing", missing),
            ("left over", surplus),
            ("of another shape", misshapen),
        )
        if found
    ]
    if faults:
        raise CheckpointError(f"{name}: the arrays do not fit the model; " + "; ".join(faults))
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise CheckpointError(
                f"{name}: {label(key)} holds NaN or infinite values; get the file again"
            )


def _channels_last(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """A kernel (out, in, height, width) as (out, height, width, in); other arrays as they are."""
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if array.ndim == 4 else array


def _listed(names: list[str], *, most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(label(name) for name in names[:most]) + more
