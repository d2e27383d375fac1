"""Hyperparameters: the mapping beside a checkpoint, or within it, as plain values.

`.yaml`, `.yml` and `.json` by their suffix; of YAML only what is quick to read.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import yaml

from ..errors import CheckpointError
from .archive import check_file
from .torchfile import read_checkpoint

CONFIG_SUFFIXES = (".yaml", ".yml", ".json")

_MAX_CONFIG = 1 << 14  # bytes; a real one has 1 700
_MAX_DEPTH = 16  # of mappings and lists in each other; a real one has 2


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


def _check_config(data: Any, name: str) -> dict[str, Any]:
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise CheckpointError(f"{name}: expected a configuration, a mapping from names to values")
    return data


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
