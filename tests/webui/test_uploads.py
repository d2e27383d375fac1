"""Uploads: which become songs, which become results, and which belong together."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.support.hostile_results import ATTACKS, make_result

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import file_digest
from allin1_mlx.types import Segment
from allin1_mlx_ui.jobs import Worker
from allin1_mlx_ui.routes.downloads import pack_results
from allin1_mlx_ui.song import Song
from allin1_mlx_ui.songs import Session
from allin1_mlx_ui.uploads import Upload, receive


class Waiting(Worker):
    """A worker that has received songs and has not begun."""

    def __init__(self) -> None:
        self.asked: list[Song] = []

    def submit(self, session: Session, song: Song) -> None:
        self.asked.append(song)


@pytest.fixture
def worker() -> Waiting:
    return Waiting()


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "session")


def music(folder: Path, name: str, *, seed: int = 0) -> Upload:
    path = folder / f"upload {seed} {len(name)}"
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, 4410)
    soundfile.write(path, noise, 44_100, format="WAV")
    return Upload(path, name)


def result(folder: Path, name: str, **fields: Any) -> Upload:
    segments = (Segment(0.0, 1.0, "verse"),)
    analysis = Analysis(
        **{"path": "song.wav", "bpm": 120, **fields},
        beats=(0.5,),
        downbeats=(0.5,),
        beat_positions=(1,),
        segments=segments,
    )
    path = folder / f"upload {name}"
    path.write_text(analysis.to_json())
    return Upload(path, name)


def test_music_is_moved_and_analysed(session: Session, worker: Waiting, tmp_path: Path) -> None:
    upload = music(tmp_path, "a song.wav")
    (song,) = receive(session, [upload], worker).songs
    assert worker.asked == [song]
    assert song.source is not None
    assert song.source.name == "a song.wav"
    assert session.folder in song.source.parents
    assert not upload.path.exists()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\x.wav", "/abs.wav", "x" * 300 + ".wav", "\0.wav", ".."]
)
def test_no_name_can_leave_the_folder(
    session: Session, worker: Waiting, tmp_path: Path, name: str
) -> None:
    (song,) = receive(session, [music(tmp_path, name)], worker).songs
    assert song.source is not None
    assert song.source.resolve().parent == (song.home / "upload").resolve()
    assert song.source.is_file()


def test_a_result_is_ready_at_once(session: Session, worker: Waiting, tmp_path: Path) -> None:
    (song,) = receive(session, [result(tmp_path, "song.json")], worker).songs
    assert song.state == "done"
    assert song.name == "song.wav"
    assert worker.asked == []


def test_a_result_and_a_song_dropped_together_belong_together(
    session: Session, worker: Waiting, tmp_path: Path
) -> None:
    files = [music(tmp_path, "renamed.wav"), result(tmp_path, "song.json")]
    (song,) = receive(session, files, worker).songs
    assert song.analysis is not None
    assert song.source is not None
    assert worker.asked == [song]


def test_results_and_songs_are_matched_by_digest_or_name(
    session: Session, worker: Waiting, tmp_path: Path
) -> None:
    one, two = music(tmp_path, "x.wav", seed=1), music(tmp_path, "two.mp3", seed=2)
    three = music(tmp_path, "three.wav", seed=3)
    files = [
        result(tmp_path, "a.json", path="one.wav", audio_sha256=file_digest(one.path)),
        result(tmp_path, "b.json", path="two.wav"),
        one,
        two,
        three,
    ]
    songs = receive(session, files, worker).songs
    assert [song.name for song in songs] == ["one.wav", "two.wav", "three.wav"]
    assert [song.source is not None for song in songs] == [True, True, True]
    assert [song.analysis is not None for song in songs] == [True, True, False]


def test_a_result_with_another_digest_is_not_matched(
    session: Session, worker: Waiting, tmp_path: Path
) -> None:
    receive(session, [result(tmp_path, "a.json", path="one.wav", audio_sha256="0" * 64)], worker)
    receive(session, [music(tmp_path, "one.wav")], worker)
    assert len(session.songs()) == 2


def test_a_result_that_cannot_be_read_fails_with_its_own_name(
    session: Session, worker: Waiting, tmp_path: Path
) -> None:
    path = tmp_path / "upload 7"
    path.write_text("{")
    (song,) = receive(session, [Upload(path, "broken.json")], worker).songs
    assert song.state == "failed"
    assert song.message.startswith("broken.json: ")
    assert "upload 7" not in song.message


def test_a_file_that_another_page_took_is_a_failure(
    session: Session, worker: Waiting, tmp_path: Path
) -> None:
    upload = music(tmp_path, "one.wav")
    upload.path.unlink()
    (song,) = receive(session, [upload], worker).songs
    assert (song.state, worker.asked) == ("failed", [])


def test_an_existing_file_is_opened_and_not_analysed_again(
    session: Session, worker: Waiting, tmp_path: Path
) -> None:
    (song,) = receive(session, [music(tmp_path, "one.wav")], worker).songs
    again = music(tmp_path, "the same.wav")
    received = receive(session, [again], worker)
    assert received.songs == []
    assert worker.asked == [song]
    assert not again.path.exists()
    assert (received.shown, received.again) == (song, True)
    session.change(song, state="failed")
    (fresh,) = receive(session, [music(tmp_path, "one.wav")], worker).songs
    assert fresh is not song


def test_files_of_one_name_are_numbered(session: Session, worker: Waiting, tmp_path: Path) -> None:
    uploads = [music(tmp_path, "mix.ogg", seed=seed) for seed in (1, 2, 3)]
    received = receive(session, uploads, worker)
    songs = received.songs
    assert [song.title for song in songs] == ["mix.ogg", "mix.ogg (2)", "mix.ogg (3)"]
    assert [song.name for song in songs] == ["mix.ogg"] * 3
    assert received.shown is songs[0]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_result_fails_only_itself(
    session: Session, worker: Waiting, tmp_path: Path, name: str
) -> None:
    bad = tmp_path / "upload bad"
    bad.write_bytes(ATTACKS[name](make_result()).encode("latin-1"))
    uploads = [Upload(bad, "bad.json"), result(tmp_path, "good.json")]
    failed, good = receive(session, uploads, worker).songs
    assert (failed.state, good.state) == ("failed", "done")
    assert failed.message.startswith("bad.json: ")
    assert "\n" not in failed.message
    json.dumps(session.news(), ensure_ascii=False).encode()  # as the page receives it
    with zipfile.ZipFile(io.BytesIO(pack_results(session.songs()))) as archive:
        assert archive.namelist() == ["song.json"]


def test_control_characters_in_a_path_spoil_no_archive(
    session: Session, worker: Waiting, tmp_path: Path
) -> None:
    (song,) = receive(session, [result(tmp_path, "x.json", path="\0")], worker).songs
    assert song.name == "?"
    with zipfile.ZipFile(io.BytesIO(pack_results([song]))) as archive:
        assert archive.namelist() == ["?.json"]
