"""A song's sheet, corrections and sound, for the timeline and the player."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException
from fastapi.responses import FileResponse, Response

from allin1_mlx.display.pictures.rows import Room
from allin1_mlx.errors import EditError

from ..corrections import correct
from ..jobs import Worker
from ..sessions import Sessions
from ..sheet import write_sheet
from .private import PRIVATE, find_analysis, find_song, require_sound


def add_timeline(router: APIRouter, sessions: Sessions, worker: Worker) -> None:
    """Serve a song's sheet and sound, and accept corrections."""

    @router.get("/songs/{song_id}/sheet")
    def sheet(
        song_id: str, dark: bool = False, activations: bool = False, room: Room = "middle"
    ) -> Response:
        session, song = find_song(sessions, song_id)
        song, analysis = find_analysis(sessions, song_id)
        worker.fetch_sound(session, song)
        text = write_sheet(song, analysis, dark=dark, activations=activations, room=room)
        return Response(text, media_type="application/json", headers=PRIVATE)

    @router.post("/songs/{song_id}/edits")
    def edits(
        song_id: str,
        command: Annotated[Any, Body()],
        dark: bool = False,
        activations: bool = False,
        room: Room = "middle",
    ) -> Response:
        found = find_song(sessions, song_id)
        try:
            correct(*found, command)
        except EditError as e:
            raise HTTPException(409, str(e)) from e
        song, analysis = find_analysis(sessions, song_id)
        text = write_sheet(song, analysis, dark=dark, activations=activations, room=room)
        row = json.dumps(song.to_dict(), ensure_ascii=False)
        content = f'{{"song": {row}, "sheet": {text}}}'
        return Response(content, media_type="application/json", headers=PRIVATE)

    @router.get("/songs/{song_id}/sound")
    def sound(song_id: str) -> FileResponse:
        song, _ = find_analysis(sessions, song_id)
        require_sound(song)
        song.played = time.monotonic()
        return FileResponse(song.sound, media_type="application/octet-stream", headers=PRIVATE)
