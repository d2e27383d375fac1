"""The queue of songs, and the thread that works through it one song at a time."""

from __future__ import annotations

import logging
import queue
import shutil
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from allin1_mlx.edits import carry_edits
from allin1_mlx.errors import AllInOneError, AudioError, Cancelled

from .analyst import Analyst, Outcome, Task
from .choice import Choice, Choices
from .offers import progress
from .songs import STAGE_TEXTS, Session, Song

_log = logging.getLogger(__name__)


class Worker:
    """Analyses songs in the order in which they are submitted."""

    def __init__(self, analyst: Analyst, choices: Choices, *, max_minutes: float) -> None:
        self._analyst = analyst
        self._choices = choices
        self._max_seconds = max_minutes * 60
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._current: Song | None = None
        self._thread = threading.Thread(target=self._run, name="songs", daemon=True)
        self._thread.start()

    def submit(self, session: Session, song: Song) -> None:
        """Queue a song. It is analysed, or only decoded if it already has an analysis."""
        session.change(song, state="queued", stage="")
        self._waiting.put(partial(self._finish, session, song))

    def tidy(self) -> None:
        """Free the memory that earlier songs used, unless a song is waiting."""
        self._waiting.put(self._analyst.renew)

    def close(self) -> None:
        """Stop the running song and forget the waiting ones."""
        current = self._current
        if current is not None:
            current.cancelled.set()
        self._waiting.put(None)
        self._thread.join(timeout=1)
        self._analyst.close()

    def _run(self) -> None:
        self._analyst.start()  # so that it is ready when the first song comes
        while (job := self._waiting.get()) is not None:
            job()

    def _finish(self, session: Session, song: Song) -> None:
        """Work on one song and record how it ended."""
        self._current = song
        try:
            self._work(session, song)
        except Cancelled:  # of a second analysis: the first one stays
            state = "done" if song.renewing else "cancelled"
            session.change(song, state=state, message="", renewing="")
        except AudioError as e:
            session.change(song, state="failed", message=str(e), hopeless=True)
        except AllInOneError as e:
            session.change(song, state="failed", message=str(e))
        except Exception as e:  # the other songs must go on, and the user must see it
            _log.exception("%s could not be analysed", song.name)
            message = f"{song.name}: unexpected fault: {type(e).__name__}: {e}"
            session.change(song, state="failed", message=message)
        if session.closed or session.find(song.id) is None:
            shutil.rmtree(song.folder, ignore_errors=True)  # what was written after it was removed
        self._current = None

    def _work(self, session: Session, song: Song) -> None:
        if song.cancelled.is_set():
            raise Cancelled
        if song.source is None:
            raise AllInOneError(f"{song.name}: there is no sound to analyse; add the song's file")

        def report(stage: str, fraction: float) -> None:
            if stage in STAGE_TEXTS:
                text, begin, end = STAGE_TEXTS[stage]
                done = begin + (end - begin) * min(max(fraction, 0.0), 1.0)
                session.change(song, stage=text, fraction=max(done, song.fraction))

        wanted = song.analysis is None or song.renewing
        choice = self._settle(session, song) if wanted else None
        session.change(song, state="working", fraction=0.0)
        report("start", 0.0)
        task = Task(
            name=song.name,
            source=song.source,
            sound=song.folder / "sound.new",  # the player may be reading the one that is there
            choice=choice,
            max_seconds=self._max_seconds,
        )
        outcome = self._analyst.work(task, report=report, cancelled=song.cancelled)
        if song.cancelled.is_set():  # removed, perhaps, and its folder with it
            raise Cancelled
        task.sound.replace(song.sound)
        session.revise(song, partial(_conclude, outcome=outcome))

    def _settle(self, session: Session, song: Song) -> Choice:
        """Returns the choice for a song, after waiting for a running download."""
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


def _conclude(song: Song, *, outcome: Outcome) -> dict[str, Any]:
    """Returns the new fields of a song. Corrections made during the analysis are kept."""
    analysis = outcome.analysis or song.analysis
    if outcome.analysis is not None and song.analysis is not None and song.renewing == "keep":
        analysis = carry_edits(song.analysis, outcome.analysis)
    return {
        "state": "done",
        "fraction": 1.0,
        "analysis": analysis,
        "undone": (),
        "renewing": "",
        "envelope": outcome.envelope,
        "frames": outcome.frames,
        "warnings": (*outcome.warnings, *_mismatch(song, outcome)),
        "notice": outcome.notice,
        "message": "",
        "revision": song.revision + 1,
    }


def _mismatch(song: Song, outcome: Outcome) -> list[str]:
    """Returns a warning if an opened result was made from another file than its sound."""
    made_from = None if song.analysis is None else song.analysis.audio_sha256
    if made_from is None or made_from == outcome.sha256:
        return []
    return [f"{song.name}: this sound is not the file that the result was made from."]
