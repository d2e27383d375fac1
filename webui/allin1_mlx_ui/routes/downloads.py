"""Files to download: results, click tracks, and exports for other programs."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import FileResponse, Response

from allin1_mlx.errors import AllInOneError
from allin1_mlx.files import make_unique

from ..clicks import MOST_BARS, Kind, write_clicks, write_mix
from ..exports import make_file
from ..rendering import Renderings, check_wanted
from ..sessions import Sessions
from ..song import Song
from .private import PRIVATE, find_analysis, require_sound

CountIn = Annotated[int, Query(ge=0, le=MOST_BARS)]  # bars
LARGEST_ARCHIVE = 200_000_000  # bytes


def add_downloads(router: APIRouter, sessions: Sessions, renderings: Renderings) -> None:
    """Serve the files that the page offers for download."""

    @router.get("/songs/{song_id}/result")
    def result(song_id: str) -> Response:
        song, analysis = find_analysis(sessions, song_id)
        text = replace(analysis, path=song.name).to_json()
        return send_file(text.encode(), f"{Path(song.name).stem}.json", "application/json")

    @router.get("/songs/{song_id}/exports/{name}")
    async def export(request: Request, song_id: str, name: str, simplify: bool = False) -> Response:
        song, analysis = find_analysis(sessions, song_id)
        work = partial(make_file, song, analysis, name, simplify=simplify)
        try:
            file_name, content = await renderings.run(request, work)
        except KeyError as e:
            raise HTTPException(404, "There is no such export.") from e
        if file_name.endswith(".html"):
            return Response(content, media_type="text/html; charset=utf-8", headers=PRIVATE)
        return send_file(content, file_name, "application/octet-stream")

    @router.get("/songs/{song_id}/click")
    async def click(
        request: Request, song_id: str, count_in: CountIn = 0, kind: Kind = "wav"
    ) -> FileResponse:
        song, analysis = find_analysis(sessions, song_id)
        work = partial(write_clicks, song, analysis, bars=count_in, kind=kind)
        path = await renderings.make_file(request, work)
        name = f"{Path(song.name).stem} (click).{kind}"
        return FileResponse(path, filename=name, headers=PRIVATE)

    @router.get("/songs/{song_id}/mix")
    async def mix(
        request: Request, song_id: str, count_in: CountIn = 0, kind: Kind = "wav"
    ) -> FileResponse:
        song, analysis = find_analysis(sessions, song_id)
        require_sound(song)
        work = partial(write_mix, song, analysis, bars=count_in, kind=kind)
        path = await renderings.make_file(request, work)
        name = f"{Path(song.name).stem} with click.{kind}"
        return FileResponse(path, filename=name, headers=PRIVATE)

    @router.get("/sessions/{session_id}/results")
    async def results(request: Request, session_id: str) -> Response:
        session = sessions.find_session(session_id)
        if session is None:
            raise HTTPException(404, "That page is no longer open.")
        songs = [song for song in session.songs() if song.analysis is not None]
        packed = await renderings.run(request, partial(pack_results, songs))
        return send_file(packed, "results.zip", "application/zip")


def pack_results(songs: list[Song]) -> bytes:
    """Return a ZIP archive with the result of each song that has one."""
    results = [(song.name, song.analysis) for song in songs if song.analysis is not None]
    stems = [Path(name).stem for name, _ in results]
    names = make_unique(stems, lambda index: results[index][1].audio_sha256 or "result")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (path, analysis) in zip(names, results, strict=True):
            check_wanted()
            if packed.tell() > LARGEST_ARCHIVE:
                size = f"{LARGEST_ARCHIVE / 1e6:g} MB"
                raise AllInOneError(f"The results have more than {size}; get them one by one.")
            archive.writestr(f"{name}.json", replace(analysis, path=path).to_json())
    return packed.getvalue()


def send_file(content: bytes, name: str, media_type: str) -> Response:
    """Return a response that a browser saves under a name."""
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = {"content-disposition": disposition, **PRIVATE}
    return Response(content, media_type=media_type, headers=headers)
