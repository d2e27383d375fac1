"""Check who may use the address of a song, and keep songs out of the browser's cache."""

from __future__ import annotations

from fastapi import HTTPException, Request

from allin1_mlx.analysis import Analysis

from ..guard import find_user
from ..sessions import Sessions
from ..song import Song
from ..songs import Session

PRIVATE = {"cache-control": "no-store"}


def require_owner(sessions: Sessions, request: Request) -> None:
    """Raise HTTPException 404 if an address names a song or session of another user."""
    user = find_user(request)
    song_id, session_id = (request.path_params.get(key) for key in ("song_id", "session_id"))
    if song_id is not None and sessions.find_song(song_id, user) is None:
        raise HTTPException(404, "That song is no longer here.")
    if session_id is not None and sessions.find_session(session_id, user) is None:
        raise HTTPException(404, "That page is no longer open.")


def find_song(sessions: Sessions, song_id: str) -> tuple[Session, Song]:
    """Return a song and its session. Raises HTTPException 404 if there is no such song."""
    found = sessions.find_song(song_id)
    if found is None:
        raise HTTPException(404, "That song is no longer here.")
    return found


def find_analysis(sessions: Sessions, song_id: str) -> tuple[Song, Analysis]:
    """Return a song and its analysis. Raises HTTPException 404 if either is missing."""
    _, song = find_song(sessions, song_id)
    if song.analysis is None:
        raise HTTPException(404, "That song is no longer here.")
    return song, song.analysis


def require_sound(song: Song) -> None:
    """Raise HTTPException 404 if a song has only a result and no sound."""
    if not song.frames:
        raise HTTPException(404, "There is no sound for this result.")
