"""One song at a time: the thread that computes.

MLX keeps its streams per thread, so the network is loaded and used by this thread only.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.envelope import measure_envelope
from allin1_mlx.errors import AllInOneError, Cancelled
from allin1_mlx.types import Analysis

from .songs import STAGES, Session, Song

if TYPE_CHECKING:
    from allin1_mlx.audio import Audio
    from allin1_mlx.pipeline import Analyzer

BLOCK = 1 << 18  # frames that are converted at a time

_log = logging.getLogger(__name__)


class Worker:
    """Analyses songs in the order in which they are submitted."""

    def __init__(self, load: Callable[[], Analyzer], *, max_minutes: float) -> None:
        """load: makes the analyser, once, in the worker's thread."""
        self._load = load
        self._analyzer: Analyzer | None = None
        self._max_seconds = max_minutes * 60
        self._waiting: queue.Queue[tuple[Session, Song] | None] = queue.Queue()
        self._current: Song | None = None
        self._thread = threading.Thread(target=self._run, name="analysis", daemon=True)
        self._thread.start()

    def submit(self, session: Session, song: Song) -> None:
        """Analyse a song, or decode it only where its analysis is there already."""
        session.change(song, state="queued")
        self._waiting.put((session, song))

    def close(self) -> None:
        """Stop what runs, forget what waits."""
        current = self._current
        if current is not None:
            current.cancelled.set()
        self._waiting.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (job := self._waiting.get()) is not None:
            session, song = job
            self._current = song
            self._finish(session, song)
            self._current = None

    def _finish(self, session: Session, song: Song) -> None:
        """Work on a song, and note how it ended."""
        try:
            self._work(session, song)
        except Cancelled:
            session.change(song, state="cancelled", message="")
        except AllInOneError as e:
            session.change(song, state="failed", message=str(e))
        except MemoryError:
            message = f"{song.name}: too long for this computer's memory; cut it into parts"
            session.change(song, state="failed", message=message)
        except Exception as e:  # the page must go on, and say what happened
            if song.cancelled.is_set():  # its files went with it
                session.change(song, state="cancelled", message="")
                return
            _log.exception("%s could not be analysed", song.name)
            message = f"{song.name}: unexpected fault: {type(e).__name__}: {e}"
            session.change(song, state="failed", message=message)
        if session.closed or session.find(song.id) is None:
            shutil.rmtree(song.folder, ignore_errors=True)  # what was written after it was removed

    def _work(self, session: Session, song: Song) -> None:
        from allin1_mlx.audio import load_audio

        def report(stage: str, fraction: float) -> None:
            if song.cancelled.is_set():
                raise Cancelled
            if stage in STAGES:
                text, begin, end = STAGES[stage]
                done = begin + (end - begin) * min(max(fraction, 0.0), 1.0)
                session.change(song, stage=text, fraction=max(done, song.fraction))

        report("start", 0.0)
        session.change(song, state="working")
        report("decode", 0.0)
        if song.source is None:
            raise AllInOneError(f"{song.name}: there is no sound to analyse; add the song's file")
        audio = load_audio(song.source, max_seconds=self._max_seconds)
        report("decode", 0.5)
        frames = write_sound(song, audio.samples)
        envelope = measure_envelope(audio.samples)
        report("decode", 1.0)
        analysis = song.analysis
        if analysis is None:
            analysis = self._analyze(song, audio, report)
        report("sections", 1.0)
        session.change(
            song,
            state="done",
            analysis=analysis,
            envelope=envelope,
            frames=frames,
            warnings=audio.warnings,
            message="",
            revision=song.revision + 1,
        )

    def _analyze(self, song: Song, audio: Audio, report: Callable[[str, float], None]) -> Analysis:
        if self._analyzer is None:
            self._analyzer = self._load()
        return self._analyzer.analyze(
            audio, path=song.name, on_progress=report, keep_activations=True
        )


def write_sound(song: Song, samples: NDArray[np.float32]) -> int:
    """Write the song as the player reads it; gives its length in frames.  samples: (2, S)."""
    with song.sound.open("wb") as file:
        for first in range(0, samples.shape[1], BLOCK):
            block = samples[:, first : first + BLOCK]
            file.write(np.rint(block.clip(-1, 1).T * 32767).astype("<i2").tobytes())
    return samples.shape[1]
