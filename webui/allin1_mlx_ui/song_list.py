"""The list of songs, and its buttons: cancel, try again, analyse again, remove."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from .jobs import Worker
from .script import MANY, draw
from .songs import Session, Sessions, Song


class SongList:
    """The list as the page shows it. The songs themselves live in the session."""

    def __init__(self, sessions: Sessions, worker: Worker) -> None:
        self.sessions = sessions
        self.worker = worker
        self.element = draw(
            "songs",
            "songs",
            *("follow", "cancel", "remove", "retry", "renew"),
            value={"songs": []},
            elem_id="songs",
        )

    def connect(self) -> None:
        """Carry out what the buttons ask for."""
        element = self.element
        element.follow(self._follow, None, element, **MANY)
        self.follow(element.cancel(self._cancel, None, None, **MANY))
        self.follow(element.remove(self._remove, None, None, **MANY))
        self.follow(element.retry(self._retry, None, None, **MANY))
        self.follow(element.renew(self._renew, None, None, **MANY))

    def follow(self, event: Any) -> None:
        """Keep the list up to date after an event, until all songs are finished."""
        event.then(self._follow, None, self.element, **MANY)

    def _find(self, event: gr.EventData, request: gr.Request) -> tuple[Session, Song | None]:
        session = self.sessions.open(str(request.session_hash))
        return session, session.find(str(getattr(event, "id", "")))

    def _follow(self, request: gr.Request) -> Iterator[dict[str, Any]]:
        yield from self.sessions.open(str(request.session_hash)).follow()

    def _cancel(self, event: gr.EventData, request: gr.Request) -> None:
        session, song = self._find(event, request)
        if song is None:
            return
        song.cancelled.set()
        if song.state == "queued":
            session.change(song, state="cancelled")
        else:
            session.change(song, stage="Stopping")

    def _remove(self, event: gr.EventData, request: gr.Request) -> None:
        session, song = self._find(event, request)
        if song is not None:
            session.remove(song)

    def _retry(self, event: gr.EventData, request: gr.Request) -> None:
        session, song = self._find(event, request)
        if song is not None and song.finished:
            song.cancelled.clear()
            song.fraction = 0.0
            self.worker.submit(session, song)

    def _renew(self, event: gr.EventData, request: gr.Request) -> None:
        session, song = self._find(event, request)
        if song is not None and song.finished and song.source is not None:
            song.cancelled.clear()
            keep = getattr(event, "keep", True) is not False
            session.change(song, renewing="keep" if keep else "drop")
            self.worker.submit(session, song)
