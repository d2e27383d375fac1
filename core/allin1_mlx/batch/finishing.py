"""The last stage: exports here, pictures in other processes, sonifications in a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from .outputs import Outputs
from .plan import (
    export_origin,
    needs_picture,
    needs_sonification,
    picture_origin,
    result_origin,
)
from .results import draw_picture, write_exports, write_sonification
from .stages import Analysed, Outcome, attempt
from .workers import Job, Workers

Jobs = list["Job[None] | Future[None]"]


@dataclass(frozen=True)
class _Pending:
    """An outcome whose last files are still being made."""

    outcome: Outcome
    jobs: Jobs

    @property
    def is_done(self) -> bool:
        return all(job.done() for job in self.jobs)

    def wait(self) -> Outcome:
        """The outcome, with the error of the last file that failed."""
        outcome = self.outcome
        for job in self.jobs:
            failed = attempt(outcome.song, job.result)
            if failed is not None:
                outcome = _fail(outcome, failed)
        return outcome


class Finishing:
    """Makes files from results while the next songs are analysed."""

    def __init__(self, outputs: Outputs, workers: Workers, writer: ThreadPoolExecutor) -> None:
        self.outputs = outputs
        self.workers = workers
        self.writer = writer

    def run(self, songs: Iterable[Analysed | Outcome]) -> Iterator[Outcome]:
        """Yield outcomes in the order of the songs, a few songs behind."""
        waiting: deque[_Pending] = deque()
        for song in songs:
            waiting.append(self._start(song))
            while waiting and (len(waiting) > max(self.workers.count, 1) or waiting[0].is_done):
                yield waiting.popleft().wait()
        while waiting:
            yield waiting.popleft().wait()

    def _start(self, song: Analysed | Outcome) -> _Pending:
        """Start to make missing files. Exports are written at once."""
        if isinstance(song, Outcome):
            return _Pending(song, [])
        result = self.outputs.result(song.song.name)
        outcome = Outcome(song.song, result, song.analysis, reused=not song.changed)
        jobs: Jobs = []
        failed = attempt(song.song, lambda: self._submit(song, jobs))
        if failed is not None:
            outcome = _fail(outcome, failed)
        if jobs:
            outcome = Outcome(outcome.song, result, outcome.analysis, outcome.error)
        return _Pending(outcome, jobs)

    def _submit(self, analysed: Analysed, jobs: Jobs) -> None:
        """Write exports, and add work for other processes to `jobs`."""
        song, analysis, outputs = analysed.song, analysed.analysis, self.outputs
        if outputs.exports:
            write_exports(analysis, song, outputs, export_origin(song, outputs))
        if needs_picture(song, outputs):
            origin = picture_origin(song, outputs)
            picture = (analysis, analysed.envelope, outputs.picture(song.name), origin)
            if outputs.with_sound and analysed.samples is not None:
                jobs.append(self.writer.submit(draw_picture, *picture, analysed.samples))
            else:
                jobs.append(self.workers.submit(draw_picture, *picture))
        if needs_sonification(song, outputs) and analysed.samples is not None:
            path, origin = outputs.sonification(song.name, song.path), result_origin(song, outputs)
            sound = (analysed.samples, analysis, path, origin)
            jobs.append(self.writer.submit(write_sonification, *sound))


def _fail(outcome: Outcome, failed: Outcome) -> Outcome:
    """The outcome with the error of the step that failed."""
    return Outcome(outcome.song, outcome.result, outcome.analysis, failed.error)
