"""Make the network's spectrograms from the mix, its separated parts, a separator, or files.

A song -> (K, T, 81) float32; K = 4 in the order of STEMS, or K = 1 for the mix itself. The
spectrograms of the mix and of its parts are features: they are made while the song is decoded. The
others are made afterwards. The separator is imported only when it is used.
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
from numpy.typing import NDArray

from ..decoding.onsets import OnsetEnvelope
from ..errors import WeightsError
from ..log_spectrogram import frame_count, gather, logarithm, spectrogram, stream_magnitudes
from ..network.backend import has_gpu
from ..options import Backend, Demix, StemOptions
from ..tags import Tags
from ..types import Progress, StemMethod
from ..weights import Access, find_htdemucs
from .external import find_stems, load_stems
from .features import FeatureOptions, Features

if TYPE_CHECKING:
    from .htdemucs import HTDemucs

StemChunks = Iterable[Any]  # consecutive arrays (4, channels, n), of MLX or NumPy
KeepStems = Callable[[StemChunks], StemChunks]  # writes the chunks and returns them
Timed = Callable[[str, str | PathLike[str]], AbstractContextManager[None]]  # stage, song


@dataclass(frozen=True)
class Spectrograms:
    """The network's input for one song.

    values: (K, T, 81) float32. onsets: of the mix. stems: the method that made them. duration:
    seconds. audio_sha256, tags, warnings: as in SoundInfo, with the warnings about user-supplied
    stems.
    """

    values: NDArray[np.float32]
    onsets: OnsetEnvelope
    stems: StemMethod
    duration: float
    audio_sha256: str
    tags: Tags
    warnings: tuple[str, ...] = ()

    @property
    def mix(self) -> NDArray[np.float32]:
        """(T, 81) the log spectrogram of the mix: the only one, or the sum of the stems' powers."""
        if len(self.values) == 1:
            return np.asarray(self.values[0])
        power = np.square(10.0**self.values - 1).sum(axis=0)
        return np.asarray(np.log10(1 + np.sqrt(power)))

    @classmethod
    def of(
        cls,
        features: Features,
        values: NDArray[np.float32],
        stems: StemMethod,
        *,
        warnings: tuple[str, ...] = (),
    ) -> Spectrograms:
        """The spectrograms (K, T, 81) of a song with these features. warnings: about its stems."""
        info = features.info
        return cls(
            values,
            features.onsets,
            stems,
            info.duration,
            info.sha256,
            info.tags,
            info.warnings + warnings,
        )


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

    @property
    def feature_options(self) -> FeatureOptions:
        """The features that are extracted while a song is decoded."""
        if self.stems.has_audio:
            return FeatureOptions(0, samples=self.stems.kind == "htdemucs")
        return FeatureOptions(self.inputs, self.backend)

    @cached_property
    def separator(self) -> HTDemucs | None:
        """The separator, read on first use; None without one. Raises CheckpointError."""
        if self.separator_file is None:
            return None
        from .htdemucs import HTDemucs

        return HTDemucs.from_checkpoint(self.separator_file, compiled=self.compiled)

    def make(
        self,
        features: Features,
        path: str | PathLike[str],
        on_progress: Progress,
        keep_stems: KeepStems,
    ) -> Spectrograms:
        """Make the spectrograms of one song. Arguments as in `Analyzer.make_spectrograms`."""
        if self.options.folder is not None:
            return self._from_files(features, path, self.options.folder, keep_stems)
        if self.separator is not None:
            return self._from_separator(self.separator, features, path, on_progress, keep_stems)
        if features.spectrograms is None:
            raise ValueError("the features lack spectrograms")
        return Spectrograms.of(features, features.spectrograms, self.stems)

    def _from_files(
        self, features: Features, path: str | PathLike[str], folder: Path, keep_stems: KeepStems
    ) -> Spectrograms:
        """Read user-supplied stems and make their spectrograms."""
        with self.timed("stems", path):
            files = find_stems(path, folder, alone=self.options.single_song)
            stems = load_stems(files, duration=features.info.duration)
            for _ in keep_stems([stems.samples[:, None]]):
                pass
        with self.timed("spectrogram", path):
            values = np.array(spectrogram(stems.samples, backend=self.backend))
        method = replace(self.stems, digest=stems.digest)
        return Spectrograms.of(features, values, method, warnings=stems.warnings)

    def _from_separator(
        self,
        separator: HTDemucs,
        features: Features,
        path: str | PathLike[str],
        on_progress: Progress,
        keep_stems: KeepStems,
    ) -> Spectrograms:
        """Separate the stems and make their spectrograms, chunk by chunk."""
        if features.samples is None:
            raise ValueError("the features lack the samples, which the separator needs")
        with self.timed("demix", path):
            chunks = separator.stream(
                features.samples,
                seed=self.options.seed,
                on_progress=lambda fraction: on_progress("stems", fraction),
            )
            mono = (chunk.mean(axis=1) for chunk in keep_stems(chunks))
            magnitudes = stream_magnitudes(mono, signals=4, backend=self.backend)
            room = frame_count(features.info.frames)
            values = gather(map(logarithm, magnitudes), signals=4, room=room)
        return Spectrograms.of(features, values, self.stems)


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
