"""Analyse a batch on workers of a Ray cluster, each with its own analyzer.

Needs the extra `ray`. If RAY_ADDRESS names a running cluster, it is used. Otherwise a cluster is
started on this machine and stopped after the work. All machines must have the inputs, the output
folders and the weights under the same paths.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..errors import AllInOneError, UsageError
from ..files import printable_name
from ..pipeline import Analyzer
from .naming import InputSong
from .outputs import Outputs
from .songs import analyze_songs
from .stages import Outcome

MakeAnalyzer = Callable[[], Analyzer]

ATTEMPTS = 2  # attempts with a song whose worker dies, because the song need not be the cause


class SongAnalyzer:
    """A worker of the cluster. It loads its network once and analyses one song after the other."""

    def __init__(self, make_analyzer: MakeAnalyzer, outputs: Outputs) -> None:
        self._analyzer: Analyzer | None = None
        self._fault: AllInOneError | None = None
        self._outputs = outputs
        try:
            self._analyzer = make_analyzer()
        except AllInOneError as e:
            self._fault = e  # raised here, it would only be reported as a dead worker

    def analyze(self, song: InputSong) -> Outcome:
        """Analyse one song. Its error is part of the outcome; errors of loading the network are
        raised.
        """
        if self._analyzer is None:
            raise self._fault or AllInOneError("no network was loaded")
        [outcome] = analyze_songs([song], self._analyzer, self._outputs)
        return outcome


def analyze_on_ray(
    songs: Iterable[InputSong],
    make_analyzer: MakeAnalyzer,
    outputs: Outputs,
    *,
    workers: int | None = None,
) -> Iterator[Outcome]:
    """Analyse songs on workers of a Ray cluster. Outcomes come in the order in which they finish.

    make_analyzer: called once in each worker; its paths must be absolute. workers: their number; by
    default one per GPU of the cluster, or without GPUs one per four cores. Raises UsageError if Ray
    is not installed, and the errors of make_analyzer.
    """
    try:
        import ray
    except ImportError as e:
        raise UsageError(
            "Ray is not installed: pip install 'allin1-mlx-ui[ray]'", about="ray"
        ) from e
    ours = not ray.is_initialized()
    if ours:
        ray.init(log_to_driver=False, configure_logging=False, include_dashboard=False)
    try:
        yield from Pool(ray, make_analyzer, outputs, workers).run(songs)
    finally:
        if ours:
            ray.shutdown()


class Pool:
    """The workers of a cluster, and the song that each of them analyses."""

    def __init__(
        self, ray: Any, make_analyzer: MakeAnalyzer, outputs: Outputs, workers: int | None
    ) -> None:
        resources = ray.cluster_resources()
        gpus, cores = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
        count = workers or gpus or max(cores // 4, 1)
        needs = {"num_gpus": gpus / count} if 0 < gpus <= count else {}
        needs = {"num_gpus": 1} if gpus > count else needs
        self._ray = ray
        self._worker = ray.remote(SongAnalyzer).options(num_cpus=min(1, cores / count), **needs)
        self._arguments = (make_analyzer, outputs.absolute())
        self._outputs = outputs
        self._idle = [self._worker.remote(*self._arguments) for _ in range(count)]
        self._busy: dict[Any, tuple[Any, InputSong, int]] = {}

    def run(self, songs: Iterable[InputSong]) -> Iterator[Outcome]:
        """Give each worker one song at a time."""
        again: deque[tuple[InputSong, int]] = deque()
        rest = iter(songs)
        while True:
            while self._idle:
                song, attempt = again.popleft() if again else (next(rest, None), 1)
                if song is None:
                    break
                song = replace(song, located=os.path.abspath(song.path))
                worker = self._idle.pop()
                self._busy[worker.analyze.remote(song)] = (worker, song, attempt)
            if not self._busy:
                return
            [ended], _ = self._ray.wait(list(self._busy), num_returns=1)
            worker, song, attempt = self._busy.pop(ended)
            try:
                outcome = self._ray.get(ended)
            except self._ray.exceptions.RayTaskError as e:
                if isinstance(e.cause, AllInOneError):
                    raise e.cause from None
                self._idle.append(worker)
                name = printable_name(song.path)
                yield Outcome(song, error=f"{name}: unexpected fault: {e.cause!r}")
                continue
            except self._ray.exceptions.ActorDiedError:
                self._idle.append(self._worker.remote(*self._arguments))
                if attempt < ATTEMPTS:
                    again.append((song, attempt + 1))
                    continue
                name = printable_name(song.path)
                yield Outcome(song, error=f"{name}: the worker that analysed it was killed")
                continue
            self._idle.append(worker)
            result = outcome.result and self._outputs.result(outcome.song.name)
            yield replace(outcome, result=result)
