"""Many songs, to be read from top to bottom: prepare, analyse, finish.

    songs -> (processes: what is finished? decode) -> (here: MLX) -> (processes: pictures;
    a thread: sound) -> outcomes

Each step takes a few songs ahead of the next one, so that memory does not grow with their number.
A song that fails becomes an outcome with an error; the others go on. A song's outcome comes when
all of its files are there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from ..analysis import Analysis
from ..display.timings import Timings
from ..network.backend import mx
from ..pipeline import PROGRAM, Analyzer
from .byproducts import look_at
from .faults import catching
from .finishing import Finishing
from .naming import Song
from .outputs import Outputs
from .prepare import Prepared, prepare_song
from .results import Method, replace_older, write_arrays, write_json
from .work import Outcome, Work
from .workers import Job, Workers

T = TypeVar("T")
SongProgress = Callable[[Song, str, float], None]


def analyze_songs(
    songs: Iterable[Song],
    analyzer: Analyzer,
    outputs: Outputs,
    *,
    processes: int = 0,
    batch_size: int = 1,
    timings: Timings | None = None,
    on_progress: SongProgress = lambda song, stage, fraction: None,
) -> Iterator[Outcome]:
    """Analyse songs and write their files; what is finished already is reused.

    processes: how many decode and draw beside this one, 0 for none. batch_size: songs of one
    length that go through the network at once. timings: that of the analyzer, if it has one.
    on_progress is called with the song, the stage and its share that is done.
    """
    with Workers(processes) as workers:
        batch = Batch(analyzer, outputs, workers, batch_size, timings or Timings(), on_progress)
        yield from batch.run(songs)


class Batch:
    """The steps, each an iterator over what the one before it gives."""

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

    def run(self, songs: Iterable[Song]) -> Iterator[Outcome]:
        """The outcomes of all songs."""
        with ThreadPoolExecutor(1, thread_name_prefix="sound") as writer:
            finishing = Finishing(self.outputs, self.workers, writer)
            yield from finishing.run(self._analyze(self._prepare(songs)))

    def _prepare(self, songs: Iterable[Song]) -> Iterator[Work]:
        """Look at songs and decode them, ahead of what they are needed for.

        The network is loaded while the first one is decoded.
        """
        method = describe(self.analyzer)
        waiting: deque[tuple[Song, Job[Prepared]]] = deque()
        for song in songs:
            job = self.workers.submit_beside(prepare_song, song, self.outputs, method)
            self.analyzer.load()
            waiting.append((song, job))
            if len(waiting) > self.workers.count:
                yield self._prepared(*waiting.popleft())
        while waiting:
            yield self._prepared(*waiting.popleft())

    def _prepared(self, song: Song, job: Job[Prepared]) -> Work:
        self.on_progress(song, "decode", 0.0)
        work = Work(song)
        with catching(work):
            work.prepared = job.result()
            work.song = work.prepared.song
            work.analysis = work.prepared.analysis
            for stage in work.prepared.stages:
                self.timings.record(stage)
        return work

    def _analyze(self, works: Iterable[Work]) -> Iterator[Work]:
        """Everything that needs MLX; up to twice `batch_size` songs wait for others as long."""
        waiting: list[Work] = []
        for work in works:
            if work.prepared is None or not work.prepared.spectrogram:
                yield work
                continue
            self._look(work)
            if work.error or work.analysis is not None:
                yield work
                continue
            waiting.append(work)
            group = self._alike(waiting, work)
            if len(group) < self.batch_size and len(waiting) >= 2 * self.batch_size:
                group = self._alike(waiting, waiting[0])
            elif len(group) < self.batch_size:
                continue
            waiting = [other for other in waiting if other not in group]
            yield from self._predict(group)
        while waiting:
            group = self._alike(waiting, waiting[0])
            waiting = [other for other in waiting if other not in group]
            yield from self._predict(group)

    def _alike(self, waiting: list[Work], work: Work) -> list[Work]:
        """Songs that fit into one forward pass with this one, at most `batch_size`."""
        length = self._padded(work)
        return [w for w in waiting if self._padded(w) == length][: self.batch_size]

    def _padded(self, work: Work) -> int:
        values = _given(work.looked).spectrograms.values
        return self.analyzer.network.padded(values.shape[1])

    def _look(self, work: Work) -> None:
        """The song's spectrograms, new or kept."""
        prepared = _given(work.prepared)
        with catching(work):
            audio = _given(prepared.audio)
            report = self._report(work)
            work.looked = look_at(self.analyzer, prepared, audio, self.outputs, report)
            work.done_something = True
            if not self.outputs.sonify:
                work.prepared = replace(prepared, audio=None)  # as songs may wait for others

    def _predict(self, group: list[Work]) -> Iterator[Work]:
        """One forward pass; where it fails for several songs, one for each."""
        with catching(group[0]):
            self._predict_group(group)
        if group[0].error and len(group) > 1:
            for work in group:
                work.error = ""
                yield from self._predict([work])
            return
        for work in group:
            if not work.error:
                self._write(work)
            _given(work.looked).discard()
            work.looked = None
            yield work
        mx.clear_cache()

    def _predict_group(self, group: list[Work]) -> None:
        def report(stage: str, fraction: float) -> None:
            for work in group:
                self.on_progress(work.song, stage, fraction)

        spectrograms = [_given(work.looked).spectrograms for work in group]
        predictions = self.analyzer.predict(
            spectrograms,
            embeddings=self.outputs.embeddings,
            on_progress=report,
            track=", ".join(work.song.path for work in group),
        )
        for work, looked, prediction in zip(group, spectrograms, predictions, strict=True):
            work.analysis = self.analyzer.conclude(
                prediction,
                looked,
                path=work.song.path,
                on_progress=self._report(work),
                keep_activations=self.outputs.activations,
            )

    def _write(self, work: Work) -> None:
        """The arrays, then the result, which says that all of it is there."""
        analysis = _given(work.analysis)
        with catching(work), self.timings.stage("write", track=work.song.path):
            backend = self.analyzer.source.backend
            write_arrays(analysis, work.song.name, self.outputs, spec_backend=backend)
            path = self.outputs.result(work.song.name)
            keep_edits = not self.outputs.overwrites("edits")
            analysis = replace_older(analysis, path, keep_edits=keep_edits)
            write_json(analysis, path)
            # Pictures and sound show what the file says, as they do when it is reused.
            work.analysis = replace(
                Analysis.from_json(path),
                warnings=analysis.warnings,
                activations=analysis.activations,
            )

    def _report(self, work: Work) -> Callable[[str, float], None]:
        def report(stage: str, fraction: float) -> None:
            self.on_progress(work.song, stage, fraction)

        return report


def _given(value: T | None) -> T:
    """What an earlier step has put there."""
    if value is None:
        raise ValueError("a step was left out")
    return value


def describe(analyzer: Analyzer) -> Method:
    """What decides whether a finished result is what this analyzer would find."""
    return Method(
        model=analyzer.model,
        demix=analyzer.demix,
        program=PROGRAM,
        spec_backend=analyzer.source.backend,
        stems_dir=analyzer.source.options.folder,
        stems_alone=analyzer.source.options.single_song,
    )
