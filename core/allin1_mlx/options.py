"""Options of the analysis. This module imports nothing heavy, so the command line starts fast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from .types import BeatTimes, SectionMethod

Demix = Literal["auto", "htdemucs", "spectral"]
Backend = Literal["mlx_fast", "mlx"]


@dataclass(frozen=True)
class StemOptions:
    """Options for networks that need four stems.

    folder: of user-supplied stems, which are used instead of separation.
    single_song: whether only one song is analysed; only then may the stems be in `folder` itself.
    seed: of the random delays of htdemucs.
    """

    folder: Path | None = None
    single_song: bool = True
    seed: int = 0

    def absolute(self) -> StemOptions:
        """The same options with absolute paths, for a process with another working directory."""
        return replace(self, folder=self.folder and self.folder.absolute())


@dataclass(frozen=True)
class DecodingOptions:
    """How the network's output becomes beats and sections.

    beats: "grid" refines beats to the millisecond and moves sections to bar lines; "raw" returns
    the network's times, in frames of 10 ms.
    sections: "joint" decides sections over the whole song, "reference" uses the network's peaks;
    "auto" is "joint" for networks whose input is the mix.
    """

    beats: BeatTimes = "grid"
    sections: SectionMethod | Literal["auto"] = "auto"


@dataclass(frozen=True)
class ComputeOptions:
    """Options that change speed and memory; they change results only by rounding.

    spec_backend: the fast or the reference spectrogram.
    compiled: whether the separator's kernels are fused on a GPU.
    ensemble_parallel: whether the folds of an ensemble run as one network on a GPU.
    """

    spec_backend: Backend = "mlx_fast"
    compiled: bool = True
    ensemble_parallel: bool = True
