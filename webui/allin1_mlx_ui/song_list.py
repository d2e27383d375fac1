"""The list of songs, and its buttons: cancel, try again, analyse again, remove, restore."""

from __future__ import annotations

from typing import Any

import gradio as gr

from .guard import find_user
from .jobs import Worker
from .script import MANY, draw, read_event
from .sessions import Sessions
from .song import Song
from .songs import Session


class SongList:
    """The list on the page. The songs themselves are in the session.

    The page's script reads the list from a separate address. Each button's event names songs by
    `ids`.
    """

    def __init__(self, sessions: Sessions, worker: Worker, *, place: str) -> None:
        """place: where songs are kept and how to delete them, in one sentence."""
        self.sessions = sessions
        self.worker = worker
        self.element = draw(
            "songs",
            "songs",
            *("enter", "cancel", "remove", "restore", "purge", "retry", "renew"),
            value={"session": "", "place": place},
            elem_id="songs",
        )
        self._place = place

    def connect(self) -> None:
        """Connect the buttons' events."""
        element = self.element
        element.enter(self._enter, None, element, **MANY)
        element.cancel(self._cancel, None, None, **MANY)
        element.remove(self._remove, None, None, **MANY)
        element.restore(self._restore, None, None, **MANY)
        element.purge(self._purge, None, None, **MANY)
        element.retry(self._retry, None, None, **MANY)
        element.renew(self._renew, None, None, **MANY)

    def _enter(self, request: gr.Request) -> dict[str, Any]:
        return {"session": open_session(self.sessions, request).id, "place": self._place}

    def _find(self, event: gr.EventData, request: gr.Request) -> tuple[Session, list[Song]]:
        """Return the session and the songs that an event names."""
        session = open_session(self.sessions, request)
        found = [session.find(song_id) for song_id in _ids(event)]
        return session, [song for song in found if song is not None]

    def _find_removed(self, event: gr.EventData, request: gr.Request) -> tuple[Session, list[Song]]:
        session = open_session(self.sessions, request)
        found = [session.find_removed(song_id) for song_id in _ids(event)]
        return session, [song for song in found if song is not None]

    def _cancel(self, event: gr.EventData, request: gr.Request) -> None:
        session, songs = self._find(event, request)
        for song in songs:
            song.cancelled.set()
            if song.state == "queued":
                state = "cancelled" if song.summarize() is None else "done"
                session.change(song, state=state, renewing="")
            elif song.state == "working":
                session.change(song, stage="Stopping")

    def _remove(self, event: gr.EventData, request: gr.Request) -> None:
        session, songs = self._find(event, request)
        for song in songs:
            session.remove(song)

    def _restore(self, event: gr.EventData, request: gr.Request) -> None:
        session, songs = self._find_removed(event, request)
        for song in songs:
            session.restore(song)

    def _purge(self, event: gr.EventData, request: gr.Request) -> None:
        session, songs = self._find_removed(event, request)
        for song in songs:
            session.delete(song)

    def _retry(self, event: gr.EventData, request: gr.Request) -> None:
        session, songs = self._find(event, request)
        for song in songs:
            if song.finished:
                song.cancelled.clear()
                song.fraction = 0.0
                self.worker.submit(session, song)

    def _renew(self, event: gr.EventData, request: gr.Request) -> None:
        session, songs = self._find(event, request)
        keep = read_event(event).get("keep", True) is not False
        for song in songs:
            if song.finished and song.source is not None:
                song.cancelled.clear()
                session.change(song, renewing="keep" if keep else "drop")
                self.worker.submit(session, song)


def open_session(sessions: Sessions, request: gr.Request) -> Session:
    """Return the session of the tab that sent a request."""
    user = "" if request.request is None else find_user(request.request)
    return sessions.open(str(request.session_hash), user)


def _ids(event: gr.EventData) -> list[str]:
    ids = read_event(event).get("ids", [])
    return [str(song_id) for song_id in ids] if isinstance(ids, list) else []
