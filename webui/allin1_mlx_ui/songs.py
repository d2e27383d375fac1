"""The songs on a page, and the page's session that owns them.

A session is one open tab. Its files lie in a separate folder, which is removed when the tab is
closed. Identifiers in URLs cannot be guessed, so that one session never reaches
another's songs. Any thread may read and change a song; changes wake those who wait for them.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pictures.envelope import Envelope
from allin1_mlx.errors import AllInOneError
from allin1_mlx.types import Edit, find_bpm, find_duration

MOST_SESSIONS = 500  # open pages

State = Literal["queued", "working", "done", "failed", "cancelled"]

# Text shown during a stage, and the shares of the whole at which it begins and ends.
STAGE_TEXTS: dict[str, tuple[str, float, float]] = {
    "start": ("Warming up", 0.0, 0.02),
    "decode": ("Reading the song", 0.02, 0.12),
    "separation": ("Taking the song apart", 0.12, 0.3),
    "stems": ("Taking the song apart", 0.12, 0.3),
    "network": ("Listening for beats and sections", 0.3, 0.88),
    "beats": ("Placing the beats", 0.88, 0.97),
    "sections": ("Naming the sections", 0.97, 1.0),
}


@dataclass(eq=False)
class Song:
    """One song of a session.

    source: the file to analyse, None where only a result was opened.
    frames: length of `sound`, the decoded song as 16-bit stereo; 0 where there is none.
    revision: goes up with each change that the page must redraw.
    undone: corrections that can be redone, the latest last.
    renewing: "keep" or "drop" its corrections when it is analysed again; "" if it is not.
    number: 2 of the second song of its name, and so on.
    hopeless: whether its file cannot be read, so that trying again is useless.
    digest: SHA-256 of the file that it came from, "" where that is not known.
    """

    name: str
    folder: Path
    source: Path | None = None
    analysis: Analysis | None = None
    envelope: Envelope | None = None
    frames: int = 0
    state: State = "queued"
    stage: str = ""
    fraction: float = 0.0
    message: str = ""
    warnings: tuple[str, ...] = ()
    notice: str = ""  # which model analysed it, and why that one
    revision: int = 0
    undone: tuple[Edit, ...] = ()
    renewing: Literal["", "keep", "drop"] = ""
    number: int = 1
    hopeless: bool = False
    digest: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def sound(self) -> Path:
        """The decoded song: 16-bit little-endian samples, left and right in turn."""
        return self.folder / "sound.pcm"

    @property
    def title(self) -> str:
        """Its name, with a number after it if another song has the same name."""
        return self.name if self.number == 1 else f"{self.name} ({self.number})"

    @property
    def finished(self) -> bool:
        """Whether it is neither queued nor being worked on."""
        return self.state in ("done", "failed", "cancelled")

    def to_dict(self) -> dict[str, Any]:
        """Returns its line in the list of songs."""
        found = self.analysis
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "state": self.state,
            "stage": self.stage,
            "fraction": round(self.fraction, 3),
            "message": self.message,
            "warnings": list(self.warnings),
            "ready": found is not None,
            "retriable": self.source is not None and not self.hopeless,
            "revision": self.revision,
            "bpm": None if found is None else _round_bpm(found),
            "sections": 0 if found is None else len(found.segments),
            "duration": None if found is None else find_duration(found),
        }


def _round_bpm(analysis: Analysis) -> int | None:
    """The tempo with decimals, which the page shows too, as a whole number."""
    bpm = find_bpm(analysis)
    return None if bpm is None else round(bpm)


class Session:
    """The songs of one open page, in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = secrets.token_urlsafe(16)
        self.closed = False
        self.followers = 0
        self._songs: dict[str, Song] = {}
        self._latest: dict[str, Any] | None = None
        self._changed = threading.Condition()
        self._version = 0

    def songs(self) -> list[Song]:
        """All songs, oldest first."""
        with self._changed:
            return list(self._songs.values())

    def add(self, name: str) -> Song:
        """Add a new song with its own folder."""
        song = Song(name=name, folder=self.folder / secrets.token_hex(8))
        song.folder.mkdir(parents=True)
        with self._changed:
            self._songs[song.id] = song
        self.change(song, name=name)
        return song

    def show(self, song: Song, *, again: bool) -> None:
        """Have the page open a song that was just added, or was added again."""
        with self._changed:
            count = 1 if self._latest is None else self._latest["count"] + 1
            self._latest = {"id": song.id, "count": count, "again": again}
        self.change(song)

    def find(self, song_id: str) -> Song | None:
        """Returns the song of this session with that identifier, or None."""
        with self._changed:
            return self._songs.get(song_id)

    def change(self, song: Song, **values: Any) -> None:
        """Set fields of a song and wake those who follow the session."""
        with self._changed:
            for key, value in values.items():
                setattr(song, key, value)
            if "name" in values:
                others = [s for s in self._songs.values() if s.name == song.name and s is not song]
                song.number = 1 + max((other.number for other in others), default=0)
            self._version += 1
            self._changed.notify_all()

    def revise(self, song: Song, revision: Callable[[Song], dict[str, Any]]) -> None:
        """Set fields that `revision` computes from the song, while no other thread changes it."""
        with self._changed:
            self.change(song, **revision(song))

    def remove(self, song: Song) -> None:
        """Stop the analysis of a song, and delete the song and its files."""
        song.cancelled.set()
        with self._changed:
            self._songs.pop(song.id, None)
        self.change(song)
        shutil.rmtree(song.folder, ignore_errors=True)

    def close(self) -> None:
        """Stop everything, delete everything."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        for song in self.songs():
            self.remove(song)
        shutil.rmtree(self.folder, ignore_errors=True)

    def to_dict(self) -> dict[str, Any]:
        """Returns the list of songs for the page."""
        songs = [song.to_dict() for song in self.songs()]
        return {"session": self.id, "songs": songs, "latest": self._latest}

    def follow(self, *, interval: float = 0.1) -> Iterator[dict[str, Any]]:
        """Yields the list now and after each change, until all songs are finished.

        At most one value every `interval` seconds. Also ends when the session is closed, or when
        another call begins to follow.
        """
        with self._changed:
            self.followers += 1
            me = self.followers
            self._changed.notify_all()
        pause = threading.Event()  # never set: a sleep that ends with the thread's daemon
        while True:
            with self._changed:
                seen = self._version
            yield self.to_dict()
            if all(song.finished for song in self.songs()):
                with self._changed:
                    if self._version == seen:
                        return
            with self._changed:
                if self._version == seen and not self.closed and self.followers == me:
                    self._changed.wait(timeout=1.0)
                if self.closed or self.followers != me:
                    return
            pause.wait(interval)


class Sessions:
    """All open pages of the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def open(self, key: str) -> Session:
        """Returns the session of a page; makes one if needed. key: Gradio's session hash."""
        with self._lock:
            if key not in self._sessions:
                self._make_room()
                self._sessions[key] = Session(self.folder / secrets.token_hex(8))
            return self._sessions[key]

    def _make_room(self) -> None:
        """Forget the oldest session without songs where there are MOST_SESSIONS.

        Raises AllInOneError where all have songs.
        """
        if len(self._sessions) < MOST_SESSIONS:
            return
        idle = next((key for key, s in self._sessions.items() if not s.songs()), None)
        if idle is None:
            raise AllInOneError(f"{MOST_SESSIONS} pages with songs are open; close one first")
        self._sessions.pop(idle).close()

    def close(self, key: str) -> None:
        """End a page's session."""
        with self._lock:
            session = self._sessions.pop(key, None)
        if session is not None:
            session.close()

    @property
    def empty(self) -> bool:
        """Whether no page has songs."""
        with self._lock:
            return not any(session.songs() for session in self._sessions.values())

    def close_all(self) -> None:
        """End all of them."""
        for key in list(self._sessions):
            self.close(key)

    def find_session(self, session_id: str) -> Session | None:
        """Returns the session with that identifier in its URLs, or None."""
        with self._lock:
            return next((s for s in self._sessions.values() if s.id == session_id), None)

    def find_song(self, song_id: str) -> tuple[Session, Song] | None:
        """Returns the song with that identifier in its URLs and its session, or None."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            song = session.find(song_id)
            if song is not None:
                return session, song
        return None
