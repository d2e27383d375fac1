"""Where the network's spectrograms come from: the mix, its parts, a separator, or files.

audio (2, S) -> (K, T, 81) float32, K = 4 in the order of STEMS, or 1, the mix as it is
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio import Audio
from ..errors import WeightsError
from ..log_spectrogram import Backend, logarithm, magnitudes, spectrogram
from ..network.backend import has_gpu, mx
from ..types import Progress
from ..weights import Access, find_htdemucs
from .external import find_stems, load_stems
from .options import Demix, StemOptions
from .spectral import spectral_stems

if TYPE_CHECKING:
    from .htdemucs import HTDemucs

Pieces = Iterable[Any]  # of stems: arrays (4, channels, n), of MLX or NumPy
PassPieces = Callable[[Pieces], Pieces]
Timed = Callable[[str, str | PathLike[str]], AbstractContextManager[None]]  # stage, song


@dataclass(frozen=True)
class Spectrograms:
    """The network's input, and what else an analysis tells about its song.

    values: (K, T, 81) float32. demix: the way that the stems were made. duration: seconds.
    audio_sha256, warnings: as of Audio, with the stems' warnings.
    """

    values: mx.array
    demix: str
    duration: float
    audio_sha256: str
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, audio: Audio, values: mx.array, *, demix: str, warnings: tuple[str, ...] = ()
    ) -> Spectrograms:
        """A song's spectrograms (K, T, 81); warnings: of its stems."""
        return cls(values, demix, audio.duration, audio.sha256, audio.warnings + warnings)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One way to the spectrograms, for song after song.

    stems: number of stems that the network needs, 1 for the mix. separator_file: the separator's
    checkpoint, None without a separator. timed: records how long a stage takes.
    """

    stems: int
    options: StemOptions
    separator_file: Path | None
    backend: Backend
    timed: Timed

    @property
    def name(self) -> str:
        """How stems are made, as results tell it; of stems of one's own only the first word."""
        if self.stems == 1:
            return "none"
        if self.options.folder is not None:
            return "external"
        if self.separator_file is None:
            return "spectral"
        return "htdemucs" if self.options.seed == 0 else f"htdemucs seed {self.options.seed}"

    @cached_property
    def separator(self) -> HTDemucs | None:
        """The separator, read when it is first needed. Raises CheckpointError."""
        if self.separator_file is None:
            return None
        return load_separator(self.separator_file, compiled=self.options.compiled)

    def look(
        self,
        audio: Audio,
        path: str | PathLike[str],
        on_progress: Progress,
        keep_stems: PassPieces,
    ) -> Spectrograms:
        """As of `Analyzer.look`."""
        if self.options.folder is not None:
            return self._look_at_own_stems(audio, path, self.options.folder, keep_stems)
        if self.separator is not None:
            return self._separate(self.separator, audio, path, on_progress, keep_stems)
        with self.timed("spectrogram", path):
            mix = audio.samples
            if len(mix) > 1:
                mix = mix.mean(axis=0, keepdims=True, dtype=np.float32)
            if self.stems == 1:
                values = spectrogram(mix, backend=self.backend)
            else:
                values = logarithm(spectral_stems(magnitudes(mix, backend=self.backend)[0]))
            mx.eval(values)
        return Spectrograms.of(audio, values, demix=self.name)

    def _look_at_own_stems(
        self, audio: Audio, path: str | PathLike[str], folder: Path, keep_stems: PassPieces
    ) -> Spectrograms:
        with self.timed("stems", path):
            files = find_stems(path, folder, alone=self.options.single_song)
            stems = load_stems(files, duration=audio.duration)
            for _ in keep_stems([stems.samples[:, None]]):
                pass
        with self.timed("spectrogram", path):
            values = spectrogram(stems.samples, backend=self.backend)
            mx.eval(values)
        demix = f"external {stems.sha256[:8]}"
        return Spectrograms.of(audio, values, demix=demix, warnings=stems.warnings)

    def _separate(
        self,
        separator: HTDemucs,
        audio: Audio,
        path: str | PathLike[str],
        on_progress: Progress,
        keep_stems: PassPieces,
    ) -> Spectrograms:
        """Stems and their spectrograms in one go, piece by piece."""
        from .htdemucs.spectrograms import stream_magnitudes

        with self.timed("demix", path):
            pieces = separator.pieces(
                audio.samples,
                seed=self.options.seed,
                on_progress=lambda fraction: on_progress("stems", fraction),
            )
            mono = (piece.mean(axis=1) for piece in keep_stems(pieces))
            values = logarithm(stream_magnitudes(mono, signals=4, backend=self.backend))
            mx.eval(values)
        return Spectrograms.of(audio, values, demix=self.name)


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
