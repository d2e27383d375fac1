"""One song from file to analysis, to be read from top to bottom.

    samples (2, S) -> spectrograms (K, T, 81) -> logits (13, T) -> beats, tempo, sections

The published networks need four stems, made from the mix's own spectrogram, by a separator, or
supplied by the user. The bundled network was trained on mixes and analyses the mix itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property, partial
from importlib.metadata import version
from os import PathLike, fspath
from os.path import basename

from .analysis import Analysis
from .decoding.bar_phase import align_bars
from .decoding.beats import NO_BEATS, Beats
from .decoding.grid import RefinedBeats, refine_beats
from .decoding.meters import find_beats, prepare_tables
from .decoding.sections import find_sections, one_section
from .decoding.tempo import estimate_meter, estimate_tempo, name_alternatives, round_tempo
from .demix.features import FeatureOptions, Features, extract_features, report_progress
from .demix.network_input import KeepStems, NetworkInput, Spectrograms, StemChunks, find_separator
from .display.timings import Timings
from .errors import UsageError
from .network.backend import keep_freed_memory
from .network.loading import Network, load_config, load_network
from .network.predict import Prediction, activations, predict_group
from .options import ComputeOptions, DecodingOptions, Demix, StemOptions
from .types import FPS, Activations, Progress, Provenance, SectionMethod, Segment
from .weights import Access, find_model


def _ignore(stage: str, fraction: float) -> None:
    """The default for on_progress."""


def _pass_on(chunks: StemChunks) -> StemChunks:
    """The default for keep_stems."""
    return chunks


class Analyzer:
    """Analyses songs one after the other. Its network is loaded once, on first use.

    model: one of weights.MODELS.
    demix: method that makes the stems which the network needs.
    weights: places from which weights may be read or downloaded.
    stems: user-supplied stems, and options of the separator.
    decoding: how the network's output becomes beats and sections.
    compute: options of the computation. timings: records the time of each stage.

    `notice`: a line for the user about the choice of "auto", or empty. `input`: makes the network's
    spectrograms. `provenance`: that of all results, without the fields of a song.
    """

    def __init__(
        self,
        model: str = "auto",
        demix: Demix = "auto",
        *,
        weights: Access = Access(),
        stems: StemOptions = StemOptions(),
        decoding: DecodingOptions = DecodingOptions(),
        compute: ComputeOptions = ComputeOptions(),
        timings: Timings | None = None,
    ) -> None:
        keep_freed_memory()
        files = find_model(model, weights)
        used = "the built-in network" if files.name == "bundled" else files.name
        self.notice = f"using {used}; {files.reason}" if files.reason else ""
        self._files = files
        self._compute = compute
        self._timings = timings
        inputs = load_config(files.files[0][1]).stems
        if inputs == 1 and (stems.folder is not None or demix != "auto"):
            raise UsageError(
                f"the model {files.name} analyses the mix itself, without stems or a separator; "
                "leave them out or choose a harmonix model",
                about="stems",
            )
        separates = inputs > 1 and stems.folder is None
        self.input = NetworkInput(
            inputs=inputs,
            options=stems,
            separator_file=find_separator(demix, weights) if separates else None,
            backend=compute.spec_backend,
            compiled=compute.compiled,
            timed=self._timed,
        )
        default: SectionMethod = "joint" if inputs == 1 else "reference"
        self.provenance = Provenance(
            model=files.name if weights.weights_path is None else files.name_by_content,
            stems=self.input.stems,
            spec_backend=compute.spec_backend,
            beats=decoding.beats,
            section_method=decoding.sections if decoding.sections != "auto" else default,
            program=f"allin1-mlx {version('allin1-mlx-ui')}",
        )

    @property
    def feature_options(self) -> FeatureOptions:
        """The features of a song that the analysis needs."""
        return self.input.feature_options

    @cached_property
    def network(self) -> Network:
        """The network, read on first use. Raises CheckpointError."""
        return load_network(self._files, ensemble_parallel=self._compute.ensemble_parallel)

    def load(self) -> None:
        """Load network, separator and tables now, not on first use. Raises CheckpointError."""
        _ = self.input.separator
        prepare_tables(steady=self.network.steady)

    def __call__(
        self,
        path: str | PathLike[str],
        *,
        on_progress: Progress = _ignore,
        activations: bool = False,
        embeddings: bool = False,
    ) -> Analysis:
        """Analyse one file.

        on_progress: called with a stage (decode, stems, network, beats, sections) and its finished
        fraction. An exception raised in it, such as Cancelled, stops the computation.
        Raises AudioError or StemsError if the file or its stems cannot be analysed.
        """
        on_progress("decode", 0.0)
        with ThreadPoolExecutor(1, thread_name_prefix="features") as thread:
            features = thread.submit(self.extract_features, path, on_progress=on_progress)
            self.load()
        return self.analyze(
            features.result(),
            path=path,
            on_progress=on_progress,
            keep_activations=activations,
            keep_embeddings=embeddings,
        )

    def extract_features(
        self, path: str | PathLike[str], *, on_progress: Progress = _ignore
    ) -> Features:
        """Decode a file and extract the features that the analysis needs. Raises AudioError."""
        through = partial(report_progress, on_progress)
        features = extract_features(path, self.feature_options, through=through)
        if self._timings is not None:
            for stage in features.stages:
                self._timings.record(stage)
        return features

    def analyze(
        self,
        features: Features,
        *,
        path: str | PathLike[str] = "",
        on_progress: Progress = _ignore,
        keep_activations: bool = False,
        keep_embeddings: bool = False,
    ) -> Analysis:
        """Analyse a song from its features. path: its file, to find stems and for the result."""
        spectrograms = self.make_spectrograms(features, path=path, on_progress=on_progress)
        [prediction] = self.predict(
            [spectrograms], embeddings=keep_embeddings, on_progress=on_progress, track=path
        )
        return self.decode(
            prediction,
            spectrograms,
            path=path,
            on_progress=on_progress,
            keep_activations=keep_activations,
        )

    def make_spectrograms(
        self,
        features: Features,
        *,
        path: str | PathLike[str] = "",
        on_progress: Progress = _ignore,
        keep_stems: KeepStems = _pass_on,
    ) -> Spectrograms:
        """Make the network's input.

        keep_stems: gets and returns consecutive chunks (4, channels, n) of audible stems.
        """
        on_progress("stems", 0.0)
        return self.input.make(features, path, on_progress, keep_stems)

    def predict(
        self,
        songs: Sequence[Spectrograms],
        *,
        embeddings: bool = False,
        on_progress: Progress = _ignore,
        track: str | PathLike[str] = "",
    ) -> list[Prediction]:
        """Run one forward pass over songs that have the same `Network.padded` length."""
        on_progress("network", 0.0)
        with self._timed("network", track):
            return predict_group(
                [song.values for song in songs],
                self.network,
                embeddings=embeddings,
                on_progress=lambda fraction: on_progress("network", fraction),
            )

    def decode(
        self,
        prediction: Prediction,
        spectrograms: Spectrograms,
        *,
        path: str | PathLike[str] = "",
        on_progress: Progress = _ignore,
        keep_activations: bool = False,
    ) -> Analysis:
        """Decode the network's prediction to beats, tempo and sections."""
        found = activations(prediction)
        on_progress("beats", 0.0)
        with self._timed("beats", path):
            grid = self._find_beats(found, spectrograms)
            tempo = replace(estimate_tempo(grid.beats.times), jitter=grid.jitter)
            tempo = name_alternatives(tempo, grid.beats, found)
        beats = grid.beats
        on_progress("sections", 0.0)
        with self._timed("sections", path):
            segments = self._find_sections(found, beats, spectrograms)
        on_progress("sections", 1.0)
        warnings = spectrograms.warnings
        if not len(beats.times) and self.input.inputs == 1:
            name = basename(fspath(path)) or "the audio"
            warnings += (f"{name}: no beats were found, so it is one section",)
        analysis = Analysis(
            path=fspath(path),
            bpm=round_tempo(beats.times, tempo),
            beats=tuple(beats.times.tolist()),
            downbeats=tuple(beats.downbeats.tolist()),
            beat_positions=tuple(beats.positions.tolist()),
            segments=segments,
            # The last section ends with the last frame, which may end after the song.
            duration=max([round(spectrograms.duration, 2), *(s.end for s in segments[-1:])]),
            tempo=tempo,
            meter=estimate_meter(beats.positions),
            tags=spectrograms.tags,
            warnings=warnings,
            activations=found if keep_activations else None,
            embeddings=prediction.embeddings,
        )
        stems_digest = spectrograms.stems.digest
        return self.provenance.of_song(spectrograms.audio_sha256, stems_digest).write_to(analysis)

    def _find_beats(self, found: Activations, spectrograms: Spectrograms) -> RefinedBeats:
        """The beats. In a mix, fewer than two are dropped: they come from a tone or one sound."""
        beats = find_beats(found, threshold=self.network.threshold, steady=self.network.steady)
        grid = RefinedBeats(beats, None)
        if self.provenance.beats == "grid":
            grid = refine_beats(beats, found.beat, found.downbeat, spectrograms.onsets)
            if self.network.steady:
                grid = replace(grid, beats=align_bars(grid.beats, spectrograms.mix, found.downbeat))
        if self.input.inputs == 1 and len(grid.beats.times) < 2:
            return replace(grid, beats=NO_BEATS)
        return grid

    def _find_sections(
        self, found: Activations, beats: Beats, spectrograms: Spectrograms
    ) -> tuple[Segment, ...]:
        """The sections. A mix without beats is one section: there is nothing to divide."""
        if self.input.inputs == 1 and not len(beats.times):
            return one_section(spectrograms.values, seconds=len(found.segment) / FPS)
        return find_sections(
            found,
            beats.downbeats,
            mix=spectrograms.mix if self.provenance.section_method == "joint" else None,
            strict_ends=self.input.inputs == 1,
            on_bars=self.provenance.beats == "grid",
        )

    def _timed(self, stage: str, path: str | PathLike[str]) -> AbstractContextManager[None]:
        if self._timings is None:
            return nullcontext()
        return self._timings.stage(stage, track=fspath(path))


def analyze(path: str | PathLike[str]) -> Analysis:
    """Analyse one file with the defaults of the command line: `analyze("song.mp3").beats`."""
    return Analyzer()(path)
