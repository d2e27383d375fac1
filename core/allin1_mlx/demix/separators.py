"""Which separator splits a mix into stems: htdemucs, or none.

The separator is imported only when it is used.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsError
from ..network.backend import has_gpu
from ..weights import find_htdemucs
from ..weights.access import Access
from .options import Demix

if TYPE_CHECKING:
    from .htdemucs import HTDemucs


def find_separator(demix: Demix, access: Access) -> Path | None:
    """The separator's checkpoint; None for "spectral", and where "auto" does without.

    "auto" never downloads it. Raises WeightsError where "htdemucs" is asked for and cannot be
    found or downloaded.
    """
    if demix == "htdemucs":
        return find_htdemucs(access)
    if demix == "spectral" or not has_gpu():
        return None  # on a CPU a song would take many times its own length
    try:
        return find_htdemucs(replace(access, offline=True))
    except WeightsError:
        return None


def load_separator(path: Path, *, compiled: bool) -> HTDemucs:
    """Read its checkpoint; compiled: fuse its kernels on a GPU. Raises CheckpointError."""
    from .htdemucs import HTDemucs

    return HTDemucs.from_checkpoint(path, compiled=compiled)
