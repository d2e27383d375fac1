"""`.npz`: NumPy's arrays in a zip, formats 1.0 and 2.0; headers are matched, not evaluated."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from .archive import open_archive
from .floats import Arrays, as_float32, check_shape, label

_MAX_HEADER = 10_000  # bytes; a real one has 118
_HEADER = re.compile(
    rb"\{ *'descr': *'([<>|=]\w{1,9})', *'fortran_order': *(True|False),"
    rb" *'shape': *\(((?:\d{1,20}(?:, *\d{1,20})*)?),? *\),? *\} *\n?"
)


def read_npz(file: Path) -> Arrays:
    """The arrays of a file, by the names of its members without `.npy`."""
    arrays = {}
    with open_archive(file) as archive:
        for member in archive.sizes:
            if not member.endswith(".npy"):
                raise CheckpointError(f"{file.name}: {member!r} is no array; expected .npy members")
            arrays[member.removesuffix(".npy")] = _parse_npy(
                file.name, member, archive.read(member)
            )
    return arrays


def _parse_npy(name: str, key: str, data: bytes) -> NDArray[np.float32]:
    """One .npy file, of format 1.0 or 2.0; its header is matched, not evaluated."""
    where = f"{name}: {label(key)}"
    size = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}.get(data[:8], 0)
    start = 8 + size + int.from_bytes(data[8 : 8 + size], "little")
    match = _HEADER.fullmatch(data[8 + size : min(start, 8 + size + _MAX_HEADER)])
    if not size or start > len(data) or match is None:
        raise CheckpointError(f"{where} has no header of a plain array")
    kind, order, shape = (part.decode("ascii", "replace") for part in match.groups())
    if kind[1:] not in ("f2", "f4", "f8"):
        raise CheckpointError(f"{where} holds {kind}; expected 16, 32 or 64 bit floats")
    dtype = np.dtype(kind)
    axes = check_shape((int(n) for n in shape.split(",") if n), where=where)
    if len(data) - start != math.prod(axes) * dtype.itemsize:
        raise CheckpointError(
            f"{where} claims the shape {axes} of {dtype}, but holds {len(data) - start} bytes"
        )
    flat = np.frombuffer(data, dtype, offset=start)
    return as_float32(flat.reshape(axes, order="F" if order == "True" else "C"))
