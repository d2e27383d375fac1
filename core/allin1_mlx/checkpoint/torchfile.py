"""Read PyTorch's checkpoint files (.th, .pth) without PyTorch.

Such a file is a zip archive. `<name>/data.pkl` describes the values, and `<name>/data/<key>` holds
the raw little-endian numbers of one storage. After PyTorch's notes on serialization.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from .archive import MAX_BYTES, Archive, open_archive
from .formats import (
    ITEM_BYTES,
    MAX_VALUES,
    Arrays,
    as_float32,
    check_file,
    decode_floats,
    label,
)
from .pickled import Tensor, unpickle

_MAX_PICKLE = 1 << 18  # bytes of data.pkl; that of the published htdemucs has less than half


@dataclass(frozen=True)
class Checkpoint:
    """The arrays of a PyTorch checkpoint (PyTorch's layout, float32), and its other values.

    fields: plain values by name; other values are opaque records.
    """

    arrays: Arrays
    fields: dict[str, Any]


def read_checkpoint(path: str | PathLike[str]) -> Checkpoint:
    """Read a .th or .pth file: a dict whose `state` or `state_dict` holds tensors by name.

    Raises CheckpointError if the file is damaged, hostile or of another kind, OSError if it cannot
    be opened.
    """
    file = Path(path)
    check_file(file, MAX_BYTES)
    with open_archive(file) as archive:
        root = _root(archive, file.name)
        order = root + "byteorder"
        if order in archive.sizes and archive.sizes[order] > 16:
            raise CheckpointError(f"{file.name}: no valid byte order")
        if order in archive.sizes and archive.read(order) != b"little":
            raise CheckpointError(f"{file.name}: written on a big-endian machine; not supported")
        values = unpickle(archive.read(root + "data.pkl"), name=file.name)
        if not isinstance(values, dict):
            raise CheckpointError(f"{file.name}: expected a dict of values and a state")
        key = "state" if "state" in values else "state_dict"
        state = values.pop(key, None)
        if not isinstance(state, dict) or not state:
            raise CheckpointError(f"{file.name}: holds no state; expected 'state' or 'state_dict'")
        _check_state(state, file.name)
        arrays = {
            name: _fetch(archive, root, tensor, f"{file.name}: {label(name)}")
            for name, tensor in state.items()
        }
    return Checkpoint(arrays, values)


def _root(archive: Archive, name: str) -> str:
    """The folder inside the archive, with a slash at its end."""
    pickles = [n for n in archive.sizes if n.count("/") == 1 and n.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise CheckpointError(f"{name}: not a PyTorch checkpoint; expected one data.pkl in the zip")
    if archive.sizes[pickles[0]] > _MAX_PICKLE:
        raise CheckpointError(
            f"{name}: describes its arrays in {archive.sizes[pickles[0]]} bytes; "
            f"expected at most {_MAX_PICKLE}"
        )
    return pickles[0].removesuffix("data.pkl")


def _check_state(state: dict[Any, Any], name: str) -> None:
    """Raise CheckpointError unless `state` holds named arrays of a plausible total size."""
    total = 0
    for key, tensor in state.items():
        if not isinstance(key, str) or not isinstance(tensor, Tensor):
            raise CheckpointError(f"{name}: {label(str(key))} is not an array of floats")
        total += tensor.storage.size
    if total > MAX_VALUES:
        raise CheckpointError(f"{name}: claims {total} values; expected at most {MAX_VALUES}")


def _fetch(archive: Archive, root: str, tensor: Tensor, where: str) -> NDArray[np.float32]:
    """The numbers of a tensor, in the order of its shape."""
    storage = tensor.storage
    member = f"{root}data/{storage.key}"
    claimed = storage.size * ITEM_BYTES[storage.dtype]
    if archive.sizes.get(member) != claimed:
        raise CheckpointError(
            f"{where}: claims {claimed} bytes, but the file holds {archive.sizes.get(member, 0)}"
        )
    flat = decode_floats(archive.read(member), storage.dtype)
    steps = tuple(4 * stride for stride in tensor.strides)
    view = np.lib.stride_tricks.as_strided(
        flat[tensor.offset :], tensor.shape, steps, writeable=False
    )
    return as_float32(view)
