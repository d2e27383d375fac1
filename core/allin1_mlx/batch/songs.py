"""Analyse many songs, to be read from top to bottom: prepare, analyse, finish.

    InputSong -> Prepared (other processes: plan, decode, spectrogram) -> Ready
    -> Predicted (here: MLX) -> Analysed (a thread: beats, sections, result)
    -> Outcome (other processes: pictures; a thread: sound)

Each stage is only a few songs ahead of the next one, so the memory does not grow with their number.
A song that fails becomes an Outcome with an error, and the others continue. The Outcome of a song
is returned when all of its files exist.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from ..analysis import Analysis
from ..display.timings import Timings
from ..pipeline import Analyzer
from ..schema import load_schema
from ..types import Progress
from .byproducts import make_spectrograms
from .finishing import Finishing
from .naming import InputSong
from .outputs import Outputs
from .plan import SpectrogramSource, may_be_finished
from .prepare import Prepared, prepare_song
from .results import replace_older, write_arrays, write_json
from .stages import Analysed, Outcome, Predicted, Ready, attempt
from .workers import Job, Workers

SongProgress = Callable[[InputSong, str, float], None]


def analyze_songs(
    songs: Iterable[InputSong],
    analyzer: Analyzer,
    outputs: Outputs,
    *,
    processes: int = 0,
    batch_size: int = 1,
    timings: Timings | None = None,
    on_progress: SongProgress = lambda song, stage, fraction: None,
) -> Iterator[Outcome]:
    """Analyse songs and write their files. Finished work is reused.

    processes: number of other processes that decode and draw; 0 for none.
    batch_size: most songs of equal length in one forward pass.
    timings: those of the analyzer, if it has any.
    on_progress: called with the song, the stage and its finished fraction.
    The network is loaded when the first song needs it. Raises CheckpointError.
    """
    with Workers(processes) as workers:
        batch = Batch(analyzer, outputs, workers, batch_size, timings or Timings(), on_progress)
        yield from batch.run(songs)


class Batch:
    """The stages. Each is an iterator over the output of the stage before it."""

    def __init__(
        self,
        analyzer: Analyzer,
        outputs: Outputs,
        workers: Workers,
        batch_size: int,
        timings: Timings,
        on_progress: SongProgress,
    ) -> None:
        self.analyzer = analyzer
        self.outputs = outputs
        self.workers = workers
        self.batch_size = batch_size
        self.timings = timings
        self.on_progress = on_progress

    def run(self, songs: Iterable[InputSong]) -> Iterator[Outcome]:
        """Yield the outcomes of all songs."""
        with ThreadPoolExecutor(1, thread_name_prefix="sound") as writer:
            finishing = Finishing(self.outputs, self.workers, writer)
            yield from finishing.run(self._decide(self._predict(self._prepare(songs))))

    def _prepare(self, songs: Iterable[InputSong]) -> Iterator[Prepared | Outcome]:
        """Plan and decode songs, ahead of the next stage."""
        waiting: deque[tuple[InputSong, Job[Prepared]]] = deque()
        for song in songs:
            waiting.append((song, self._start(song)))
            if len(waiting) > self.workers.count + bool(self.workers.count):
                yield self._prepared(*waiting.popleft())
        while waiting:
            yield self._prepared(*waiting.popleft())

    def _start(self, song: InputSong) -> Job[Prepared]:
        """Start to prepare a song; also load what it certainly needs later."""
        analyzer = self.analyzer
        options = analyzer.input.options, analyzer.feature_options
        arguments = (song, self.outputs, analyzer.provenance, *options)
        job = self.workers.submit_beside(prepare_song, *arguments)
        if not may_be_finished(song, self.outputs):
            self.analyzer.load()
            load_schema()
        return job

    def _prepared(self, song: InputSong, job: Job[Prepared]) -> Prepared | Outcome:
        self.on_progress(song, "decode", 0.0)
        prepared = attempt(song, job.result)
        if isinstance(prepared, Prepared):
            for stage in prepared.features.stages if prepared.features is not None else ():
                self.timings.record(stage)
        return prepared

    def _predict(
        self, songs: Iterable[Prepared | Outcome]
    ) -> Iterator[Predicted | Analysed | Outcome]:
        """The part that needs MLX. At most 2 `batch_size` songs wait for others of equal length."""
        waiting: list[Ready] = []
        for song in songs:
            ready = song if isinstance(song, Outcome) else self._make_ready(song)
            if not isinstance(ready, Ready):
                yield ready
                continue
            waiting.append(ready)
            group = self._alike(waiting, ready)
            if len(group) < self.batch_size and len(waiting) >= 2 * self.batch_size:
                group = self._alike(waiting, waiting[0])
            elif len(group) < self.batch_size:
                continue
            waiting = [other for other in waiting if other not in group]
            yield from self._predict_group(group)
        while waiting:
            group = self._alike(waiting, waiting[0])
            waiting = [other for other in waiting if other not in group]
            yield from self._predict_group(group)

    def _make_ready(self, prepared: Prepared) -> Ready | Analysed | Outcome:
        """The song with its spectrograms, or Analysed if its result is already finished."""
        plan = prepared.plan
        finished = None
        if plan.finished is not None:
            features = prepared.features
            samples, envelope = (features.samples, features.envelope) if features else (None, None)
            finished = Analysed(plan.song, plan.finished, samples, envelope, changed=False)
        if finished is not None and plan.spectrograms is SpectrogramSource.NONE:
            return finished
        self.analyzer.load()  # outside of `attempt`, because its errors are not the song's
        report = self._report(plan.song)
        ready = attempt(
            plan.song, lambda: make_spectrograms(self.analyzer, prepared, self.outputs, report)
        )
        if finished is None:
            return ready
        if isinstance(ready, Outcome):
            result = self.outputs.result(plan.song.name)
            return replace(ready, result=result, analysis=finished.analysis)
        return replace(finished, changed=True)

    def _alike(self, waiting: list[Ready], ready: Ready) -> list[Ready]:
        """Songs that can share one forward pass with this one, at most `batch_size`."""
        length = self._padded(ready)
        return [other for other in waiting if self._padded(other) == length][: self.batch_size]

    def _padded(self, ready: Ready) -> int:
        return self.analyzer.network.padded(ready.spectrograms.values.shape[1])

    def _predict_group(self, group: list[Ready]) -> Iterator[Predicted | Outcome]:
        """Run one forward pass for several songs; if it fails, one pass for each song."""

        def report(stage: str, fraction: float) -> None:
            for ready in group:
                self.on_progress(ready.song, stage, fraction)

        predictions = attempt(
            group[0].song,
            lambda: self.analyzer.predict(
                [ready.spectrograms for ready in group],
                embeddings=self.outputs.embeddings,
                on_progress=report,
                track=", ".join(ready.song.path for ready in group),
            ),
        )
        if not isinstance(predictions, Outcome):
            yield from map(Predicted, group, predictions)
        elif len(group) > 1:
            for ready in group:
                yield from self._predict_group([ready])
        else:
            group[0].remove_temporary()
            yield predictions

    def _decide(
        self, songs: Iterable[Predicted | Analysed | Outcome]
    ) -> Iterator[Analysed | Outcome]:
        """Find beats and sections and write results, while the network runs for the next song."""
        with ThreadPoolExecutor(1, thread_name_prefix="decide") as thread:
            running: deque[Future[Analysed | Outcome]] = deque()
            for song in songs:
                running.append(thread.submit(self._finish, song))
                if len(running) > 1:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()

    def _finish(self, song: Predicted | Analysed | Outcome) -> Analysed | Outcome:
        """The result of a prediction, written; other songs are returned unchanged."""
        if not isinstance(song, Predicted):
            return song
        ready = song.ready
        analysis = attempt(
            ready.song,
            lambda: self.analyzer.decode(
                song.prediction,
                ready.spectrograms,
                path=ready.song.path,
                on_progress=self._report(ready.song),
                keep_activations=self.outputs.activations,
            ),
        )
        finished = analysis if isinstance(analysis, Outcome) else self._write(ready, analysis)
        ready.remove_temporary()
        return finished

    def _write(self, ready: Ready, analysis: Analysis) -> Analysed | Outcome:
        """Write the arrays, then the result: a result file means that all arrays exist."""

        def write() -> Analysis:
            with self.timings.stage("write", track=ready.song.path):
                return self._write_result(ready, analysis)

        written = attempt(ready.song, write)
        if isinstance(written, Outcome):
            return replace(written, analysis=analysis)
        return Analysed(ready.song, written, ready.samples, ready.envelope, changed=True)

    def _write_result(self, ready: Ready, analysis: Analysis) -> Analysis:
        name, made = ready.song.name, ready.spectrograms
        provenance = self.analyzer.provenance.of_song(made.audio_sha256, made.stems.digest)
        write_arrays(analysis, name, self.outputs, provenance.of_arrays)
        path = self.outputs.result(name)
        keep_edits = not self.outputs.overwrites("edits")
        corrected = replace_older(analysis, path, keep_edits=keep_edits)
        write_json(corrected, path)
        # Pictures and sound show the content of the file, as they do for a reused result.
        return replace(
            Analysis.from_json(path),
            warnings=corrected.warnings,
            activations=corrected.activations,
        )

    def _report(self, song: InputSong) -> Progress:
        def report(stage: str, fraction: float) -> None:
            self.on_progress(song, stage, fraction)

        return report
