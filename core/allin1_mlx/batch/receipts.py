"""Receipts record the origin of files. A file is reused only if its origin is the same.

The receipt of DIR/NAME is DIR/.made/NAME, a small JSON object. It is removed before the file is
replaced and written afterwards, so an interrupted run leaves no receipt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..files import replacing

FOLDER = ".made"

Origin = Mapping[str, str | int | bool]


def is_made(path: Path, origin: Origin) -> bool:
    """Whether the file exists, is complete, and was made from `origin`."""
    try:
        note: Any = json.loads(_note(path).read_text(encoding="utf-8"))
        return bool(note == {"from": dict(origin), "size": path.stat().st_size})
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return False


def make(path: Path, origin: Origin, write: Callable[[Path], None]) -> None:
    """Write a file and its receipt. write: called with a temporary path."""
    note = _note(path)
    note.unlink(missing_ok=True)
    with replacing(path) as temporary:
        write(temporary)
        size = os.stat(temporary).st_size
    sign(path, origin, size=size)


def sign(path: Path, origin: Origin, *, size: int) -> None:
    """Write the receipt of a file of `size` bytes."""
    text = json.dumps({"from": dict(origin), "size": size}, ensure_ascii=False)
    with replacing(_note(path)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def forget(path: Path) -> None:
    """Remove the receipt of a file."""
    _note(path).unlink(missing_ok=True)


def _note(path: Path) -> Path:
    return path.parent / FOLDER / path.name
