"""Where weights lie on this machine, and which files belong together.

Files are named as Kim & Nam's MLX port names them: harmonix-fold{0..7}_mlx.npz with a .yaml
beside it (.safetensors and .json do as well), or as the authors' own harmonix-fold{0..7}-*.pth,
which hold their configuration. ALLIN1_MLX_CACHE names another folder for the cache.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..checkpoint import CONFIG_SUFFIXES
from ..errors import WeightsError

WEIGHTS_DIR = Path("mlx-weights")  # where nothing else is said, below the current folder

_WEIGHT_SUFFIXES = (".npz", ".safetensors")

Pair = tuple[Path, Path]  # weights, configuration


def find_fold(fold: int, folders: Sequence[Path]) -> Pair | None:
    """The (weights, configuration) of one harmonix fold in the first folder that has it."""
    for folder in folders:
        for suffix in _WEIGHT_SUFFIXES:
            weights = folder / f"harmonix-fold{fold}_mlx{suffix}"
            if weights.is_file():
                return weights, config_beside(weights)
        for original in sorted(folder.glob(f"harmonix-fold{fold}-*.pth")):
            return original, original
    return None


def config_beside(weights: Path) -> Path:
    """The configuration that belongs to a weights file; WeightsError where there is none."""
    if weights.suffix == ".pth":
        return weights
    for suffix in CONFIG_SUFFIXES:
        if (config := weights.with_suffix(suffix)).is_file():
            return config
    raise WeightsError(
        f"{weights.name}: no configuration beside it; expected {weights.with_suffix('.yaml')}"
    )


def bundled_files() -> Pair:
    """The checkpoint that is part of the package."""
    weights = Path(__file__).parents[1] / "bundled" / "allin1-mlx.safetensors"
    if not weights.is_file():
        raise WeightsError(f"the bundled checkpoint is not at {weights}; install the package again")
    return weights, config_beside(weights)


def cache_dir() -> Path:
    """Where downloaded weights are kept: only verified files are in there."""
    if chosen := os.environ.get("ALLIN1_MLX_CACHE"):
        return Path(chosen) / "weights"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "allin1-mlx" / "weights"
