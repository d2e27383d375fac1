"""One song from file to analysis, to be read from top to bottom.

    samples (2, S) -> spectrograms (K, T, 81) -> logits (13, T) -> beats, tempo, sections

The published networks need four stems, made from the mix's own spectrogram, by a separator, or
supplied by the user. The bundled network was trained on mixes and analyses the mix itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from os import PathLike, fspath
from os.path import basename
from typing import TYPE_CHECKING, Literal

from .analysis import Analysis
from .audio import file_digest
from .decoding.bar_phase import align_bars
from .decoding.beats import Beats
from .decoding.grid import refine_beats
from .decoding.meters import find_beats, prepare_tables
from .decoding.sections import find_sections
from .decoding.tempo import estimate_meter, estimate_tempo, round_tempo
from .demix.hearing import Block, Heard, Wanted, hear
from .demix.network_input import (
    KeepStems,
    NetworkInput,
    Spectrograms,
    StemChunks,
    find_separator,
)
from .demix.options import Demix, StemOptions
from .errors import UsageError
from .network.backend import keep_freed_memory
from .network.options import ComputeOptions
from .network.predict import (
    Network,
    Prediction,
    activations,
    load_config,
    load_network,
    predict_group,
)
from .types import BeatTimes, Progress, Provenance, SectionMethod, Segment
from .weights import Access, ModelFiles, find_model
from .weights.registry import PUBLISHED

if TYPE_CHECKING:
    from .display.timings import Timings


SILENT = 0.01  # log10(1 + magnitude); all bands of a silent file stay below it


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
    beats: "grid" refines beats to the millisecond and moves sections to bar lines; "raw" returns
    the network's times, in frames of 10 ms.
    sections: "joint" decides sections over the whole song, "reference" takes the network's peaks;
    "auto" is "joint" for networks whose input is the mix.
    compute: options of the computation. timings: records the time of each stage.

    Attributes: `notice` is a line for the user about the model that "auto" chose, or empty. `input`
    makes the network's spectrograms. `provenance` is that of all results, without the fields of a
    song.
    """

    def __init__(
        self,
        model: str = "auto",
        demix: Demix = "auto",
        *,
        weights: Access = Access(),
        stems: StemOptions = StemOptions(),
        beats: BeatTimes = "grid",
        sections: SectionMethod | Literal["auto"] = "auto",
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
        separator_file = None
        if inputs > 1 and stems.folder is None:
            separator_file = find_separator(demix, weights)
        self.input = NetworkInput(
            inputs=inputs,
            options=stems,
            separator_file=separator_file,
            backend=compute.spec_backend,
            compiled=compute.compiled,
            timed=self._timed,
        )
        default: SectionMethod = "joint" if inputs == 1 else "reference"
        self.provenance = Provenance(
            model=files.name if weights.weights_path is None else _name_by_content(files),
            stems=self.input.stems,
            spec_backend=compute.spec_backend,
            beats=beats,
            section_method=sections if sections != "auto" else default,
            program=f"allin1-mlx {version('allin1-mlx-ui')}",
        )

    @property
    def wanted(self) -> Wanted:
        """What has to be measured of a song while it is decoded."""
        return self.input.wanted

    @cached_property
    def network(self) -> Network:
        """The network, read on first use. Raises CheckpointError."""
        return load_network(self._files, ensemble_parallel=self._compute.ensemble_parallel)

    def load(self) -> None:
        """Load the network, the separator and the decoder's tables now instead of on first use.

        Raises CheckpointError.
        """
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
        with ThreadPoolExecutor(1, thread_name_prefix="hear") as thread:
            heard = thread.submit(self.hear, path, on_progress=on_progress)
            self.load()
            song = heard.result()
        analysis = self.analyze(
            song,
            path=path,
            on_progress=on_progress,
            keep_activations=activations,
            keep_embeddings=embeddings,
        )
        return replace(analysis, path=fspath(path))

    def hear(self, path: str | PathLike[str], *, on_progress: Progress = _ignore) -> Heard:
        """Decode a file and measure what the analysis needs of it. Raises AudioError."""

        def watch(blocks: Iterator[Block], expected: int) -> Iterator[Block]:
            done = 0
            for block in blocks:
                on_progress("decode", min(done / max(expected, 1), 1.0))
                done += len(block)
                yield block

        heard = hear(path, self.wanted, through=watch)
        if self._timings is not None:
            for stage in heard.stages:
                self._timings.record(stage)
        return heard

    def analyze(
        self,
        heard: Heard,
        *,
        path: str | PathLike[str] = "",
        on_progress: Progress = _ignore,
        keep_activations: bool = False,
        keep_embeddings: bool = False,
    ) -> Analysis:
        """Analyse a song that was heard. path: its file, for finding stems and for the result."""
        spectrograms = self.make_spectrograms(heard, path=path, on_progress=on_progress)
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
        heard: Heard,
        *,
        path: str | PathLike[str] = "",
        on_progress: Progress = _ignore,
        keep_stems: KeepStems = _pass_on,
    ) -> Spectrograms:
        """Make the network's input.

        keep_stems: called with the stems as consecutive chunks (4, channels, n), if there is audio
        of them; returns the same chunks.
        """
        on_progress("stems", 0.0)
        return self.input.make(heard, path, on_progress, keep_stems)

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
        probabilities = activations(prediction.logits)
        on_progress("beats", 0.0)
        with self._timed("beats", path):
            beats = find_beats(
                probabilities, threshold=self.network.threshold, steady=self.network.steady
            )
            jitter = None
            if self.provenance.beats == "grid":
                grid = refine_beats(
                    beats, probabilities.beat, probabilities.downbeat, spectrograms.onsets
                )
                beats, jitter = grid.beats, grid.jitter
                if self.network.steady:
                    beats = align_bars(beats, spectrograms.mix, probabilities.downbeat)
            tempo = replace(estimate_tempo(beats.times), jitter=jitter)
        downbeats = beats.times[beats.positions == 1]
        on_progress("sections", 0.0)
        warnings = spectrograms.warnings
        with self._timed("sections", path):
            segments = find_sections(
                probabilities,
                downbeats,
                mix=spectrograms.mix if self.provenance.section_method == "joint" else None,
                strict_ends=self.input.inputs == 1,
                on_bars=self.provenance.beats == "grid",
            )
            if self.input.inputs == 1 and len(beats.times) < 2:
                # In silence or a single tone there is nothing to divide into sections.
                beats = Beats(beats.times[:0], beats.positions[:0])
                downbeats = downbeats[:0]
                segments = (_one_section(spectrograms, segments[-1].end),)
                name = basename(fspath(path)) or "the audio"
                warnings += (f"{name}: no beats were found, so it is one section",)
        on_progress("sections", 1.0)
        analysis = Analysis(
            path=fspath(path),
            bpm=round_tempo(beats.times, tempo),
            beats=tuple(beats.times.tolist()),
            downbeats=tuple(downbeats.tolist()),
            beat_positions=tuple(beats.positions.tolist()),
            segments=segments,
            # The last section ends with the last frame, which may end after the song.
            duration=max([round(spectrograms.duration, 2), *(s.end for s in segments[-1:])]),
            tempo=tempo,
            meter=estimate_meter(beats.positions),
            warnings=warnings,
            activations=probabilities if keep_activations else None,
            embeddings=prediction.embeddings,
        )
        stems_digest = spectrograms.stems.digest
        return self.provenance.of_song(spectrograms.audio_sha256, stems_digest).write_to(analysis)

    def _timed(self, stage: str, path: str | PathLike[str]) -> AbstractContextManager[None]:
        if self._timings is None:
            return nullcontext()
        return self._timings.stage(stage, track=fspath(path))


def analyze(path: str | PathLike[str]) -> Analysis:
    """Analyse one file with the defaults of the command line: `analyze("song.mp3").beats`."""
    return Analyzer()(path)


def _name_by_content(files: ModelFiles) -> str:
    """The model's name; a digest is added if the file is not the published one of that name."""
    digest = file_digest(files.files[0][0])
    if any(file.sha256 == digest for file in PUBLISHED.get(files.name, ())):
        return files.name
    return f"{files.name} {digest[:8]}"


def _one_section(spectrograms: Spectrograms, end: float) -> Segment:
    """The song as one section from 0 to `end` seconds: "start" if it is silent, else "inst"."""
    values = spectrograms.values
    silent = values.size == 0 or float(values.max()) < SILENT
    return Segment(0.0, end, "start" if silent else "inst")
