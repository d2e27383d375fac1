"""Which files a model's name stands for.

Searched in this order: an explicit path; the weights folder (`--mlx-weights-dir`, by default
./mlx-weights); the cache of downloads; then the publisher, unless that is forbidden. The bundled
checkpoint is part of the package.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DownloadError, UsageError, WeightsError
from ..types import Progress
from .access import Access, Notice, fetch, warn
from .places import Pair, bundled_files, cache_dir, config_beside, find_fold
from .registry import FOLDS, HTDEMUCS_FILE, WeightFile, fold_files

MODELS = (*(f"harmonix-fold{i}" for i in range(FOLDS)), "harmonix-all", "bundled", "auto")


@dataclass(frozen=True)
class ModelFiles:
    """Where a model is: one (weights, configuration) pair per fold.

    name: the model that was settled on, never "auto". reason: why "auto" settled on it, one
    line to be shown; empty where the model was asked for by name.
    """

    name: str
    files: tuple[Pair, ...]
    reason: str = ""


def find_model(
    name: str = "auto",
    *,
    weights_dir: Path | None = None,
    weights_path: Path | None = None,
    config_path: Path | None = None,
    offline: bool = False,
    weights_url: str | None = None,
    on_notice: Notice = warn,
    on_progress: Progress | None = None,
) -> ModelFiles:
    """Find the files of a model, one of MODELS; download them where they are missing.

    weights_path and config_path name one checkpoint; the others are the fields of Access.
    Raises UsageError for a name that does not exist or options that contradict each other,
    WeightsError where the model was asked for by name and is not to be had.
    """
    if name not in MODELS:
        raise UsageError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    if weights_path is not None:
        return _explicit(name, weights_path, config_path)
    if config_path is not None:
        raise UsageError("a configuration path needs the weights path that it belongs to")
    access = Access(weights_dir, offline, weights_url, on_notice, on_progress)
    if name == "bundled":
        return ModelFiles(name, (bundled_files(),))
    if name == "auto":
        return _settle(access)
    if missing := find_missing(name, access):
        _obtain(name, missing, access.folders, access)
    return ModelFiles(name, _find_pairs(name, access))


def find_htdemucs(
    *,
    weights_dir: Path | None = None,
    offline: bool = False,
    weights_url: str | None = None,
    on_notice: Notice = warn,
    on_progress: Progress | None = None,
) -> Path:
    """Find the separator's checkpoint; download it where it is missing.

    Also looked for where PyTorch keeps it for the authors' own program. The arguments are the
    fields of Access. Raises WeightsError where it is not to be had.
    """
    access = Access(weights_dir, offline, weights_url, on_notice, on_progress)
    folders = _separator_folders(access)
    for folder in folders:
        if (path := folder / HTDEMUCS_FILE.name).is_file():
            return path
    return _obtain("htdemucs", [HTDEMUCS_FILE], folders, access)[0]


def find_missing(name: str, access: Access) -> list[WeightFile]:
    """The files of a published set (a key of PUBLISHED) that would have to be downloaded.

    Empty where it can be used as it is, from whichever folder. Raises WeightsError for weights
    that lie there without their configuration.
    """
    if name == "htdemucs":
        places = [folder / HTDEMUCS_FILE.name for folder in _separator_folders(access)]
        return [] if any(path.is_file() for path in places) else [HTDEMUCS_FILE]
    lacking = [fold for fold in _folds_of(name) if find_fold(fold, access.folders) is None]
    return [file for fold in lacking for file in fold_files(fold)]


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


def _separator_folders(access: Access) -> tuple[Path, ...]:
    """Where the separator may be, in order; PyTorch's own cache is the last."""
    torch_home = Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache" / "torch")
    return (*access.folders, torch_home / "hub" / "checkpoints")


def _folds_of(name: str) -> Sequence[int]:
    return range(FOLDS) if name == "harmonix-all" else [int(name[-1])]


def _find_pairs(name: str, access: Access) -> tuple[Pair, ...]:
    """The files of a harmonix model whose folds are all here."""
    pairs = [find_fold(fold, access.folders) for fold in _folds_of(name)]
    return tuple(pair for pair in pairs if pair is not None)


def _obtain(
    name: str, files: Sequence[WeightFile], folders: Sequence[Path], access: Access
) -> list[Path]:
    """Fetch files that are in none of the folders, or say where they were looked for."""
    sought = f"{name}: {_shortened([file.name for file in files])} not found in {_listed(folders)}"
    advice = (
        f"`allin1-mlx weights download {name}` fetches it where there is a network; "
        f"or put the files into {access.folders[0].absolute()}, "
        f"or name their folder with --mlx-weights-dir"
    )
    if access.is_offline:
        raise WeightsError(f"{sought}, and downloads are switched off. {advice}")
    try:
        return fetch(files, access)
    except DownloadError as e:
        raise DownloadError(f"{sought}, and the download failed: {e}. {advice}") from e


def _settle(access: Access) -> ModelFiles:
    """What `auto` means: harmonix-all where it is or can be fetched, else the bundled one."""
    missing = find_missing("harmonix-all", access)
    if not missing:
        pairs = _find_pairs("harmonix-all", access)
        places = dict.fromkeys(str(weights.parent) for weights, _ in pairs)
        return ModelFiles("harmonix-all", pairs, f"its weights are in {' and '.join(places)}")
    if access.is_offline:
        here = FOLDS - len(missing) // len(fold_files(0))
        state = f"has only {here} of its {FOLDS} folds here" if here else "is not here"
        reason = f"harmonix-all {state}: allin1-mlx weights download harmonix-all"
        return ModelFiles("bundled", (bundled_files(),), reason)
    try:
        fetch(missing, access)
    except DownloadError as e:
        reason = f"harmonix-all is not here and could not be downloaded ({e})"
        return ModelFiles("bundled", (bundled_files(),), reason)
    pairs = _find_pairs("harmonix-all", access)
    return ModelFiles("harmonix-all", pairs, f"its weights were downloaded to {cache_dir()}")


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more files" if len(names) > 2 else "")


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join(str(folder.absolute()) for folder in folders)
