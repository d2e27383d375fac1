"""The last step of a batch: pictures by other processes, sound by a thread.

analysed songs -> pictures, sonifications, files for other programs -> outcomes
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from .faults import catching
from .outputs import Outputs
from .prepare import needs_picture, needs_sonification, picture_origin, sonification_origin
from .results import draw_picture, write_exports, write_sonification
from .work import Outcome, Work
from .workers import Job, Workers


class Finishing:
    """What is made from results, while the songs after them are analysed."""

    def __init__(self, outputs: Outputs, workers: Workers, writer: ThreadPoolExecutor) -> None:
        self.outputs = outputs
        self.workers = workers
        self.writer = writer

    def run(self, works: Iterable[Work]) -> Iterator[Outcome]:
        """Outcomes in the order of the works, a few songs behind."""
        waiting: deque[tuple[Work, list[Job[None] | Future[None]]]] = deque()
        for work in works:
            waiting.append((work, self._start(work)))
            while waiting and (
                len(waiting) > max(self.workers.count, 1) or _are_done(waiting[0][1])
            ):
                yield self._finished(*waiting.popleft())
        while waiting:
            yield self._finished(*waiting.popleft())

    def _start(self, work: Work) -> list[Job[None] | Future[None]]:
        """Have what is missing made; the files for other programs are written at once."""
        jobs: list[Job[None] | Future[None]] = []
        if work.error or work.prepared is None or work.analysis is None:
            return jobs
        with catching(work):
            prepared, song, outputs = work.prepared, work.song, self.outputs
            write_exports(work.analysis, song, outputs)
            if needs_picture(song, outputs):
                path, origin = outputs.picture(song.name), picture_origin(song, outputs)
                picture = (work.analysis, prepared.envelope, path, origin)
                jobs.append(self.workers.submit(draw_picture, *picture))
            if needs_sonification(song, outputs) and prepared.audio is not None:
                path = outputs.sonification(song.name, song.path)
                origin = sonification_origin(song, outputs)
                sound = (prepared.audio.samples, work.analysis, path, origin)
                jobs.append(self.writer.submit(write_sonification, *sound))
        work.done_something = work.done_something or bool(jobs)
        work.prepared = None  # the sound is with those who need it
        return jobs

    def _finished(self, work: Work, jobs: list[Job[None] | Future[None]]) -> Outcome:
        for job in jobs:
            with catching(work):
                job.result()
        return Outcome(
            work.song,
            None if work.analysis is None else self.outputs.result(work.song.name),
            work.analysis,
            work.error,
            reused=not (work.done_something or work.error),
        )


def _are_done(jobs: Iterable[Job[None] | Future[None]]) -> bool:
    return all(job.done() for job in jobs)
