"""The songs of one user or one tab.

With a library, a session belongs to a user: all tabs of that user show the same songs, which stay
when the tabs are closed and when the server ends or is killed. Without a library, a session is one
open tab, and everything is deleted when the tab is closed.

Any thread may change a song through its session, which writes permanent changes to the disk before
it returns. Identifiers in URLs cannot be guessed, so no session can access the songs of another.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .song import Song
from .song_file import read_song, write_song

# Fields whose changes are written to the disk.
KEPT = {"name", "source", "analysis", "undone", "digest", "warnings", "notice", "hopeless", "begun"}
RETRY = 5.0  # seconds before another attempt to write a change
BIN_DAYS = 30  # days after which a removed song is deleted
SOUND_BYTES = 1_000_000_000  # of decoded songs on the disk; others are decoded again when opened
PLAYING = 600.0  # seconds since its last playback after which a decoded song may be deleted

_log = logging.getLogger(__name__)


class Session:
    """The songs of one user or one tab, in the order in which they were added."""

    def __init__(self, folder: Path, *, home: Path | None = None, user: str = "") -> None:
        """folder: temporary files. home: where songs are kept; None to delete them with the
        session.
        """
        self.folder = folder
        self.home = folder / "home" if home is None else home
        self.is_kept = home is not None
        self.user = user
        self.id = secrets.token_urlsafe(16)
        self.closed = False
        self.version = 0
        self._songs: dict[str, Song] = {}
        self._bin: dict[str, Song] = {}
        self.intake = threading.Lock()  # held while files are added, so that no file is added twice
        self._lock = threading.RLock()
        self._saver: threading.Timer | None = None
        for part in ("songs", "bin"):
            (self.home / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._load()

    def songs(self) -> list[Song]:
        """All songs, oldest first."""
        with self._lock:
            return list(self._songs.values())

    def removed(self) -> list[Song]:
        """The songs in the bin, oldest first."""
        with self._lock:
            return list(self._bin.values())

    def add(self, name: str) -> Song:
        """Add a new song with its own folders. Raises OSError, for example if the disk is full."""
        song = Song(name=name, folder=self.folder)
        song.folder, song.home = self.folder / song.id, self.home / "songs" / song.id
        song.folder.mkdir(parents=True)
        song.home.mkdir(parents=True)
        with self._lock:
            self._songs[song.id] = song
            self._announce(song)
        self._number(song)
        self.save(song)
        self._announce(song)
        return song

    def find(self, song_id: str) -> Song | None:
        """Return the song of this session with this identifier, or None."""
        with self._lock:
            return self._songs.get(song_id)

    def find_removed(self, song_id: str) -> Song | None:
        """Return the song in the bin with this identifier, or None."""
        with self._lock:
            return self._bin.get(song_id)

    def change(self, song: Song, **values: Any) -> None:
        """Set fields of a song, and write the permanent ones to the disk."""
        with song.lock:
            is_new = any(getattr(song, key) != values[key] for key in KEPT & values.keys())
            for key, value in values.items():
                setattr(song, key, value)
            if "name" in values or "analysis" in values:
                self._number(song)
            if is_new or ("state" in values and song.finished and song.summarize() is None):
                self.save(song)
            self._announce(song)

    def revise(self, song: Song, revision: Callable[[Song], dict[str, Any]]) -> None:
        """Set the fields that `revision` computes from the song, while no other thread changes
        it.
        """
        with song.lock:
            self.change(song, **revision(song))

    def save(self, song: Song, write: Callable[[Song], None] = write_song) -> None:
        """Write a song to the disk.

        If that fails, the song shows it, and writing is repeated later.
        """
        with song.lock:
            try:
                if self.find(song.id) or self.find_removed(song.id):  # else it is deleted
                    write(song)
            except OSError as e:
                _log.warning("%s could not be saved: %s", song.name, e)
                song.unsaved = f"Not saved yet: {e.strerror or e}. Saving is tried again."
                self._save_later()
            else:
                song.unsaved = ""

    def remove(self, song: Song) -> None:
        """Stop the analysis of a song and move the song to the bin."""
        song.cancelled.set()
        with song.lock:
            with self._lock:
                if self._songs.pop(song.id, None) is None:
                    return
                self._bin[song.id] = song
            self._move(song, "bin")
            os.utime(song.home)  # the days in the bin count from now on
            if not song.finished:
                self.change(song, state="cancelled", renewing="")
            song.frames = 0
            shutil.rmtree(song.folder, ignore_errors=True)
            self._announce(song)

    def restore(self, song: Song) -> None:
        """Restore a removed song from the bin."""
        with song.lock:
            with self._lock:
                if self._bin.pop(song.id, None) is None:
                    return
                songs = [*self._songs.values(), song]
                self._songs = {s.id: s for s in sorted(songs, key=lambda s: s.added)}
                self._announce(song)
            song.folder.mkdir(parents=True, exist_ok=True)
            self._move(song, "songs")
            self._number(song)
            self._announce(song)

    def delete(self, song: Song) -> None:
        """Delete a song in the bin permanently."""
        with self._lock:
            self._bin.pop(song.id, None)
        shutil.rmtree(song.home, ignore_errors=True)
        self._announce(song)

    def make_room(self, newest: Song) -> None:
        """Delete decoded sounds beyond the limit of space, those that were played longest ago
        first.
        """
        with_sound = sorted((s for s in self.songs() if s.frames), key=lambda s: s.played)
        excess = sum(4 * song.frames for song in with_sound) - SOUND_BYTES
        for song in with_sound:
            if excess <= 0:
                return
            if song is not newest and time.monotonic() - song.played > PLAYING:
                excess -= 4 * song.frames
                self._forget_sound(song)

    def close(self) -> None:
        """Stop everything, and delete all files that are not kept."""
        self.closed = True
        if self._saver is not None:
            self._saver.cancel()
        for song in [*self.songs(), *self.removed()]:
            song.cancelled.set()
            if self.is_kept and (song.unsaved or song.begun):
                song.begun = 0  # it was not a crash
                self.save(song)
        shutil.rmtree(self.folder, ignore_errors=True)

    def news(self, seen: int = -1) -> dict[str, Any]:
        """Return the list of songs for the page: the lines that changed since the version
        `seen`.
        """
        with self._lock:
            version = self.version
            songs, removed = list(self._songs.values()), list(self._bin.values())
        return {
            "session": self.id,
            "version": version,
            "kept": self.is_kept,
            "ids": [song.id for song in songs],
            "songs": [song.to_dict() for song in songs if song.version > seen],
            "bin": [{"id": song.id, "title": song.heading, "size": song.size} for song in removed],
        }

    def _load(self) -> None:
        """Read the kept songs, and delete those that have been in the bin for long."""
        for part, songs in (("songs", self._songs), ("bin", self._bin)):
            homes = [home for home in (self.home / part).iterdir() if home.is_dir()]
            found = [
                read_song(home, self.folder / home.name) for home in homes if any(home.iterdir())
            ]
            for song in sorted(found, key=lambda song: song.added):
                songs[song.id] = song
        for song in self.songs():
            song.folder.mkdir(parents=True, exist_ok=True)
            self._number(song)
            if song.state == "queued" and song.begun > 1:
                message = f"{song.name}: the program ended twice during its analysis"
                self.change(song, state="failed", message=message, begun=0)
        for song in self.removed():
            if time.time() - song.home.stat().st_mtime > BIN_DAYS * 86_400:
                self.delete(song)

    def _number(self, song: Song) -> None:
        with self._lock:
            others = [s for s in self._songs.values() if s is not song and s.added <= song.added]
            earlier = [s.number for s in others if s.heading == song.heading]
            song.number = 1 + max(earlier, default=0)

    def _announce(self, song: Song) -> None:
        with self._lock:
            self.version += 1
            song.version = self.version

    def _move(self, song: Song, part: str) -> None:
        home = self.home / part / song.id
        home.parent.mkdir(parents=True, exist_ok=True)
        is_lost = not song.home.exists()  # somebody deleted the library
        if is_lost:
            home.mkdir()
        else:
            song.home.replace(home)
        if song.source is not None and song.source.is_relative_to(song.home):
            song.source = home / song.source.relative_to(song.home)
        song.home = home
        if is_lost:
            self.save(song)

    def _forget_sound(self, song: Song) -> None:
        with song.lock:
            song.frames = 0
            song.revision += 1  # a page that shows it requests it again
            song.sound.unlink(missing_ok=True)
            self._announce(song)

    def _save_later(self) -> None:
        with self._lock:
            if self.closed or (self._saver is not None and self._saver.is_alive()):
                return
            self._saver = threading.Timer(RETRY, self._save_again)
            self._saver.daemon = True
            self._saver.start()

    def _save_again(self) -> None:
        self._saver = None
        for song in [*self.songs(), *self.removed()]:
            if song.unsaved:
                self.save(song)
                self._announce(song)
