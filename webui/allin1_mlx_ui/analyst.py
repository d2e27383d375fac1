"""The process that analyses songs, and the server's side of it.

One layer of a network can take seconds on a slow computer, and only the end of the process can
interrupt it. A separate process can be stopped at once, does not slow down the page, and returns
all its memory. If it crashes, the server continues.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from allin1_mlx.analysis import Analysis
from allin1_mlx.batch.workers import deaf_to_interrupts
from allin1_mlx.display.pictures.envelope import Envelope
from allin1_mlx.errors import AllInOneError, AudioError, Cancelled

from .choice import Choice

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from allin1_mlx.demix.features import Block
    from allin1_mlx.pipeline import Analyzer

    Load = Callable[[Choice], Analyzer]

LENIENCE = 0.3  # seconds that a cancelled task has to stop by itself
LOOK = 0.05  # seconds between two checks for a cancellation

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """Decode `source` and write it to `sound` in the player's format.

    choice: the model and the stem method of the analysis; None to decode only.
    """

    name: str
    source: Path
    sound: Path
    choice: Choice | None
    max_seconds: float


@dataclass(frozen=True)
class TaskResult:
    """The outcome of a task.

    frames: length of the sound. analysis: None if the task was only to decode. notice: the chosen
    model and the reason.
    """

    analysis: Analysis | None
    envelope: Envelope | None
    frames: int
    sha256: str
    warnings: tuple[str, ...]
    notice: str = ""


@dataclass(frozen=True)
class _StageReport:
    stage: str
    fraction: float


@dataclass(frozen=True)
class _Failure:
    kind: Literal["unreadable", "refused", "cancelled", "memory", "fault"]
    message: str


class Analyst:
    """Runs one task at a time in a process that starts with the first task."""

    def __init__(self, load: Load | None = None, choice: Choice | None = None) -> None:
        """load: makes the analyser in that process, so it must be importable there; None to decode
        only.

        choice: the analyser to make first, so that it is ready for the first song.
        """
        self._load = load
        self._choice = choice
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._worked = False

    def start(self) -> Connection:
        """Start the process if it does not run. It loads the network at once."""
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        self.close()
        context = multiprocessing.get_context("spawn")  # threads and MLX do not survive a fork
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._load, self._choice), name="analyst", daemon=True
        )
        with deaf_to_interrupts():  # Ctrl-C is for the server, which ends this process
            self._process.start()
        theirs.close()
        return self._pipe

    def work(
        self,
        task: Task,
        *,
        report: Callable[[str, float], None],
        cancelled: threading.Event,
    ) -> TaskResult:
        """Run a task.

        report: called with the stage and its finished fraction.
        Raises Cancelled within a second after `cancelled` is set, AllInOneError with a line for the
        user.
        """
        self._choice = task.choice or self._choice
        pipe = self.start()
        self._worked = True
        deadline = None
        try:
            pipe.send(task)
            while True:
                if cancelled.is_set() and deadline is None:
                    deadline = time.monotonic() + LENIENCE
                    pipe.send(None)
                if deadline is not None and time.monotonic() > deadline:
                    self.close()
                    raise Cancelled
                if not pipe.poll(LOOK):
                    continue
                answer = pipe.recv()
                if isinstance(answer, TaskResult):
                    return answer
                if isinstance(answer, _Failure):
                    raise _error(answer, task)
                if deadline is None:
                    report(answer.stage, answer.fraction)
        except (EOFError, OSError) as e:
            self.close()
            if cancelled.is_set():
                raise Cancelled from e
            raise AllInOneError(
                f"{task.name}: the process was ended by the system, perhaps for lack of memory; "
                "close other programs or cut the song into parts"
            ) from e

    def prepare(self) -> None:
        """Start the process early if it has a network to load."""
        if self._load is not None:
            self.start()

    def renew(self) -> None:
        """Restart the process if it has run any task, so that the system gets its memory back."""
        if self._worked:
            self.close()
            self.prepare()

    def close(self) -> None:
        """End the process, even if it is working."""
        self._worked = False
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def _error(failure: _Failure, task: Task) -> Exception:
    if failure.kind == "cancelled":
        return Cancelled()
    if failure.kind == "memory":
        text = "too long for this computer's memory; cut it into parts"
        return AllInOneError(f"{task.name}: {text}")
    if failure.kind == "fault":
        _log.error("%s could not be analysed:\n%s", task.name, failure.message)
        last = failure.message.strip().splitlines()[-1]
        return AllInOneError(f"{task.name}: unexpected fault: {last}")
    if failure.kind == "unreadable":
        return AudioError(failure.message)
    return AllInOneError(failure.message)


class _Shelf:
    """Keeps the analyser that was used last."""

    def __init__(self, load: Load | None) -> None:
        self._load = load
        self._held: tuple[Choice, Analyzer] | None = None

    def take(self, choice: Choice) -> Analyzer:
        """Return the analyser of a choice. Only one is in memory at a time."""
        if self._load is None:
            raise AllInOneError("this process decodes only")
        if self._held is None or self._held[0] != choice:
            self._held = None
            self._held = (choice, self._load(choice))
        return self._held[1]


def _serve(pipe: Connection, load: Load | None, choice: Choice | None) -> None:
    """The main loop of the process: receive tasks, send progress and outcomes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # also on Windows
    shelf = _Shelf(load)
    if choice is not None:
        with suppress(AllInOneError):  # the first song that needs the network reports the error
            shelf.take(choice)
    while True:
        try:
            task = pipe.recv()
        except EOFError:  # the server is gone
            return
        if task is None:  # cancelled after it had finished
            continue
        pipe.send(_attempt(pipe, shelf, task))


def _attempt(pipe: Connection, shelf: _Shelf, task: Task) -> TaskResult | _Failure:
    import traceback

    def report(stage: str, fraction: float) -> None:
        if pipe.poll():
            raise Cancelled
        pipe.send(_StageReport(stage, fraction))

    try:
        return _work(shelf, task, report)
    except Cancelled:
        pipe.recv()
        return _Failure("cancelled", "")
    except AudioError as e:
        return _Failure("unreadable", str(e))
    except AllInOneError as e:
        return _Failure("refused", str(e))
    except MemoryError:
        return _Failure("memory", "")
    except Exception:  # the server shows and logs it, and the next song goes on
        return _Failure("fault", traceback.format_exc())


def _work(shelf: _Shelf, task: Task, report: Callable[[str, float], None]) -> TaskResult:
    from allin1_mlx.demix.features import FeatureOptions, extract_features, report_progress

    analyzer = None if task.choice is None else shelf.take(task.choice)
    needed = FeatureOptions(0) if analyzer is None else analyzer.feature_options
    report("decode", 0.0)
    features = extract_features(
        task.source,
        replace(needed, envelope=True),
        max_seconds=task.max_seconds,
        through=lambda blocks, expected: report_progress(
            report, write_sound(task.sound, blocks), expected
        ),
    )
    info, envelope = features.info, features.envelope
    if analyzer is None:
        return TaskResult(None, envelope, info.frames, info.sha256, info.warnings)
    analysis = analyzer.analyze(features, path=task.name, on_progress=report, keep_activations=True)
    return TaskResult(analysis, envelope, info.frames, info.sha256, info.warnings, analyzer.notice)


def write_sound(path: Path, blocks: Iterator[Block]) -> Iterator[Block]:
    """Write blocks (n, 1) or (n, 2) that pass through as interleaved 16-bit stereo."""
    with path.open("wb") as file:
        for block in blocks:
            stereo = np.broadcast_to(block, (len(block), 2))
            file.write(np.rint(stereo.clip(-1, 1) * 32767).astype("<i2").tobytes())
            yield block
