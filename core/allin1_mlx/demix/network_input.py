"""Make the network's spectrograms from the mix, its separated parts, a separator, or files.

audio (2, S) -> (K, T, 81) float32; K = 4 in the order of STEMS, or K = 1 for the mix itself. The
separator is imported only when it is used.
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
from ..decoding.onsets import OnsetEnvelope, in_blocks, measure_onsets
from ..errors import WeightsError
from ..log_spectrogram import logarithm, magnitudes, spectrogram
from ..network.backend import has_gpu, mx
from ..network.options import Backend
from ..types import Progress, StemMethod
from ..weights import Access, find_htdemucs
from .external import find_stems, load_stems
from .options import Demix, StemOptions
from .spectral import spectral_stems

if TYPE_CHECKING:
    from .htdemucs import HTDemucs

StemChunks = Iterable[Any]  # consecutive arrays (4, channels, n), of MLX or NumPy
KeepStems = Callable[[StemChunks], StemChunks]  # writes the chunks and returns them
Timed = Callable[[str, str | PathLike[str]], AbstractContextManager[None]]  # stage, song


@dataclass(frozen=True)
class Spectrograms:
    """The network's input for one song.

    values: (K, T, 81) float32. onsets: of the mix. stems: the method that made them. duration:
    seconds.
    audio_sha256, warnings: as in Audio, with the warnings about user-supplied stems.
    """

    values: mx.array
    onsets: OnsetEnvelope
    stems: StemMethod
    duration: float
    audio_sha256: str
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, audio: Audio, values: mx.array, stems: StemMethod, *, warnings: tuple[str, ...] = ()
    ) -> Spectrograms:
        """The spectrograms (K, T, 81) of decoded audio. warnings: about its stems."""
        onsets = measure_onsets(in_blocks(audio.samples))
        return cls(values, onsets, stems, audio.duration, audio.sha256, audio.warnings + warnings)


@dataclass(frozen=True, kw_only=True)
class NetworkInput:
    """Makes the spectrograms of songs, all with the same method.

    inputs: number of spectrograms that the network needs: 4 stems or 1 mix. separator_file: the
    separator's checkpoint, None without a separator. compiled: as in ComputeOptions. timed: records
    the time of a stage.
    """

    inputs: int
    options: StemOptions
    separator_file: Path | None
    backend: Backend
    compiled: bool
    timed: Timed

    @property
    def stems(self) -> StemMethod:
        """The method that makes the stems, without the digest of user-supplied stems."""
        if self.inputs == 1:
            return StemMethod("none")
        if self.options.folder is not None:
            return StemMethod("external")
        if self.separator_file is not None:
            return StemMethod("htdemucs", seed=self.options.seed)
        return StemMethod("spectral")

    @cached_property
    def separator(self) -> HTDemucs | None:
        """The separator, read on first use; None without one. Raises CheckpointError."""
        if self.separator_file is None:
            return None
        from .htdemucs import HTDemucs

        return HTDemucs.from_checkpoint(self.separator_file, compiled=self.compiled)

    def make(
        self,
        audio: Audio,
        path: str | PathLike[str],
        on_progress: Progress,
        keep_stems: KeepStems,
    ) -> Spectrograms:
        """Make the spectrograms of one song. Arguments as in `Analyzer.make_spectrograms`."""
        if self.options.folder is not None:
            return self._from_files(audio, path, self.options.folder, keep_stems)
        if self.separator is not None:
            return self._from_separator(self.separator, audio, path, on_progress, keep_stems)
        with self.timed("spectrogram", path):
            mix = audio.samples
            if len(mix) > 1:
                mix = mix.mean(axis=0, keepdims=True, dtype=np.float32)
            if self.inputs == 1:
                values = spectrogram(mix, backend=self.backend)
            else:
                values = logarithm(spectral_stems(magnitudes(mix, backend=self.backend)[0]))
            mx.eval(values)
        return Spectrograms.of(audio, values, self.stems)

    def _from_files(
        self, audio: Audio, path: str | PathLike[str], folder: Path, keep_stems: KeepStems
    ) -> Spectrograms:
        """Read user-supplied stems and make their spectrograms."""
        with self.timed("stems", path):
            files = find_stems(path, folder, alone=self.options.single_song)
            stems = load_stems(files, duration=audio.duration)
            for _ in keep_stems([stems.samples[:, None]]):
                pass
        with self.timed("spectrogram", path):
            values = spectrogram(stems.samples, backend=self.backend)
            mx.eval(values)
        method = replace(self.stems, digest=stems.digest)
        return Spectrograms.of(audio, values, method, warnings=stems.warnings)

    def _from_separator(
        self,
        separator: HTDemucs,
        audio: Audio,
        path: str | PathLike[str],
        on_progress: Progress,
        keep_stems: KeepStems,
    ) -> Spectrograms:
        """Separate the stems and make their spectrograms, chunk by chunk."""
        from .htdemucs.spectrograms import stream_magnitudes

        with self.timed("demix", path):
            chunks = separator.stream(
                audio.samples,
                seed=self.options.seed,
                on_progress=lambda fraction: on_progress("stems", fraction),
            )
            mono = (chunk.mean(axis=1) for chunk in keep_stems(chunks))
            values = logarithm(stream_magnitudes(mono, signals=4, backend=self.backend))
            mx.eval(values)
        return Spectrograms.of(audio, values, self.stems)


def find_separator(demix: Demix, access: Access) -> Path | None:
    """The separator's checkpoint; None for "spectral", and if "auto" needs no separator.

    "auto" never downloads it. Raises WeightsError if "htdemucs" is requested but cannot be found or
    downloaded.
    """
    if demix == "htdemucs":
        return find_htdemucs(access)
    if demix == "spectral" or not has_gpu():
        return None  # on a CPU a song would take many times its duration
    try:
        return find_htdemucs(replace(access, offline=True))
    except WeightsError:
        return None
