"""The sessions of all users or tabs, and the session of each tab."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from allin1_mlx.errors import AllInOneError

from .library import owner_folder
from .song import Song
from .songs import Session

MOST_SESSIONS = 500


class Sessions:
    """The sessions of all users or tabs."""

    def __init__(
        self,
        folder: Path,
        library: Path | None = None,
        *,
        resume: Callable[[Session], None] = lambda session: None,
    ) -> None:
        """folder: temporary files. library: where songs are kept; None to delete them with their
        tab. resume: called with a session of the library when it is first opened.
        """
        self.folder = folder
        self.library = library
        self._resume = resume
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._closed = False

    def open(self, tab: str, user: str = "") -> Session:
        """Return the session of a tab, which is made if needed. tab: Gradio's session hash."""
        with self._lock:
            return self._open(tab if self.library is None else user, user)

    def close(self, tab: str) -> None:
        """End a tab's session, unless its songs are kept."""
        if self.library is not None:
            return
        with self._lock:
            session = self._sessions.pop(tab, None)
        if session is not None:
            session.close()

    @property
    def idle(self) -> bool:
        """Whether no song is queued or being analysed and, without a library, no page has songs."""
        with self._lock:
            sessions = list(self._sessions.values())
        songs = [song for session in sessions for song in session.songs()]
        return not songs if self.library is None else all(song.finished for song in songs)

    def close_all(self) -> None:
        """End all of them."""
        with self._lock:
            self._closed = True
            sessions = list(self._sessions.values())
            self._sessions.clear()
        for session in sessions:
            session.close()

    def find_session(self, session_id: str, user: str | None = None) -> Session | None:
        """Return the session with this identifier in its URLs, or None.

        user: the owner of the session; None for any.
        """
        return next((s for s in self._of(user) if s.id == session_id), None)

    def find_song(self, song_id: str, user: str | None = None) -> tuple[Session, Song] | None:
        """Return the song with this identifier in its URLs and its session, or None.

        user: the owner of the song; None for any.
        """
        for session in self._of(user):
            song = session.find(song_id)
            if song is not None:
                return session, song
        return None

    def _of(self, user: str | None) -> list[Session]:
        with self._lock:
            if self.library is not None and user is not None and not self._closed:
                return [self._open(user, user)]  # perhaps not requested since a restart
            return [s for s in self._sessions.values() if user in (None, s.user)]

    def _make_room(self) -> None:
        """Forget the oldest session without songs if there are MOST_SESSIONS.

        Raises AllInOneError if all have songs.
        """
        if len(self._sessions) < MOST_SESSIONS:
            return
        idle = next((key for key, s in self._sessions.items() if not s.songs()), None)
        if idle is None:
            raise AllInOneError(f"{MOST_SESSIONS} pages with songs are open; close one first")
        self._sessions.pop(idle).close()

    def _open(self, key: str, user: str) -> Session:
        if key not in self._sessions:
            self._make_room()
            home = None if self.library is None else owner_folder(self.library, user)
            folder = self.folder / secrets.token_hex(8)
            self._sessions[key] = session = Session(folder, home=home, user=user)
            self._resume(session)
        return self._sessions[key]
