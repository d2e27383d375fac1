"""Read the arrays of a checkpoint in any supported format, and the configuration beside it.

Arrays are returned as float32 NumPy arrays. Convolution kernels are (out, height, width, in), as
MLX needs them. Configurations are .yaml, .yml or .json. Of YAML, only the parts that are quick to
read are supported.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from .archive import MAX_BYTES
from .formats import Arrays, check_file, label, read_npz, read_safetensors
from .torchfile import read_checkpoint

MOST_NAMED = 5  # arrays in an error message
CONFIG_SUFFIXES = (".yaml", ".yml", ".json")

_MAX_CONFIG = 1 << 14  # bytes; a real configuration has 1 700
_MAX_DEPTH = 16  # levels of nested mappings and lists; a real configuration has 2


def read_arrays(path: str | PathLike[str]) -> Arrays:
    """Read all arrays of a .npz or .safetensors checkpoint, or of an original harmonix .pth file.

    Raises CheckpointError if the file is missing, damaged, hostile or of an unknown kind; OSError
    if it cannot be opened.
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

    All values must be finite. name: the beginning of the error message, usually the file's name.
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
    """A kernel (out, in, height, width) as (out, height, width, in); other arrays unchanged."""
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if array.ndim == 4 else array


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(label(name) for name in names[:MOST_NAMED]) + more


def read_config(path: str | PathLike[str]) -> dict[str, Any]:
    """Read hyperparameters from the .yaml, .yml or .json file beside a checkpoint, or from a .pth
    file.

    Raises CheckpointError unless the file holds a mapping with names as keys.
    """
    file = Path(path)
    if file.suffix == ".pth":
        return _check_config(read_checkpoint(file).fields.get("config"), file.name)
    check_file(file, _MAX_CONFIG)
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text) if file.suffix == ".json" else _parse_yaml(text)
    except (ValueError, RecursionError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise CheckpointError(f"{file.name}: not a readable configuration ({reason})") from e
    return _check_config(data, file.name)


def _check_config(data: Any, name: str) -> dict[str, Any]:
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise CheckpointError(f"{name}: expected a configuration, a mapping from names to values")
    return data


def _parse_yaml(text: str) -> Any:
    """Load a YAML text of plain values. Raises ValueError if it is wrong or takes long to read."""
    import yaml  # loads slowly; the bundled configuration is JSON

    try:
        _check_yaml(yaml.parse(text, yaml.SafeLoader))
        return yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise ValueError(str(e)) from e


def _check_yaml(events: Iterable[Any]) -> None:
    """Raise ValueError if a YAML text could take long to read."""
    import yaml

    depth = 0
    for event in events:
        # With aliases, a short file can describe a huge structure.
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are not allowed here")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
