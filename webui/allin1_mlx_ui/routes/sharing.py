"""Files to show to others: a page that plays the song, and pictures of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ..rendering import Renderings
from ..sessions import Sessions
from ..sharing import Picture, draw_picture, write_page
from .downloads import send_file
from .private import find_analysis

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def add_sharing(router: APIRouter, sessions: Sessions, renderings: Renderings) -> None:
    """Serve them."""

    @router.get("/songs/{song_id}/page")
    async def page(request: Request, song_id: str, dark: bool = False) -> Response:
        song, analysis = find_analysis(sessions, song_id)
        content = await renderings.run(request, partial(write_page, song, analysis, dark=dark))
        return send_file(content, f"{Path(song.name).stem}.html", "text/html; charset=utf-8")

    @router.get("/songs/{song_id}/picture")
    async def picture(request: Request, song_id: str, kind: Picture = "png") -> Response:
        song, analysis = find_analysis(sessions, song_id)
        content = await renderings.run(request, partial(draw_picture, song, analysis, kind))
        return send_file(content, f"{Path(song.name).stem}.{kind}", MEDIA_TYPES[kind])
