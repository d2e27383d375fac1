"""One song from file to structure, to be read from top to bottom.

    audio (2, S) -> stems' spectrograms (K, T, 81) -> logits (13, T) -> beats, sections

The network wants four stems; they come from the mix's own spectrogram, from a separator, or from
files of one's own. A network that was trained on mixes (the bundled one) gets the mix as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .audio import Audio, file_digest, load_audio
from .backend import has_gpu, mx
from .beats import decode_beats, drop_guesses
from .demix.external import find_stems, load_stems
from .demix.spectral import spectral_stems
from .errors import UsageError, WeightsError
from .predict import Network, Prediction, activations, load_network, predict_group
from .sections import pick_sections
from .spectrogram import Backend, logarithm, magnitudes, spectrogram
from .tempo import estimate_meter, estimate_tempo, round_tempo
from .types import Analysis
from .weights import ModelFiles, find_htdemucs, find_model
from .weights.registry import PUBLISHED

if TYPE_CHECKING:
    from .demix.htdemucs import HTDemucs
    from .timings import Timings

PROGRAM = f"allin1-mlx {version('allin1-mlx-ui')}"

Progress = Callable[[str, float], None]
Demix = Literal["auto", "htdemucs", "spectral"]
Pieces = Iterable[Any]  # of stems: arrays (4, channels, n), of MLX or NumPy
PassPieces = Callable[[Pieces], Pieces]


def _ignore(stage: str, fraction: float) -> None:
    """Progress that nobody watches."""


def _pass(pieces: Pieces) -> Pieces:
    """Stems that nobody keeps."""
    return pieces


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


class Analyzer:
    """Analyses songs one after the other; loads its network once.

    model: one of weights.MODELS. demix: how a mix becomes the stems that the network wants.
    demix_seed: chooses the separator's random delays. stems_dir: a folder with stems of one's
    own, which take the separation's place; stems_alone: whether stems in that folder itself may
    be taken, as only one song is analysed with it. compiled: whether the separator's kernels are
    fused on a GPU. ensemble_parallel: as of `load_network`. timings: records how long each stage
    takes.
    `notice` is a line for the user about what `auto` settled on, or empty.
    """

    def __init__(
        self,
        model: str = "auto",
        demix: Demix = "auto",
        *,
        demix_seed: int = 0,
        weights_dir: Path | None = None,
        weights_path: Path | None = None,
        config_path: Path | None = None,
        weights_url: str | None = None,
        stems_dir: Path | None = None,
        stems_alone: bool = True,
        spec_backend: Backend = "mlx_fast",
        offline: bool = False,
        compiled: bool = True,
        ensemble_parallel: bool = True,
        on_download: Progress | None = None,
        timings: Timings | None = None,
    ) -> None:
        files = find_model(
            model,
            weights_dir=weights_dir,
            weights_path=weights_path,
            config_path=config_path,
            offline=offline,
            weights_url=weights_url,
            on_progress=on_download,
        )
        used = "the built-in network" if files.name == "bundled" else files.name
        self.notice = f"using {used}; {files.reason}" if files.reason else ""
        self.network: Network = load_network(files, ensemble_parallel=ensemble_parallel)
        self.model = files.name if weights_path is None else _name_by_content(files)
        self.stems_dir = stems_dir
        self.stems_alone = stems_alone
        self.spec_backend = spec_backend
        self.demix_seed = demix_seed
        self._timings = timings
        if self.network.stems == 1 and (stems_dir is not None or demix != "auto"):
            raise UsageError(
                f"the model {files.name} analyses the mix as it is; "
                "leave out --stems-dir and --demix, or ask for a harmonix model"
            )
        self._separator: HTDemucs | None = None
        if self.network.stems > 1 and stems_dir is None and demix != "spectral":
            found = _find_separator(demix, weights_dir, offline, weights_url, on_download)
            if found is not None:
                self._separator = _load_separator(found, compiled=compiled)

    @property
    def demix(self) -> str:
        """How stems are made, as results tell it; of stems of one's own only the first word."""
        if self.network.stems == 1:
            return "none"
        if self.stems_dir is not None:
            return "external"
        if self._separator is None:
            return "spectral"
        return "htdemucs" if self.demix_seed == 0 else f"htdemucs seed {self.demix_seed}"

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
        with self._timed("decode", path):
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
        spectrograms = self.look(audio, path=path, on_progress=on_progress)
        [prediction] = self.predict(
            [spectrograms], embeddings=keep_embeddings, on_progress=on_progress, track=path
        )
        return self.conclude(
            prediction,
            spectrograms,
            path=path,
            on_progress=on_progress,
            keep_activations=keep_activations,
        )

    def look(
        self,
        audio: Audio,
        *,
        path: str | PathLike[str] = "",
        on_progress: Progress = _ignore,
        keep_stems: PassPieces = _pass,
    ) -> Spectrograms:
        """What the network looks at, by the way that fits the network and the options.

        keep_stems: gets the stems as pieces (4, channels, n) where there is sound of them, and
        hands them on.
        """
        on_progress("stems", 0.0)
        if self.stems_dir is not None:
            return self._look_at_own_stems(audio, path, self.stems_dir, keep_stems)
        if self._separator is not None:
            return self._separate(self._separator, audio, path, on_progress, keep_stems)
        with self._timed("spectrogram", path):
            mix = audio.samples
            if len(mix) > 1:
                mix = mix.mean(axis=0, keepdims=True, dtype=np.float32)
            if self.network.stems == 1:
                values = spectrogram(mix, backend=self.spec_backend)
            else:
                values = spectral_stems(magnitudes(mix, backend=self.spec_backend)[0])
                values = logarithm(values)
            mx.eval(values)
        return _describe(values, self.demix, audio)

    def predict(
        self,
        songs: Sequence[Spectrograms],
        *,
        embeddings: bool = False,
        on_progress: Progress = _ignore,
        track: str | PathLike[str] = "",
    ) -> list[Prediction]:
        """One forward pass over songs of one `Network.padded` length."""
        on_progress("network", 0.0)
        with self._timed("network", track):
            return predict_group(
                [song.values for song in songs],
                self.network,
                embeddings=embeddings,
                on_progress=lambda fraction: on_progress("network", fraction),
            )

    def conclude(
        self,
        prediction: Prediction,
        spectrograms: Spectrograms,
        *,
        path: str | PathLike[str] = "",
        on_progress: Progress = _ignore,
        keep_activations: bool = False,
    ) -> Analysis:
        """From what the network says to beats, tempo and sections."""
        probabilities = activations(prediction.logits)
        on_progress("beats", 0.0)
        with self._timed("beats", path):
            decoded = decode_beats(
                probabilities.beat, probabilities.downbeat, threshold=self.network.threshold
            )
            beats = drop_guesses(decoded, probabilities.beat, probabilities.downbeat)
        on_progress("sections", 0.0)
        with self._timed("sections", path):
            segments = pick_sections(
                probabilities.segment,
                probabilities.label,
                strict_ends=self.network.stems == 1,  # published networks: as in the reference
            )
        on_progress("sections", 1.0)
        return Analysis(
            path=fspath(path),
            bpm=round_tempo(beats.times),
            beats=tuple(beats.times.tolist()),
            downbeats=tuple(beats.times[beats.positions == 1].tolist()),
            beat_positions=tuple(beats.positions.tolist()),
            segments=segments,
            # The last section ends with the last frame, which the song may not fill.
            duration=max([round(spectrograms.duration, 2), *(s.end for s in segments[-1:])]),
            tempo=estimate_tempo(beats.times),
            meter=estimate_meter(beats.positions),
            model=self.model,
            demix=spectrograms.demix,
            program=PROGRAM,
            audio_sha256=spectrograms.audio_sha256,
            warnings=spectrograms.warnings,
            activations=probabilities if keep_activations else None,
            embeddings=prediction.embeddings,
        )

    def _look_at_own_stems(
        self, audio: Audio, path: str | PathLike[str], folder: Path, keep_stems: PassPieces
    ) -> Spectrograms:
        with self._timed("stems", path):
            files = find_stems(path, folder, alone=self.stems_alone)
            stems = load_stems(files, duration=audio.duration)
            for _ in keep_stems([stems.samples[:, None]]):
                pass
        with self._timed("spectrogram", path):
            values = spectrogram(stems.samples, backend=self.spec_backend)
            mx.eval(values)
        demix = f"external {stems.sha256[:8]}"
        return _describe(values, demix, audio, stems.warnings)

    def _separate(
        self,
        separator: HTDemucs,
        audio: Audio,
        path: str | PathLike[str],
        on_progress: Progress,
        keep_stems: PassPieces,
    ) -> Spectrograms:
        """Stems and their spectrograms in one go, piece by piece."""
        from .demix.htdemucs.spectrograms import stream_magnitudes

        with self._timed("demix", path):
            pieces = separator.pieces(
                audio.samples,
                seed=self.demix_seed,
                on_progress=lambda fraction: on_progress("stems", fraction),
            )
            mono = (piece.mean(axis=1) for piece in keep_stems(pieces))
            values = logarithm(stream_magnitudes(mono, signals=4, backend=self.spec_backend))
            mx.eval(values)
        return _describe(values, self.demix, audio)

    def _timed(self, stage: str, path: str | PathLike[str]) -> AbstractContextManager[None]:
        if self._timings is None:
            return nullcontext()
        return self._timings.stage(stage, track=fspath(path))


def analyze(path: str | PathLike[str]) -> Analysis:
    """Analyse one file with the defaults of the command line: `analyze("song.mp3").beats`."""
    return Analyzer()(path)


def _describe(
    values: mx.array, demix: str, audio: Audio, warnings: tuple[str, ...] = ()
) -> Spectrograms:
    return Spectrograms(values, demix, audio.duration, audio.sha256, audio.warnings + warnings)


def _find_separator(
    demix: Demix,
    weights_dir: Path | None,
    offline: bool,
    weights_url: str | None,
    on_download: Progress | None,
) -> Path | None:
    """The separator's checkpoint; None where `auto` does without.

    `auto` never downloads it: it is large, and its terms are for the user to accept.
    """
    if demix == "htdemucs":
        return find_htdemucs(
            weights_dir=weights_dir,
            offline=offline,
            weights_url=weights_url,
            on_progress=on_download,
        )
    if not has_gpu():
        return None  # a song would take many times its own length
    try:
        return find_htdemucs(weights_dir=weights_dir, offline=True)
    except WeightsError:
        return None


def _load_separator(path: Path, *, compiled: bool) -> HTDemucs:
    from .demix.htdemucs import HTDemucs  # most songs do without

    return HTDemucs.from_checkpoint(path, compiled=compiled)


def _name_by_content(files: ModelFiles) -> str:
    """A model's name; of a file that is not the published one of that name with its digest."""
    digest = file_digest(files.files[0][0])
    if any(file.sha256 == digest for file in PUBLISHED.get(files.name, ())):
        return files.name
    return f"{files.name} {digest[:8]}"
