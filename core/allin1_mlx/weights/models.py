"""Find the files of a model or of the separator.

They are searched in this order: a user-supplied file; the weights folder (./mlx-weights by
default); the cache of downloads; the publisher, unless downloads are forbidden. The bundled
checkpoint is part of the package.

Files have the names of Kim & Nam's MLX port: harmonix-fold{0..7}_mlx.npz with a .yaml beside it
(.safetensors and .json work too), or the names of the authors' own harmonix-fold{0..7}-*.pth, which
contain their configuration.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checkpoint import CONFIG_SUFFIXES
from ..errors import DownloadError, UsageError, WeightsError
from ..files import digest_of
from .access import Access, fetch
from .registry import FOLDS, HTDEMUCS_FILE, PUBLISHED, WeightFile, fold_files

Pair = tuple[Path, Path]  # weights, configuration

_WEIGHT_SUFFIXES = (".npz", ".safetensors")

MODELS = (*(f"harmonix-fold{i}" for i in range(FOLDS)), "harmonix-all", "bundled", "auto")


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model: one (weights, configuration) pair per fold.

    name: the chosen model, never "auto".
    reason: one line for the user that explains the choice of "auto"; empty if it needs no
    explanation.
    """

    name: str
    files: tuple[Pair, ...]
    reason: str = ""

    @property
    def name_by_content(self) -> str:
        """The name; a digest is added if the file is not the published one of that name."""
        with self.files[0][0].open("rb") as file:
            digest = digest_of(file)
        if any(file.sha256 == digest for file in PUBLISHED.get(self.name, ())):
            return self.name
        return f"{self.name} {digest[:8]}"


def find_model(name: str = "auto", access: Access = Access()) -> ModelFiles:
    """Find the files of a model, one of MODELS. Missing files of a named model are downloaded.

    "auto" never downloads. It is the bundled model, unless all files of harmonix-all are in
    ./mlx-weights or the user-supplied folder.
    Raises UsageError for an unknown name or contradictory options, WeightsError if a named model
    cannot be found or downloaded.
    """
    if name not in MODELS:
        raise UsageError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    if access.weights_path is not None:
        return _explicit(name, access.weights_path, access.config_path)
    if access.config_path is not None:
        raise UsageError("a configuration path needs the weights path that it belongs to")
    if name == "auto":
        return _choose(access)
    if name == "bundled":
        return ModelFiles(name, (bundled_files(),))
    if missing := find_missing(name, access):
        _obtain(name, missing, access.folders, access)
    return ModelFiles(name, _find_pairs(name, access))


def find_htdemucs(access: Access = Access()) -> Path:
    """Find the separator's checkpoint. Downloads it if it is missing.

    PyTorch's cache, which the authors' own program uses, is searched too. Raises WeightsError if it
    cannot be found or downloaded.
    """
    folders = _separator_folders(access)
    for folder in folders:
        if (path := folder / HTDEMUCS_FILE.name).is_file():
            return path
    return _obtain("htdemucs", [HTDEMUCS_FILE], folders, access)[0]


def find_missing(name: str, access: Access) -> list[WeightFile]:
    """The files of a published set (a key of PUBLISHED) that would have to be downloaded.

    Empty if the set is complete in one of the folders. Raises WeightsError if weights are found
    without their configuration.
    """
    if name == "htdemucs":
        places = [folder / HTDEMUCS_FILE.name for folder in _separator_folders(access)]
        return [] if any(path.is_file() for path in places) else [HTDEMUCS_FILE]
    lacking = [fold for fold in _folds_of(name) if find_fold(fold, access.folders) is None]
    return [file for fold in lacking for file in fold_files(fold)]


def _explicit(name: str, weights: Path, config: Path | None) -> ModelFiles:
    """The user-supplied file. Its name becomes the model's name unless another was given."""
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
    """The places of the separator in order; PyTorch's own cache is the last."""
    torch_home = Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache" / "torch")
    return (*access.folders, torch_home / "hub" / "checkpoints")


def _folds_of(name: str) -> Sequence[int]:
    return range(FOLDS) if name == "harmonix-all" else [int(name[-1])]


def _find_pairs(name: str, access: Access) -> tuple[Pair, ...]:
    """The files of a harmonix model if all of its folds are here."""
    pairs = [find_fold(fold, access.folders) for fold in _folds_of(name)]
    return tuple(pair for pair in pairs if pair is not None)


def _obtain(
    name: str, files: Sequence[WeightFile], folders: Sequence[Path], access: Access
) -> list[Path]:
    """Download files that are in none of the folders. Raises WeightsError with their names."""
    missing = f"{name}: {_shortened([file.name for file in files])} not found in {_listed(folders)}"
    advice = f"Put the files into {access.folders[0].absolute()}, or allow their download"
    if access.is_offline:
        reason = f"{missing}, and downloads are switched off. {advice}"
        raise WeightsError(reason, about=f"download {name}")
    try:
        return fetch(files, access)
    except DownloadError as e:
        reason = f"{missing}, and the download failed: {e}. Try again later, or put them there"
        raise DownloadError(reason, about=f"download {name}") from e


def _choose(access: Access) -> ModelFiles:
    """The model that "auto" chooses. Only the weights folder decides, not the cache."""
    folder = access.folders[0]
    pairs = [pair for fold in range(FOLDS) if (pair := find_fold(fold, [folder])) is not None]
    if len(pairs) == FOLDS:
        return ModelFiles("harmonix-all", tuple(pairs), f"its weights are in {folder}")
    reason = f"only {len(pairs)} of the {FOLDS} folds of harmonix-all are in {folder}"
    return ModelFiles("bundled", (bundled_files(),), reason if pairs else "")


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more files" if len(names) > 2 else "")


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join(str(folder.absolute()) for folder in folders)


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
    """The configuration of a weights file. Raises WeightsError if there is none."""
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
