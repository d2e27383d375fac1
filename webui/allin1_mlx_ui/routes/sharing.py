"""Files to show to others: a page that plays the song, and pictures of it."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from ..sharing import Picture, draw_picture, write_page
from ..songs import Sessions
from .downloads import send_file
from .private import find_analysis

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def add_sharing(router: APIRouter, sessions: Sessions) -> None:
    """Serve them."""

    @router.get("/songs/{song_id}/page")
    def page(song_id: str, dark: bool = False) -> Response:
        song, analysis = find_analysis(sessions, song_id)
        content = write_page(song, analysis, dark=dark)
        return send_file(content, f"{Path(song.name).stem}.html", "text/html; charset=utf-8")

    @router.get("/songs/{song_id}/picture")
    def picture(song_id: str, kind: Picture = "png") -> Response:
        song, analysis = find_analysis(sessions, song_id)
        content = draw_picture(song, analysis, kind)
        return send_file(content, f"{Path(song.name).stem}.{kind}", MEDIA_TYPES[kind])
