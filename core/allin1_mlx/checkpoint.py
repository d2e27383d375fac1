"""Checkpoints: files of named arrays and the configuration beside them, read without trust.

Arrays come out as float32 numpy arrays, whatever float they were stored as; convolution kernels
are (out, height, width, in) as MLX wants them. `.npz` after NumPy's format 1.0/2.0,
`.safetensors` after that project's format description, `.pth` see torchfile.py. A file from
outside can only give arrays or a CheckpointError: nothing in it is executed, and no size that
it claims is believed before it fits the file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from .archive import MAX_BYTES, check_file, open_archive
from .errors import CheckpointError
from .floats import ITEM_BYTES, Arrays, as_float32, check_shape, decode_floats, label
from .torchfile import read_checkpoint

CONFIG_SUFFIXES = (".yaml", ".yml", ".json")

_MAX_HEADER = 1 << 20  # bytes of a .safetensors header; 491 arrays take 60 000
_MAX_CONFIG = 1 << 14  # bytes; a real one has 1 700
_MAX_NPY_HEADER = 10_000  # bytes; a real one has 118
_NPY_HEADER = re.compile(
    rb"\{ *'descr': *'([<>|=]\w{1,9})', *'fortran_order': *(True|False),"
    rb" *'shape': *\(((?:\d{1,20}(?:, *\d{1,20})*)?),? *\),? *\} *\n?"
)
_MAX_DEPTH = 16  # of mappings and lists in each other; a real one has 2


def read_arrays(path: str | PathLike[str]) -> Arrays:
    """Read all arrays of a .npz or .safetensors checkpoint, or of an original harmonix .pth file.

    Raises CheckpointError where the file is damaged, hostile, or no such file; OSError where it
    cannot be opened.
    """
    file = Path(path)
    check_file(file, MAX_BYTES)
    if file.suffix == ".npz":
        return _read_npz(file)
    if file.suffix == ".safetensors":
        return _read_safetensors(file)
    if file.suffix == ".pth":
        return {key: _channels_last(array) for key, array in read_checkpoint(file).arrays.items()}
    raise CheckpointError(
        f"{file.name}: not a kind of checkpoint that can be read; "
        f"expected .npz, .safetensors or .pth"
    )


def read_config(path: str | PathLike[str]) -> dict[str, Any]:
    """Read hyperparameters: the .yaml, .yml or .json file beside a checkpoint, or a .pth itself.

    Raises CheckpointError where it holds anything but a mapping with names as keys.
    """
    file = Path(path)
    if file.suffix == ".pth":
        return _check_config(read_checkpoint(file).fields.get("config"), file.name)
    check_file(file, _MAX_CONFIG)
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text) if file.suffix == ".json" else _parse_yaml(text)
    except (ValueError, RecursionError, yaml.YAMLError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise CheckpointError(f"{file.name}: not a readable configuration ({reason})") from e
    return _check_config(data, file.name)


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


def _check_config(data: Any, name: str) -> dict[str, Any]:
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise CheckpointError(f"{name}: expected a configuration, a mapping from names to values")
    return data


def _channels_last(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """A kernel (out, in, height, width) as (out, height, width, in); other arrays as they are."""
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if array.ndim == 4 else array


def _listed(names: list[str], *, most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(label(name) for name in names[:most]) + more


def _read_npz(file: Path) -> Arrays:
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


def _read_safetensors(file: Path) -> Arrays:
    """8 bytes of header length, the header (JSON), then the arrays without gaps."""
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


_Entry = tuple[str, tuple[int, ...], int, int]  # dtype, shape, begin, end


def _parse_header(name: str, text: bytes) -> dict[str, _Entry]:
    """The entries of a .safetensors header by array name, each checked by itself."""

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
    """Raise unless the arrays lie end to end and fill the `room` bytes after the header."""
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


def _parse_yaml(text: str) -> Any:
    """YAML's plain values; ValueError for what could take long to read."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        # Through aliases a short file can stand for a huge one.
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are not allowed here")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
    return yaml.safe_load(text)
