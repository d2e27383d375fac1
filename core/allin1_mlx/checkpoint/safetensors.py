"""`.safetensors`: a header in JSON, then the arrays end to end, after that project's description.

Every span that the header claims is checked against the file's own size before it is read.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ..errors import CheckpointError
from .floats import ITEM_BYTES, Arrays, check_shape, decode_floats, label

_MAX_HEADER = 1 << 20  # bytes; 491 arrays take 60 000

_Entry = tuple[str, tuple[int, ...], int, int]  # dtype, shape, begin, end


def read_safetensors(file: Path) -> Arrays:
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
