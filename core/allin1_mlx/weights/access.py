"""The places from which weights may come, and the download of published ones.

ALLIN1_MLX_OFFLINE=1 forbids downloads. ALLIN1_MLX_WEIGHTS_URL is the address of a mirror.
ALLIN1_MLX_CACHE is another folder for the cache.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import WeightsError
from ..types import Progress
from .registry import PUBLISHED, WeightFile

Notice = Callable[[str], None]

WEIGHTS_DIR = Path("mlx-weights")  # the default folder, in the working directory

warn = logging.getLogger("allin1_mlx").warning


@dataclass(frozen=True)
class Access:
    """The places from which weights may come. Raises WeightsError if a folder does not exist.

    weights_dir: a user-supplied folder that replaces ./mlx-weights.
    offline: nothing is downloaded, as with ALLIN1_MLX_OFFLINE=1.
    url: the folder of a mirror, as with ALLIN1_MLX_WEIGHTS_URL.
    weights_path, config_path: one user-supplied checkpoint and its configuration; without
    config_path the file beside it is used.
    on_notice: called with the terms of weights before their first download; by default they are
    logged as a warning.
    on_progress: called with "download" and the finished fraction; an exception raised in it stops
    the download.
    """

    weights_dir: Path | None = None
    offline: bool = False
    url: str | None = None
    weights_path: Path | None = None
    config_path: Path | None = None
    on_notice: Notice = warn
    on_progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.weights_dir is not None and not self.weights_dir.is_dir():
            raise WeightsError(f"{self.weights_dir}: no such folder of weights")

    def absolute(self) -> Access:
        """The same settings with absolute paths, for a process with another working directory."""
        return replace(
            self,
            weights_dir=self.weights_dir and self.weights_dir.absolute(),
            weights_path=self.weights_path and self.weights_path.absolute(),
            config_path=self.config_path and self.config_path.absolute(),
        )

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders to search, in order."""
        return (self.weights_dir or WEIGHTS_DIR, cache_dir())

    @property
    def is_offline(self) -> bool:
        """Whether downloads are forbidden."""
        return self.offline or os.environ.get("ALLIN1_MLX_OFFLINE", "0") not in ("", "0")

    @property
    def mirror(self) -> str | None:
        """The address that replaces the publishers' addresses, or None."""
        return self.url or os.environ.get("ALLIN1_MLX_WEIGHTS_URL") or None


def cache_dir() -> Path:
    """The folder of downloaded weights. It contains verified files only."""
    if chosen := os.environ.get("ALLIN1_MLX_CACHE"):
        return Path(chosen) / "weights"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "allin1-mlx" / "weights"


def fetch(files: Sequence[WeightFile], access: Access) -> list[Path]:
    """Download the files that are missing in the cache. Returns the paths of all files.

    Raises DownloadError.
    """
    from .download import download  # importing HTTP takes time

    cache = cache_dir()
    missing = [file for file in files if not (cache / file.name).is_file()]
    for line in announce(missing, access):
        access.on_notice(line)
    total = sum(file.size for file in missing) or 1
    done = 0
    for file in missing:
        before = done

        def report(share: float, size: int = file.size, before: int = before) -> None:
            if access.on_progress is not None:
                access.on_progress("download", (before + share * size) / total)

        download(file, cache, base_url=access.mirror, on_progress=report)
        done += file.size
    return [cache / file.name for file in files]


def announce(files: Sequence[WeightFile], access: Access) -> list[str]:
    """The terms of files before their download: one line per publisher.

    A publisher is left out if one of its files is already in the cache.
    """
    lines = []
    for publisher in dict.fromkeys(file.publisher for file in files):
        if not any((cache_dir() / file.name).is_file() for file in _files_of(publisher.title)):
            size = sum(file.size for file in files if file.publisher == publisher)
            lines.append(
                f"downloading {publisher.title} ({size / 1e6:.1f} MB) "
                f"from {access.mirror or publisher.url}; terms: {publisher.terms}"
            )
    return lines


def _files_of(title: str) -> list[WeightFile]:
    return [file for files in PUBLISHED.values() for file in files if file.publisher.title == title]
