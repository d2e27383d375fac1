"""Read NumPy's .npz files and .safetensors files from untrusted sources.

Arrays are returned as float32. Every size and shape that a file claims is checked against the size
of the file before memory is allocated. Headers are parsed, never evaluated. Of .npz, versions 1.0
and 2.0 are supported. A .safetensors file is a JSON header followed by the arrays without gaps.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from .archive import MAX_BYTES, open_archive

Arrays = dict[str, NDArray[np.float32]]

MAX_VALUES = MAX_BYTES // 4  # in one array, and in all arrays of a file together
ITEM_BYTES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}

_MAX_AXES = 8


def check_file(file: Path, limit: int) -> None:
    """Raise CheckpointError unless `file` is a regular file of a plausible size."""
    size = file.stat().st_size
    if not file.is_file():
        raise CheckpointError(f"{file.name}: not a regular file")
    if not 0 < size <= limit:
        raise CheckpointError(
            f"{file.name}: {size} bytes; expected between 1 and {limit} for a file of this kind"
        )


def as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Any float array as contiguous float32; values that are too large become infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32).reshape(array.shape)


def decode_floats(data: bytes, dtype: str) -> NDArray[np.float32]:
    """Convert the bytes of numbers of a kind in ITEM_BYTES to an array (n,)."""
    if dtype == "BF16":  # BF16 is the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return as_float32(np.frombuffer(data, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[dtype]))


def label(name: str) -> str:
    """An array's name, shortened and printable for an error message."""
    return name[:120] if name.isprintable() else repr(name[:120])


def check_shape(shape: Iterable[Any], *, where: str) -> tuple[int, ...]:
    """The shape as a tuple. Raises CheckpointError unless it is a few positive integers."""
    axes = tuple(shape)
    plausible = len(axes) <= _MAX_AXES and all(type(n) is int and n > 0 for n in axes)
    if not plausible or math.prod(axes) > MAX_VALUES:
        raise CheckpointError(f"{where} claims the shape {_shown(axes)}")
    return axes


def _shown(axes: tuple[Any, ...]) -> str:
    """A shape as text for an error message; very large numbers are shortened."""
    sizes = [str(n) if type(n) is int and abs(n) < 10**30 else "?" for n in axes[: _MAX_AXES + 1]]
    return "(" + ", ".join(sizes) + (", ...)" if len(axes) > _MAX_AXES + 1 else ")")


_MAX_NPY_HEADER = 10_000  # bytes; a real header has 118
_NPY_HEADER = re.compile(
    rb"\{ *'descr': *'([<>|=]\w{1,9})', *'fortran_order': *(True|False),"
    rb" *'shape': *\(((?:\d{1,20}(?:, *\d{1,20})*)?),? *\),? *\} *\n?"
)


def read_npz(file: Path) -> Arrays:
    """The arrays of a .npz file. Their names are those of its members without `.npy`."""
    arrays = {}
    with open_archive(file) as archive:
        for member in archive.sizes:
            if not member.endswith(".npy"):
                raise CheckpointError(
                    f"{file.name}: {member!r} is not an array; expected .npy members"
                )
            arrays[member.removesuffix(".npy")] = _parse_npy(
                file.name, member, archive.read(member)
            )
    return arrays


def _parse_npy(name: str, key: str, data: bytes) -> NDArray[np.float32]:
    """Read one .npy file of version 1.0 or 2.0. Its header is parsed, not evaluated."""
    where = f"{name}: {label(key)}"
    size = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}.get(data[:8], 0)
    start = 8 + size + int.from_bytes(data[8 : 8 + size], "little")
    match = _NPY_HEADER.fullmatch(data[8 + size : min(start, 8 + size + _MAX_NPY_HEADER)])
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


_MAX_HEADER = 1 << 20  # bytes; 491 arrays take 60 000

_Entry = tuple[str, tuple[int, ...], int, int]  # dtype, shape, begin, end


def read_safetensors(file: Path) -> Arrays:
    """Read 8 bytes with the header's length, the header (JSON), then the arrays without gaps."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        room = file.stat().st_size - 8
        if not 2 <= length <= min(room, _MAX_HEADER):
            raise CheckpointError(
                f"{file.name}: claims a header of {length} bytes in a file of {room + 8}"
            )
        header = _parse_header(file.name, stream.read(length))
        _check_spans(file.name, header, room - length)
        arrays = {}
        for key, (dtype, shape, _, end) in sorted(header.items(), key=lambda item: item[1][2:]):
            size = math.prod(shape) * ITEM_BYTES[dtype]
            stream.seek(8 + length + end - size)
            data = stream.read(size)
            if len(data) != size:
                raise CheckpointError(f"{file.name}: ends within {label(key)}")
            arrays[key] = decode_floats(data, dtype).reshape(shape)
    return arrays


def _parse_header(name: str, text: bytes) -> dict[str, _Entry]:
    """The entries of a .safetensors header by array name; each entry is checked alone."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key appears twice")
        return found

    try:
        data = json.loads(text.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as e:
        raise CheckpointError(f"{name}: the header is not valid JSON ({str(e)[:120]})") from e
    if not isinstance(data, dict):
        raise CheckpointError(f"{name}: the header is not a JSON object")
    entries: dict[str, _Entry] = {}
    for key, value in data.items():
        if key == "__metadata__":
            continue
        if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
            raise CheckpointError(f"{name}: {label(key)} lacks dtype, shape and data_offsets")
        dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
        if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
            raise CheckpointError(
                f"{name}: {label(key)} holds {str(dtype)[:20]}; expected F16, BF16, F32 or F64"
            )
        if not isinstance(shape, list) or not isinstance(offsets, list):
            raise CheckpointError(f"{name}: {label(key)} has no list as shape and data_offsets")
        if len(offsets) != 2 or not all(type(n) is int for n in offsets):
            raise CheckpointError(f"{name}: {label(key)} has the offsets {str(offsets)[:80]}")
        axes = check_shape(shape, where=f"{name}: {label(key)}")
        entries[key] = (dtype, axes, offsets[0], offsets[1])
    return entries


def _check_spans(name: str, entries: dict[str, _Entry], room: int) -> None:
    """Raise CheckpointError unless the arrays have no gaps and fill the `room` bytes after the
    header.
    """
    at = 0
    for key, (dtype, shape, begin, end) in sorted(entries.items(), key=lambda e: e[1][2:]):
        size = math.prod(shape) * ITEM_BYTES[dtype]
        if begin != at or end - begin != size or end > room:
            raise CheckpointError(
                f"{name}: {label(key)} lies at {begin} to {end} of {room} bytes; "
                f"expected {size} bytes from {at} on"
            )
        at = end
    if at != room:
        raise CheckpointError(f"{name}: {room - at} bytes after the last array")
