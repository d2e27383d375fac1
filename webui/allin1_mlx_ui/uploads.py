"""From uploaded files to songs: music to analyse, and results (JSON) to open.

A result and its music are matched by the music's SHA-256 if the result has it, else by
their names; one result dropped together with one song belong together whatever they are called.
A file that is there already does not come twice.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import file_digest
from allin1_mlx.errors import AudioError, ResultError
from allin1_mlx.files import printable

from .jobs import Worker
from .songs import Session, Song


@dataclass(frozen=True)
class Upload:
    """An uploaded file, and its name on the user's computer."""

    path: Path
    name: str

    @property
    def is_result(self) -> bool:
        """Whether it is a JSON file, by name."""
        return self.name.lower().endswith(".json")


def receive(session: Session, uploads: list[Upload], worker: Worker) -> list[Song]:
    """Add files to a session. Returns their songs, opened results first.

    The page opens the first of them, or the song that was there already.
    """
    results = [upload for upload in uploads if upload.is_result]
    music = [upload for upload in uploads if not upload.is_result]
    opened = [_open_result(session, upload) for upload in results]
    pair = len(results) == len(music) == 1
    songs = list(opened)
    if songs:
        session.show(songs[0], again=False)
    for upload in music:
        digest = _digest(upload)
        match = opened[0] if pair and opened[0].analysis else _find_result(session, upload, digest)
        present = None if match else _find_same(session, digest)
        song = match or present or session.add(upload.name)
        if not opened and upload is music[0]:
            session.show(song, again=present is not None)
        if present is not None:
            upload.path.unlink(missing_ok=True)
            continue
        if match is None:
            songs.append(song)
        song.digest = digest
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
    """Add a song from a result file alone; a file that cannot be read becomes a failed song."""
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
    name = printable(PurePosixPath(analysis.path.replace("\\", "/")).name) or upload.name
    session.change(song, name=name, analysis=analysis, state="done", revision=1)
    return song


def _digest(upload: Upload) -> str:
    try:
        return file_digest(upload.path)
    except AudioError:
        return ""  # the analysis will say what is wrong with it


def _find_same(session: Session, digest: str) -> Song | None:
    """Returns the song that was made from the same file, unless it failed."""
    if not digest:
        return None
    there = [s for s in session.songs() if s.state not in ("failed", "cancelled")]
    return next((song for song in there if song.digest == digest), None)


def _find_result(session: Session, upload: Upload, digest: str) -> Song | None:
    """Returns the opened result that this music belongs to."""
    waiting = [s for s in session.songs() if s.analysis is not None and s.source is None]
    for song in waiting:
        if song.analysis is not None and song.analysis.audio_sha256 == digest:
            return song
    unnamed = [s for s in waiting if s.analysis is None or s.analysis.audio_sha256 is None]
    return next((s for s in unnamed if PurePosixPath(s.name).stem == Path(upload.name).stem), None)
