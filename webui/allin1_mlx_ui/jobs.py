"""The queue of songs, and the threads that work through it, one song at a time each."""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from allin1_mlx.edits import carry_edits
from allin1_mlx.errors import AllInOneError, AudioError, Cancelled

from .analyst import Analyst, Task, TaskResult
from .choice import Choice, Choices
from .offers import progress
from .song import STAGE_TEXTS, Song
from .song_file import write_activations
from .songs import Session

_log = logging.getLogger(__name__)


class Lane:
    """A process that analyses, and the thread that gives it one song at a time."""

    def __init__(self, name: str, analyst: Analyst) -> None:
        self.analyst = analyst
        self._waiting: queue.Queue[Callable[[], object] | None] = queue.Queue()
        self._current: Song | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, song: Song, job: Callable[[], None]) -> None:
        """Queue a job of a song."""

        def run() -> None:
            self._current = song
            job()
            self._current = None

        self._waiting.put(run)

    def prepare(self) -> None:
        """Start the process before there is a job."""
        self._waiting.put(self.analyst.start)

    def tidy(self) -> None:
        """Free the memory that earlier songs used, unless a song is waiting."""
        self._waiting.put(self.analyst.renew)

    def close(self) -> None:
        """Stop the running song and forget the waiting ones."""
        current = self._current
        if current is not None:
            current.cancelled.set()
        self._waiting.put(None)
        self._thread.join(timeout=1)
        self.analyst.close()

    def _run(self) -> None:
        self.analyst.prepare()
        while (job := self._waiting.get()) is not None:
            job()


class Worker:
    """Analyses songs in the order in which they are submitted.

    Songs that only have to be decoded, because they are already analysed, do not wait for others.
    """

    def __init__(self, analyst: Analyst, choices: Choices, *, max_minutes: float) -> None:
        self._choices = choices
        self._max_seconds = max_minutes * 60
        self._analyses = Lane("analyses", analyst)
        self._sounds = Lane("sounds", Analyst())

    def submit(self, session: Session, song: Song) -> None:
        """Queue a song. It is analysed, or only decoded if it already has an analysis."""
        session.change(song, state="queued", stage="")
        is_heard_only = song.analysis is not None and not song.renewing
        lane = self._sounds if is_heard_only else self._analyses
        lane.put(song, partial(self._finish, session, song, lane.analyst))

    def resume(self, session: Session) -> None:
        """Queue the songs of a library that were unfinished when the server ended."""
        songs = session.songs()
        for song in songs:
            if song.state == "queued":
                self.submit(session, song)
        if songs:
            self._sounds.prepare()  # one of them will be opened

    def fetch_sound(self, session: Session, song: Song) -> None:
        """Decode a song of the library that was opened, unless its sound exists."""
        song.played = time.monotonic()
        with song.lock:
            if song.source is not None and song.state == "done" and not song.frames:
                song.cancelled.clear()
                self.submit(session, song)

    def tidy(self) -> None:
        """Free the memory that earlier songs used, unless a song is waiting."""
        self._analyses.tidy()
        self._sounds.tidy()

    def close(self) -> None:
        """Stop the running songs and forget the waiting ones."""
        self._analyses.close()
        self._sounds.close()

    def _finish(self, session: Session, song: Song, analyst: Analyst) -> None:
        """Work on one song and record the outcome."""
        try:
            self._work(session, song, analyst)
        except Cancelled:  # a repeated analysis: the first result stays
            if not session.closed:  # else it is queued again when the server starts
                state = "cancelled" if song.analysis is None else "done"
                session.change(song, state=state, message="", renewing="", begun=0)
        except AudioError as e:
            session.change(song, state="failed", message=str(e), hopeless=True, begun=0)
        except AllInOneError as e:
            session.change(song, state="failed", message=str(e), begun=0)
        except Exception as e:  # the other songs must go on, and the user must see it
            _log.exception("%s could not be analysed", song.name)
            message = f"{song.name}: unexpected fault: {type(e).__name__}: {e}"
            session.change(song, state="failed", message=message, begun=0)
        if session.closed or session.find(song.id) is None:
            shutil.rmtree(song.folder, ignore_errors=True)  # the song was removed

    def _work(self, session: Session, song: Song, analyst: Analyst) -> None:
        if song.cancelled.is_set():
            raise Cancelled
        if song.source is None:
            raise AllInOneError(f"{song.name}: there is no sound to analyse; add the song's file")

        def report(stage: str, fraction: float) -> None:
            if stage in STAGE_TEXTS:
                text, begin, end = STAGE_TEXTS[stage]
                done = begin + (end - begin) * min(max(fraction, 0.0), 1.0)
                session.change(song, stage=text, fraction=max(done, song.fraction))

        choice = None
        if song.analysis is None or song.renewing:
            choice = self._settle(session, song)
            session.change(song, begun=song.begun + 1)
        elif song.frames:  # it was requested twice
            session.change(song, state="done")
            return
        session.change(song, state="working", fraction=0.0)
        report("start", 0.0)
        task = Task(
            name=song.name,
            source=song.source,
            sound=song.folder / "sound.new",  # the player may be reading the existing file
            choice=choice,
            max_seconds=self._max_seconds,
        )
        outcome = analyst.work(task, report=report, cancelled=song.cancelled)
        if song.cancelled.is_set():  # the song may have been removed with its folder
            raise Cancelled
        task.sound.replace(song.sound)
        if outcome.analysis is not None and outcome.analysis.activations is not None:
            activations = outcome.analysis.activations
            session.save(song, lambda song: write_activations(song, activations))
        session.revise(song, partial(_conclude, outcome=outcome))
        session.make_room(song)

    def _settle(self, session: Session, song: Song) -> Choice:
        """Return the choice for a song, after waiting for a running download."""
        choice = self._choices.wait(
            song.cancelled, report=lambda delivery: session.change(song, stage=progress(delivery))
        )
        if missing := self._choices.missing(choice):
            names = " and ".join(missing)
            raise AllInOneError(
                f"{song.name}: {names} is not on this computer; download it under Analysis model, "
                "or choose another model there"
            )
        return choice


def _conclude(song: Song, *, outcome: TaskResult) -> dict[str, Any]:
    """Return the new fields of a song. Corrections made during the analysis are kept."""
    fields: dict[str, Any] = {}
    is_wanted = song.analysis is None or song.renewing  # or a result was opened
    if outcome.analysis is not None and is_wanted:
        analysis = replace(outcome.analysis, activations=None)  # they are in a file
        if song.analysis is not None and song.renewing == "keep":
            analysis = carry_edits(song.analysis, analysis)
        fields = {"analysis": analysis, "undone": (), "notice": outcome.notice}
    return fields | {
        "state": "done",
        "fraction": 1.0,
        "renewing": "",
        "begun": 0,
        "envelope": outcome.envelope,
        "frames": outcome.frames,
        "warnings": (*outcome.warnings, *_mismatch(song, outcome)),
        "message": "",
        "revision": song.revision + 1,
    }


def _mismatch(song: Song, outcome: TaskResult) -> list[str]:
    """Return a warning if an opened result was made from another file than the song's sound."""
    made_from = None if song.analysis is None else song.analysis.audio_sha256
    if made_from is None or made_from == outcome.sha256:
        return []
    return [f"{song.name}: this sound is not the file that the result was made from."]
