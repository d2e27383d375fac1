"""Which separator parts a mix into stems: htdemucs, or none where its spectrogram is parted.

Nothing is loaded here before it is asked for: most songs do without.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import WeightsError
from ..network.backend import has_gpu
from ..types import Progress
from ..weights import find_htdemucs

if TYPE_CHECKING:
    from .htdemucs import HTDemucs

Demix = Literal["auto", "htdemucs", "spectral"]


def find_separator(
    demix: Demix,
    *,
    weights_dir: Path | None,
    offline: bool,
    weights_url: str | None,
    on_download: Progress | None,
) -> Path | None:
    """The separator's checkpoint; None for "spectral", and where "auto" does without.

    "auto" never downloads it: it is large, and its terms are for the user to accept. Raises
    WeightsError where htdemucs is asked for and not to be had.
    """
    if demix == "htdemucs":
        return find_htdemucs(
            weights_dir=weights_dir,
            offline=offline,
            weights_url=weights_url,
            on_progress=on_download,
        )
    if demix == "spectral" or not has_gpu():
        return None  # on a CPU a song would take many times its own length
    try:
        return find_htdemucs(weights_dir=weights_dir, offline=True)
    except WeightsError:
        return None


def load_separator(path: Path, *, compiled: bool) -> HTDemucs:
    """Read its checkpoint; compiled: fuse its kernels on a GPU. Raises CheckpointError."""
    from .htdemucs import HTDemucs

    return HTDemucs.from_checkpoint(path, compiled=compiled)
