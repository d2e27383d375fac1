"""One song from file to structure, to be read from top to bottom.

    audio (2, S) -> stems' spectrograms (K, T, 81) -> logits (13, T) -> beats, sections

The network wants four stems; they come from the mix's own spectrogram or from files of one's own.
A network that was trained on mixes (the bundled one) gets the mix as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from os import PathLike, fspath
from pathlib import Path
from typing import Literal

import numpy as np

from .audio import Audio, load_audio
from .backend import mx
from .beats import decode_beats
from .demix.external import find_stems, load_stems
from .demix.spectral import spectral_stems
from .errors import UsageError
from .predict import Network, activations, load_network, predict
from .sections import pick_sections
from .spectrogram import Backend, logarithm, magnitudes, spectrogram
from .tempo import estimate_meter, estimate_tempo, round_tempo
from .types import Analysis
from .weights import find_model

Progress = Callable[[str, float], None]
Demix = Literal["auto", "spectral"]


def _ignore(stage: str, fraction: float) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Spectrograms:
    """The network's input (K, T, 81), the way that the stems were made, and what is odd there."""

    values: mx.array
    demix: str
    warnings: tuple[str, ...] = ()


class Analyzer:
    """Analyses songs one after the other; loads its network once.

    model: one of weights.MODELS. demix: how a mix becomes the stems that the network wants.
    stems_dir: a folder with stems of one's own, which take the separation's place; stems_alone:
    whether stems in that folder itself may be taken, as only one song is analysed with it.
    `notice` is a line for the user about what `auto` settled on, or empty.
    """

    def __init__(
        self,
        model: str = "auto",
        demix: Demix = "auto",
        *,
        weights_dir: Path | None = None,
        weights_path: Path | None = None,
        config_path: Path | None = None,
        stems_dir: Path | None = None,
        stems_alone: bool = True,
        spec_backend: Backend = "mlx_fast",
        offline: bool = False,
    ) -> None:
        files = find_model(
            model,
            weights_dir=weights_dir,
            weights_path=weights_path,
            config_path=config_path,
            offline=offline,
        )
        self.notice = f"model {files.name}: {files.reason}" if files.reason else ""
        self.network: Network = load_network(files)
        self.stems_dir = stems_dir
        self.stems_alone = stems_alone
        self.spec_backend = spec_backend
        if self.network.stems == 1 and (stems_dir is not None or demix != "auto"):
            raise UsageError(
                f"the model {files.name} analyses the mix as it is; "
                "leave out --stems-dir and --demix, or ask for a harmonix model"
            )

    def __call__(
        self,
        path: str | PathLike[str],
        *,
        on_progress: Progress = _ignore,
        activations: bool = False,
        embeddings: bool = False,
    ) -> Analysis:
        """Analyse one file.

        on_progress is called with a stage (decode, stems, network, beats, sections) and the share
        of it that is done; what it raises, such as Cancelled, stops the computation.
        Raises AudioError or StemsError where the file or its stems cannot be analysed.
        """
        on_progress("decode", 0.0)
        audio = load_audio(path)
        analysis = self.analyze(
            audio,
            path=path,
            on_progress=on_progress,
            keep_activations=activations,
            keep_embeddings=embeddings,
        )
        return replace(analysis, path=fspath(path))

    def analyze(
        self,
        audio: Audio,
        *,
        path: str | PathLike[str] = "",
        on_progress: Progress = _ignore,
        keep_activations: bool = False,
        keep_embeddings: bool = False,
    ) -> Analysis:
        """Analyse decoded audio; `path` says where it came from, for stems and the result."""
        on_progress("stems", 0.0)
        spectrograms = self._spectrograms(audio, Path(path))
        on_progress("network", 0.0)
        prediction = predict(
            spectrograms.values,
            self.network,
            embeddings=keep_embeddings,
            on_progress=lambda fraction: on_progress("network", fraction),
        )
        probabilities = activations(prediction.logits)
        on_progress("beats", 0.0)
        beats = decode_beats(
            probabilities.beat, probabilities.downbeat, threshold=self.network.threshold
        )
        on_progress("sections", 0.0)
        segments = pick_sections(probabilities.segment, probabilities.label)
        on_progress("sections", 1.0)
        return Analysis(
            path=fspath(path),
            bpm=round_tempo(beats.times),
            beats=tuple(beats.times.tolist()),
            downbeats=tuple(beats.times[beats.positions == 1].tolist()),
            beat_positions=tuple(beats.positions.tolist()),
            segments=segments,
            duration=round(audio.duration, 2),
            tempo=estimate_tempo(beats.times),
            meter=estimate_meter(beats.positions),
            model=self.network.name,
            demix=spectrograms.demix,
            program=f"allin1-mlx {version('allin1-mlx-ui')}",
            audio_sha256=audio.sha256,
            warnings=audio.warnings + spectrograms.warnings,
            activations=probabilities if keep_activations else None,
            embeddings=prediction.embeddings,
        )

    def _spectrograms(self, audio: Audio, path: Path) -> Spectrograms:
        """What the network looks at, by the way that fits the network and the options."""
        if self.stems_dir is not None:
            files = find_stems(path, self.stems_dir, alone=self.stems_alone)
            stems = load_stems(files, duration=audio.duration)
            values = spectrogram(stems.samples, backend=self.spec_backend)
            return Spectrograms(values, f"external {stems.sha256[:8]}", stems.warnings)
        mix = audio.samples.mean(axis=0, keepdims=True, dtype=np.float32)
        if self.network.stems == 1:
            return Spectrograms(spectrogram(mix, backend=self.spec_backend), "none")
        mix_magnitudes = magnitudes(mix, backend=self.spec_backend)[0]
        return Spectrograms(logarithm(spectral_stems(mix_magnitudes)), "spectral")


def analyze(path: str | PathLike[str]) -> Analysis:
    """Analyse one file with the defaults of the command line: `analyze("song.mp3").beats`."""
    return Analyzer()(path)
