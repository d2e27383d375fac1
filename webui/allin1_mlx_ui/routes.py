"""What the page's scripts fetch: their own files, Plotly, and the songs of a session.

Identifiers in these addresses cannot be guessed; whoever has one may read that song. Nothing of
a song is kept in the browser's cache.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import plotly
from fastapi import APIRouter, Body, FastAPI, HTTPException, Query
from fastapi.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from allin1_mlx.analysis import Analysis
from allin1_mlx.errors import EditError
from allin1_mlx.files import tell_apart

from .clicks import MOST_BARS, write_clicks, write_mix
from .corrections import correct
from .exports import make_file
from .sheet import write_sheet
from .songs import Sessions, Song

STATIC = Path(__file__).parent / "static"
PRIVATE = {"cache-control": "no-store"}
FRESH = {"cache-control": "no-cache"}  # asked for again each time, answered by 304

CountIn = Annotated[int, Query(ge=0, le=MOST_BARS)]  # bars


class OwnFiles(StaticFiles):
    """The page's scripts and styles, never stale after an update."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """As StaticFiles does it, but to be asked for again each time."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(FRESH)
        return response


def add_routes(app: FastAPI, sessions: Sessions) -> None:
    """Serve all of it below /allin1."""
    router = APIRouter(prefix="/allin1")

    def known(song_id: str) -> tuple[Song, Analysis]:
        found = sessions.find_song(song_id)
        if found is None or found[1].analysis is None:
            raise HTTPException(404, "That song is no longer here.")
        return found[1], found[1].analysis

    @router.get("/timeline.js")
    def timeline_script() -> FileResponse:
        path = Path(str(files("allin1_mlx").joinpath("display/timeline.js")))
        return FileResponse(path, media_type="text/javascript", headers=FRESH)

    @router.get("/plotly.js")
    def plotly_script() -> FileResponse:
        path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
        return FileResponse(path, media_type="text/javascript", headers=FRESH)

    @router.get("/songs/{song_id}/sheet")
    def sheet(song_id: str, dark: bool = False, activations: bool = False) -> Response:
        song, analysis = known(song_id)
        text = write_sheet(song, analysis, dark=dark, activations=activations)
        return Response(text, media_type="application/json", headers=PRIVATE)

    @router.post("/songs/{song_id}/edits")
    def edits(
        song_id: str,
        command: Annotated[Any, Body()],
        dark: bool = False,
        activations: bool = False,
    ) -> Response:
        found = sessions.find_song(song_id)
        if found is None:
            raise HTTPException(404, "That song is no longer here.")
        try:
            correct(*found, command)
        except EditError as e:
            raise HTTPException(409, str(e)) from e
        song, analysis = known(song_id)
        text = write_sheet(song, analysis, dark=dark, activations=activations)
        told = json.dumps(song.to_dict(), ensure_ascii=False)
        content = f'{{"song": {told}, "sheet": {text}}}'
        return Response(content, media_type="application/json", headers=PRIVATE)

    @router.get("/songs/{song_id}/sound")
    def sound(song_id: str) -> FileResponse:
        song, _ = known(song_id)
        if not song.frames:
            raise HTTPException(404, "There is no sound for this result.")
        return FileResponse(song.sound, media_type="application/octet-stream", headers=PRIVATE)

    @router.get("/songs/{song_id}/result")
    def result(song_id: str) -> Response:
        song, analysis = known(song_id)
        text = replace(analysis, path=song.name).to_json()
        return _download(text.encode(), f"{Path(song.name).stem}.json", "application/json")

    @router.get("/songs/{song_id}/exports/{name}")
    def export(song_id: str, name: str, simplify: bool = False) -> Response:
        song, analysis = known(song_id)
        try:
            called, content = make_file(song, analysis, name, simplify=simplify)
        except KeyError as e:
            raise HTTPException(404, "There is no such export.") from e
        return _download(content, called, "application/octet-stream")

    @router.get("/songs/{song_id}/click")
    def click(song_id: str, count_in: CountIn = 0) -> FileResponse:
        song, analysis = known(song_id)
        path = write_clicks(song, analysis, bars=count_in)
        name = f"{Path(song.name).stem} (click).wav"
        return FileResponse(path, filename=name, headers=PRIVATE)

    @router.get("/songs/{song_id}/mix")
    def mix(song_id: str, count_in: CountIn = 0) -> FileResponse:
        song, analysis = known(song_id)
        if not song.frames:
            raise HTTPException(404, "There is no sound for this result.")
        path = write_mix(song, analysis, bars=count_in)
        name = f"{Path(song.name).stem} with click.wav"
        return FileResponse(path, filename=name, headers=PRIVATE)

    @router.get("/sessions/{session_id}/results")
    def results(session_id: str) -> Response:
        session = sessions.find_session(session_id)
        if session is None:
            raise HTTPException(404, "That page is no longer open.")
        songs = [song for song in session.songs() if song.analysis is not None]
        return _download(pack_results(songs), "results.zip", "application/zip")

    app.include_router(router)
    app.mount("/allin1/static", OwnFiles(directory=STATIC), name="own files")


def pack_results(songs: list[Song]) -> bytes:
    """A ZIP archive with the result of each song that has one."""
    results = [(song.name, song.analysis) for song in songs if song.analysis is not None]
    stems = [Path(name).stem for name, _ in results]
    names = tell_apart(stems, lambda index: results[index][1].audio_sha256 or "result")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (path, analysis) in zip(names, results, strict=True):
            archive.writestr(f"{name}.json", replace(analysis, path=path).to_json())
    return packed.getvalue()


def _download(content: bytes, name: str, kind: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = {"content-disposition": disposition, **PRIVATE}
    return Response(content, media_type=kind, headers=headers)
