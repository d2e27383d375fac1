"""From uploaded files to songs: music to analyse, and results (JSON) to open.

A result and its music find each other by the music's SHA-256 where the result tells it, else by
their names; one result dropped together with one song belong together whatever they are called.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from allin1_mlx.audio import file_digest
from allin1_mlx.errors import AudioError, ResultError
from allin1_mlx.types import Analysis

from .jobs import Worker
from .songs import Session, Song


@dataclass(frozen=True)
class Upload:
    """A file that arrived, and the name that it had on the user's computer."""

    path: Path
    name: str

    @property
    def is_result(self) -> bool:
        """Whether it is a JSON file, by name."""
        return self.name.lower().endswith(".json")


def find_upload(folder: Path, told: Any) -> Upload | None:
    """The file in the folder of uploads that a browser tells of; None where there is none such.

    told: {"path": ..., "name": ...}, of which nothing is to be trusted.
    """
    if not isinstance(told, dict) or not all(
        isinstance(told.get(k), str) for k in ("path", "name")
    ):
        return None
    try:
        path = Path(told["path"]).resolve()
    except (OSError, ValueError):
        return None
    if not path.is_relative_to(folder.resolve()):
        return None
    return Upload(path, told["name"])


def receive(session: Session, uploads: list[Upload], worker: Worker) -> list[Song]:
    """Take files into a session; gives the songs that they became, results first."""
    results = [upload for upload in uploads if upload.is_result]
    music = [upload for upload in uploads if not upload.is_result]
    opened = [_open_result(session, upload) for upload in results]
    pair = len(results) == len(music) == 1
    songs = list(opened)
    for upload in music:
        match = opened[0] if pair and opened[0].analysis else _find_result(session, upload)
        song = session.add(upload.name) if match is None else match
        if match is None:
            songs.append(song)
        try:
            song.source = _keep(upload, song)
        except FileNotFoundError:  # another page took the same file at the same moment
            message = f"{upload.name}: did not arrive; add it again"
            session.change(song, state="failed", message=message)
        else:
            worker.submit(session, song)
    return songs


def _keep(upload: Upload, song: Song) -> Path:
    """Move an upload into its song's folder, under its own name as far as that is possible."""
    name = PurePosixPath(upload.name.replace("\\", "/")).name.replace("\0", "")
    if name in ("", ".", ".."):
        name = "song"
    suffix = PurePosixPath(name).suffix
    while len(name.encode()) > 200:  # file systems allow 255 bytes
        name = name.removesuffix(suffix)[:-1] + suffix
    folder = song.folder / "upload"
    folder.mkdir()
    return Path(shutil.move(upload.path, folder / name))


def _open_result(session: Session, upload: Upload) -> Song:
    """A song that is known from its result only, or has failed to be one."""
    song = session.add(upload.name)
    try:
        analysis = Analysis.from_json(upload.path)
    except ResultError as e:
        message = str(e).replace(upload.path.name, upload.name, 1)
        session.change(song, state="failed", message=message)
        return song
    finally:
        upload.path.unlink(missing_ok=True)
    # Results of the reference programs hold the whole path of somebody's computer.
    name = PurePosixPath(analysis.path.replace("\\", "/")).name or upload.name
    session.change(song, name=name, analysis=analysis, state="done", revision=1)
    return song


def _find_result(session: Session, upload: Upload) -> Song | None:
    """The opened result that waits for just this music."""
    waiting = [s for s in session.songs() if s.analysis is not None and s.source is None]
    if not waiting:
        return None
    try:
        digest = file_digest(upload.path)
    except AudioError:
        return None  # the analysis will say what is wrong with it
    for song in waiting:
        if song.analysis is not None and song.analysis.audio_sha256 == digest:
            return song
    unnamed = [s for s in waiting if s.analysis is None or s.analysis.audio_sha256 is None]
    return next((s for s in unnamed if PurePosixPath(s.name).stem == Path(upload.name).stem), None)
