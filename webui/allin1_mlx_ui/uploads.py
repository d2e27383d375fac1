"""Turn uploaded files into songs: music to analyse, and results (JSON) to open.

A result and its music are matched by the music's SHA-256 if the result has it, else by their names.
One result dropped together with one song belong together whatever their names are. A file that was
added before is not added twice.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import file_digest
from allin1_mlx.errors import AudioError, ResultError
from allin1_mlx.files import printable

from .jobs import Worker
from .song import Song
from .song_file import UPLOAD
from .songs import Session


@dataclass(frozen=True)
class Upload:
    """An uploaded file, and its name on the user's computer."""

    path: Path
    name: str

    @property
    def is_result(self) -> bool:
        """Whether it is a JSON file, by its name."""
        return self.name.lower().endswith(".json")


@dataclass(frozen=True)
class Received:
    """The songs made from files.

    songs: the new ones. shown: the song that the page opens. again: whether it existed before.
    """

    songs: list[Song]
    shown: Song | None
    again: bool


def receive(session: Session, uploads: list[Upload], worker: Worker) -> Received:
    """Add files to a session, opened results first.

    Raises OSError if the disk is full.
    """
    with session.intake:
        return _receive(session, uploads, worker)


def _receive(session: Session, uploads: list[Upload], worker: Worker) -> Received:
    results = [_open_result(session, upload, worker) for upload in uploads if upload.is_result]
    music = [upload for upload in uploads if not upload.is_result]
    is_pair = len(results) == len(music) == 1
    partner = results[0].shown if is_pair else None
    taken = [*results, *(_take_music(session, upload, partner, worker) for upload in music)]
    songs = [song for received in taken for song in received.songs]
    return Received(songs, taken[0].shown, taken[0].again) if taken else Received([], None, False)


def _take_music(session: Session, upload: Upload, partner: Song | None, worker: Worker) -> Received:
    """Add music. partner: the only result that was dropped with it."""
    digest = _digest(upload)
    match = partner if partner and _waits(partner) else _find_result(session, upload, digest)
    present = None if match else _find_same(session, digest)
    if present is not None:
        upload.path.unlink(missing_ok=True)
        return Received([], present, again=True)
    song = match or session.add(upload.name)
    try:
        session.change(song, source=_keep(upload, song), digest=digest)
    except FileNotFoundError:  # another page added the same file at the same moment
        session.change(song, state="failed", message=f"{upload.name}: did not arrive; add it again")
    except OSError as e:
        shutil.rmtree(song.home / UPLOAD, ignore_errors=True)
        upload.path.unlink(missing_ok=True)
        message = f"{upload.name}: could not be kept: {e.strerror}; make room and add it again"
        session.change(song, state="failed", message=message, hopeless=True)
    else:
        worker.submit(session, song)
    return Received([song] if match is None else [], song, again=False)


def _keep(upload: Upload, song: Song) -> Path:
    """Move an upload into its song's folder, under its own name if the file system allows it."""
    name = PurePosixPath(upload.name.replace("\\", "/")).name.replace("\0", "")
    if name in ("", ".", ".."):
        name = "song"
    suffix = PurePosixPath(name).suffix
    while len(name.encode()) > 200:  # file systems allow 255 bytes
        name = name.removesuffix(suffix)[:-1] + suffix
    folder = song.home / UPLOAD
    folder.mkdir(exist_ok=True)
    return Path(shutil.move(upload.path, folder / name))


def _open_result(session: Session, upload: Upload, worker: Worker) -> Received:
    """Add a song from a result file. A file that cannot be read becomes a failed song.

    If the result belongs to an existing song without corrections, it becomes that song's result.
    """
    try:
        analysis = Analysis.from_json(upload.path)
    except ResultError as e:
        song = session.add(upload.name)
        message = str(e).replace(upload.path.name, upload.name, 1)
        session.change(song, state="failed", message=message)
        return Received([song], song, again=False)
    finally:
        upload.path.unlink(missing_ok=True)
    # Results of the reference programs contain a full path of somebody's computer.
    name = printable(PurePosixPath(analysis.path.replace("\\", "/")).name) or upload.name
    analysis = replace(analysis, path=name)
    named = [s for s in session.songs() if s.name == name]
    same = next((s for s in named if s.analysis == analysis), None)
    if same is not None:
        return Received([], same, again=True)
    music = _find_same(session, analysis.audio_sha256 or "")
    if music is not None and (music.analysis is None or not music.analysis.edits):
        session.change(music, analysis=analysis, undone=(), revision=music.revision + 1)
        return Received([], music, again=False)
    song = session.add(name)
    session.change(song, analysis=analysis, state="done", revision=1)
    if music is not None and music.source is not None:
        folder = song.home / UPLOAD
        folder.mkdir()
        source = Path(shutil.copy2(music.source, folder))
        session.change(song, source=source, digest=music.digest)
        worker.submit(session, song)
    return Received([song], song, again=False)


def _digest(upload: Upload) -> str:
    try:
        return file_digest(upload.path)
    except AudioError:
        return ""  # the analysis will report what is wrong with it


def _find_same(session: Session, digest: str) -> Song | None:
    """Return the song that was made from the same file, unless it failed."""
    if not digest:
        return None
    there = [s for s in session.songs() if s.state not in ("failed", "cancelled")]
    return next((song for song in there if song.digest == digest), None)


def _waits(song: Song) -> bool:
    """Whether a song is a result without sound."""
    return song.source is None and song.analysis is not None


def _find_result(session: Session, upload: Upload, digest: str) -> Song | None:
    """Return the opened result that this music belongs to."""
    waiting = [song for song in session.songs() if _waits(song)]
    for song in waiting:
        if song.analysis is not None and song.analysis.audio_sha256 == digest:
            return song
    unnamed = [s for s in waiting if s.analysis is None or s.analysis.audio_sha256 is None]
    return next((s for s in unnamed if PurePosixPath(s.name).stem == Path(upload.name).stem), None)
