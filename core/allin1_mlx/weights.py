"""Which files a model's name stands for, and where they are.

Searched in this order: an explicit path; the weights folder (`--mlx-weights-dir`, by default
./mlx-weights); the cache of downloads. The bundled checkpoint is part of the package. Files are
named as Kim & Nam's MLX port names them: harmonix-fold{0..7}_mlx.npz with a .yaml beside it
(.safetensors and .json do as well), or as the authors' own harmonix-fold{0..7}-*.pth, which hold
their configuration.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .checkpoint import CONFIG_SUFFIXES
from .errors import UsageError, WeightsError

FOLDS = 8
MODELS = (*(f"harmonix-fold{i}" for i in range(FOLDS)), "harmonix-all", "bundled", "auto")
WEIGHTS_DIR = Path("mlx-weights")  # where nothing else is said, below the current folder

_WEIGHT_SUFFIXES = (".npz", ".safetensors")


@dataclass(frozen=True)
class ModelFiles:
    """Where a model is: one (weights, configuration) pair per fold.

    name: the model that was settled on, never "auto". reason: why "auto" settled on it, one
    line to be shown; empty where the model was asked for by name.
    """

    name: str
    files: tuple[tuple[Path, Path], ...]
    reason: str = ""


def find_model(
    name: str = "auto",
    *,
    weights_dir: Path | None = None,
    weights_path: Path | None = None,
    config_path: Path | None = None,
    offline: bool = False,
) -> ModelFiles:
    """Find the files of a model: one of MODELS.

    Raises UsageError for a name that does not exist or options that contradict each other,
    WeightsError where the model was asked for by name and is not to be had.
    """
    if name not in MODELS:
        raise UsageError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    if weights_path is not None:
        return _explicit(name, weights_path, config_path)
    if config_path is not None:
        raise UsageError("a configuration path needs the weights path that it belongs to")
    if weights_dir is not None and not weights_dir.is_dir():
        raise WeightsError(f"{weights_dir}: no such folder; it was given as the weights folder")
    if name == "bundled":
        return ModelFiles(name, (bundled_files(),))
    folders = (weights_dir or WEIGHTS_DIR, cache_dir())
    if name == "auto":
        return _settle(folders)
    folds = range(FOLDS) if name == "harmonix-all" else [int(name[-1])]
    found = {fold: find_fold(fold, folders) for fold in folds}
    missing = [f"harmonix-fold{fold}" for fold, pair in found.items() if pair is None]
    if missing:
        raise WeightsError(
            f"{name}: {', '.join(missing)} not found; looked in {_listed(folders)}. "
            f"Put the files (harmonix-fold0_mlx.npz, harmonix-fold0_mlx.yaml, ...) into "
            f"{weights_dir or WEIGHTS_DIR} or name their folder with --mlx-weights-dir"
        )
    return ModelFiles(name, tuple(pair for pair in found.values() if pair is not None))


def find_fold(fold: int, folders: tuple[Path, ...]) -> tuple[Path, Path] | None:
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


def bundled_files() -> tuple[Path, Path]:
    """The checkpoint that is part of the package."""
    weights = Path(__file__).parent / "bundled" / "allin1-mlx.safetensors"
    if not weights.is_file():
        raise WeightsError(f"the bundled checkpoint is not at {weights}; install the package again")
    return weights, config_beside(weights)


def cache_dir() -> Path:
    """Where downloaded weights are kept: ALLIN1_MLX_CACHE, else the system's cache folder."""
    if chosen := os.environ.get("ALLIN1_MLX_CACHE"):
        return Path(chosen) / "weights"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "allin1-mlx" / "weights"


def _explicit(name: str, weights: Path, config: Path | None) -> ModelFiles:
    """The one file that was named; its name is the model's where none was asked for."""
    if name in ("harmonix-all", "bundled"):
        raise UsageError(f"a weights path names one file, which can't be the model {name}")
    for path in (weights, config):
        if path is not None and not path.is_file():
            raise WeightsError(f"{path}: no such file; it was named as weights or configuration")
    pair = (weights, config or config_beside(weights))
    if name == "auto":
        return ModelFiles(weights.stem.removesuffix("_mlx"), (pair,), f"{weights} was named")
    return ModelFiles(name, (pair,))


def _settle(folders: tuple[Path, ...]) -> ModelFiles:
    """What `auto` means: harmonix-all where all of it is there, else the bundled checkpoint."""
    found = [find_fold(fold, folders) for fold in range(FOLDS)]
    pairs = tuple(pair for pair in found if pair is not None)
    if len(pairs) == FOLDS:
        places = sorted({str(weights.parent) for weights, _ in pairs})
        return ModelFiles("harmonix-all", pairs, f"its weights are in {' and '.join(places)}")
    reason = f"{len(pairs)} of the {FOLDS} folds of harmonix-all are in {_listed(folders)}"
    return ModelFiles("bundled", (bundled_files(),), reason)


def _listed(folders: tuple[Path, ...]) -> str:
    return " and ".join(str(folder.absolute()) for folder in folders)
