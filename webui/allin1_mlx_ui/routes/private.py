"""Finding a song by its address, and the headers that keep it out of the browser's cache."""

from __future__ import annotations

from fastapi import HTTPException

from allin1_mlx.analysis import Analysis

from ..songs import Session, Sessions, Song

PRIVATE = {"cache-control": "no-store"}


def find_song(sessions: Sessions, song_id: str) -> tuple[Session, Song]:
    """Returns a song and its session. Raises HTTPException 404 where there is no such song."""
    found = sessions.find_song(song_id)
    if found is None:
        raise HTTPException(404, "That song is no longer here.")
    return found


def find_analysis(sessions: Sessions, song_id: str) -> tuple[Song, Analysis]:
    """Returns a song and its analysis. Raises HTTPException 404 where either is missing."""
    _, song = find_song(sessions, song_id)
    if song.analysis is None:
        raise HTTPException(404, "That song is no longer here.")
    return song, song.analysis


def require_sound(song: Song) -> None:
    """Raises HTTPException 404 where only the result of a song is here, and not its sound."""
    if not song.frames:
        raise HTTPException(404, "There is no sound for this result.")
