"""Sessions: their songs, their files, the bin, and the updates of the list."""

import asyncio
import errno
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.edits import Nudge, apply
from allin1_mlx.tags import Tags
from allin1_mlx.types import Activations, Tempo
from allin1_mlx_ui import songs as songs_module
from allin1_mlx_ui.routes.list import follow
from allin1_mlx_ui.sessions import Sessions
from allin1_mlx_ui.song import Song
from allin1_mlx_ui.song_file import read_activations, write_activations
from allin1_mlx_ui.songs import BIN_DAYS, Session

from ..support.small import RESULT as ANALYSIS


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "session")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "library"


def open_again(home: Path, tmp_path: Path) -> Session:
    """A session of another server, after the first was killed."""
    return Session(tmp_path / f"after {time.monotonic()}", home=home)


def add(session: Session, name: str = "song.wav", **values: Any) -> Song:
    song = session.add(name)
    (song.home / "upload").mkdir()
    source = song.home / "upload" / name
    source.write_bytes(b"sound")
    session.change(song, source=source, analysis=ANALYSIS, state="done", **values)
    return song


def test_a_closed_session_leaves_no_files(session: Session) -> None:
    songs = [session.add(name) for name in ("one.mp3", "two.mp3")]
    for song in songs:
        song.sound.write_bytes(b"sound")
    session.close()
    assert not session.folder.exists()
    assert all(song.cancelled.is_set() for song in songs)


def test_identifiers_cannot_be_guessed_from_one_another(session: Session) -> None:
    ids = {session.add("same.mp3").id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(found) >= 20 for found in ids)


def test_a_kept_song_is_complete_after_a_restart(home: Path, tmp_path: Path) -> None:
    first = Session(tmp_path / "one", home=home)
    corrected = apply(ANALYSIS, Nudge(-12))
    song = add(first, warnings=("a bit late",), notice="using quick", digest="d" * 64)
    first.change(song, analysis=corrected, undone=(Nudge(30),))
    (again,) = open_again(home, tmp_path).songs()
    line = again.to_dict()
    assert (line["state"], line["bpm"], line["sections"], line["ready"]) == ("done", 120, 2, True)
    assert again.id == song.id
    assert again.analysis == corrected
    assert again.undone == (Nudge(30),)
    assert (again.warnings, again.notice, again.digest) == (
        ("a bit late",),
        "using quick",
        "d" * 64,
    )
    assert again.source is not None
    assert again.source.read_bytes() == b"sound"
    assert again.revision > song.revision


def test_an_analysis_is_read_when_it_is_needed(home: Path, tmp_path: Path) -> None:
    add(Session(tmp_path / "one", home=home))
    (song,) = open_again(home, tmp_path).songs()
    song.to_dict()
    assert song.read_later is not None
    assert song.analysis == ANALYSIS
    assert song.read_later is None


def test_activations_are_kept_to_one_part_in_255(home: Path, tmp_path: Path) -> None:
    song = add(Session(tmp_path / "one", home=home))
    curve = np.linspace(0, 1, 200, dtype=np.float32)
    label = np.tile(curve, (10, 1))
    write_activations(song, Activations(curve, curve, curve, label))
    (again,) = open_again(home, tmp_path).songs()
    found = read_activations(again)
    assert found is not None
    np.testing.assert_allclose(found.label, label, atol=0.5 / 255 + 1e-6)
    (again.home / "activations.npz").write_bytes(b"PK damaged")
    assert read_activations(again) is None


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "[]",
        '{"format": 2}',
        '{"format": 1, "name": 7}',
        '{"format": 1, "name": "x", "added": 1e999}',
    ],
)
def test_a_damaged_file_fails_only_its_song_and_is_kept(
    home: Path, tmp_path: Path, damage: str
) -> None:
    first = Session(tmp_path / "one", home=home)
    bad, good = add(first, "bad.wav"), add(first, "good.wav")
    (bad.home / "song.json").write_text(damage)
    again = open_again(home, tmp_path)
    songs = {song.id: song for song in again.songs()}
    assert songs[good.id].analysis == ANALYSIS
    assert songs[bad.id].state == "failed"
    assert "its file in the library is damaged" in songs[bad.id].message
    assert songs[bad.id].to_dict()["retriable"]
    assert (bad.home / "song.json.broken").read_text() == damage


@pytest.mark.parametrize("name", ["song.json", ".partial-x", "song.json.broken"])
def test_a_folder_in_place_of_a_file_fails_only_its_song(
    home: Path, tmp_path: Path, name: str
) -> None:
    first = Session(tmp_path / "first", home=home)
    add(first, "good.wav")
    odd = add(first, "odd.wav")
    (odd.home / "song.json").write_text("damaged")
    (odd.home / name).unlink(missing_ok=True)
    (odd.home / name / "inside").mkdir(parents=True)
    second = open_again(home, tmp_path)
    assert [(song.name, song.state) for song in second.songs()] == [
        ("good.wav", "done"),
        ("odd.wav", "failed"),
    ]


def test_a_library_that_is_deleted_under_the_server_is_written_anew(
    home: Path, tmp_path: Path
) -> None:
    session = Session(tmp_path / "first", home=home)
    kept, removed = add(session, "kept.wav"), add(session, "removed.wav")
    shutil.rmtree(home)
    session.change(kept, analysis=apply(ANALYSIS, Nudge(7)))
    session.remove(removed)
    session.add("new.wav")
    again = open_again(home, tmp_path)
    assert [song.name for song in again.songs()] == ["kept.wav", "new.wav"]
    assert [song.name for song in again.removed()] == ["removed.wav"]
    corrected = again.songs()[0].analysis
    assert corrected is not None
    assert corrected.edits == (Nudge(7),)


def test_a_damaged_result_is_found_when_the_song_is_opened(home: Path, tmp_path: Path) -> None:
    song = add(Session(tmp_path / "one", home=home))
    file = song.home / "song.json"
    file.write_text(file.read_text().replace('"beat_positions": [1', '"beat_positions": [99'))
    (again,) = open_again(home, tmp_path).songs()
    assert again.analysis is None
    assert again.state == "failed"
    assert "beat_positions" in again.message


def test_a_song_that_waited_is_queued_again_and_one_that_crashes_the_program_is_not(
    tmp_path: Path, home: Path
) -> None:
    first = Session(tmp_path / "one", home=home)
    waiting, deadly = first.add("waiting.wav"), first.add("deadly.wav")
    first.change(deadly, begun=2)
    first.change(deadly, state="working")
    states = {song.name: song.state for song in open_again(home, tmp_path).songs()}
    assert states == {"waiting.wav": "queued", "deadly.wav": "failed"}
    assert waiting.home.is_dir()


def test_a_removed_song_can_be_brought_back_also_after_a_restart(
    home: Path, tmp_path: Path
) -> None:
    first = Session(tmp_path / "one", home=home)
    one, two = add(first, "one.wav"), add(first, "two.wav")
    one.sound.write_bytes(b"sound")
    first.remove(one)
    assert not one.folder.exists()
    assert (first.songs(), first.removed()) == ([two], [one])
    assert [line["title"] for line in first.news()["bin"]] == ["one.wav"]
    again = open_again(home, tmp_path)
    assert [song.name for song in again.songs()] == ["two.wav"]
    (removed,) = again.removed()
    again.restore(removed)
    assert [song.name for song in again.songs()] == ["one.wav", "two.wav"]
    assert removed.analysis == ANALYSIS
    assert removed.source is not None
    assert removed.source.is_file()
    assert again.removed() == []


def test_a_song_that_is_deleted_for_good_leaves_no_files(home: Path, tmp_path: Path) -> None:
    session = Session(tmp_path / "one", home=home)
    song = add(session)
    session.remove(song)
    session.delete(song)
    session.change(song, name="a change that comes too late")
    assert [file for file in home.rglob("*") if file.is_file()] == []
    assert song.cancelled.is_set()


def test_the_bin_deletes_songs_after_thirty_days(home: Path, tmp_path: Path) -> None:
    session = Session(tmp_path / "one", home=home)
    old, fresh = add(session, "old.wav"), add(session, "fresh.wav")
    session.remove(old)
    session.remove(fresh)
    long_ago = time.time() - (BIN_DAYS + 1) * 86_400
    os.utime(old.home, (long_ago, long_ago))
    assert [song.name for song in open_again(home, tmp_path).removed()] == ["fresh.wav"]
    assert not old.home.exists()


def test_a_full_disk_loses_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(tmp_path / "one", home=home)
    song = add(session)
    corrected = apply(ANALYSIS, Nudge(-12))

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        full.setattr(songs_module, "RETRY", 0.05)
        session.change(song, analysis=corrected)
        assert song.analysis == corrected
        assert "No space left on device" in song.to_dict()["unsaved"]
        assert open_again(home, tmp_path).songs()[0].analysis == ANALYSIS
        assert sorted(f.name for f in song.home.iterdir()) == ["song.json", "upload"]
        seen = session.version
    deadline = time.monotonic() + 10
    while song.unsaved and time.monotonic() < deadline:
        time.sleep(0.01)
    assert song.unsaved == ""
    assert session.version > seen
    assert open_again(home, tmp_path).songs()[0].analysis == corrected


def test_old_decoded_sounds_are_deleted_for_new_ones(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(songs_module, "SOUND_BYTES", 100)
    session = Session(tmp_path / "one", home=home)
    played, idle, newest = (add(session, f"{n}.wav", frames=10) for n in range(3))
    for song in (played, idle, newest):
        song.sound.write_bytes(bytes(40))
    played.played = time.monotonic()
    idle.played = newest.played = time.monotonic() - 10_000
    session.make_room(newest)
    assert [song.frames for song in (played, idle, newest)] == [10, 0, 10]
    assert [song.sound.exists() for song in (played, idle, newest)] == [True, False, True]


def test_updates_contain_the_lines_that_changed(session: Session) -> None:
    one, two = session.add("one.mp3"), session.add("two.mp3")
    first = session.news()
    assert [line["name"] for line in first["songs"]] == ["one.mp3", "two.mp3"]
    session.change(two, stage="Listening")
    news = session.news(first["version"])
    assert [line["id"] for line in news["songs"]] == [two.id]
    assert news["ids"] == [one.id, two.id]


def test_each_tab_gets_every_change_until_the_session_is_closed(session: Session) -> None:
    async def listen() -> list[list[str]]:
        heard = [follow(session), follow(session)]
        firsts = [await anext(tab) for tab in heard]
        song = session.add("song.mp3")
        seconds = [await anext(tab) for tab in heard]
        session.close()
        assert all("song.mp3" in text for text in seconds)
        assert song.name not in firsts[0]
        rest = []
        for tab in heard:
            rest.append([text async for text in tab])
        return rest

    assert asyncio.run(listen()) == [[], []]


def test_without_a_library_one_tab_does_not_find_the_songs_of_another(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    song = sessions.open("a").add("song.mp3")
    assert sessions.open("b").find(song.id) is None
    assert sessions.find_song(song.id) == (sessions.open("a"), song)
    sessions.close("a")
    assert sessions.find_song(song.id) is None


def test_with_a_library_tabs_of_a_user_share_songs_and_users_do_not(
    tmp_path: Path, home: Path
) -> None:
    sessions = Sessions(tmp_path, home)
    anna = sessions.open("tab 1", "anna")
    song = anna.add("song.mp3")
    assert sessions.open("tab 2", "anna") is anna
    for name in ("otto", "Anna", ""):
        other = sessions.open(f"tab of {name}", name)
        assert other.songs() == []
        assert not other.home.is_relative_to(anna.home)
        assert sessions.find_song(song.id, name) is None
        assert sessions.find_session(anna.id, name) is None
    assert sessions.find_song(song.id, "anna") == (anna, song)
    sessions.close("tab 1")
    assert sessions.open("tab 2", "anna").songs() == [song]


def test_a_song_is_found_after_a_restart_before_any_tab_has_asked(
    tmp_path: Path, home: Path
) -> None:
    song = Sessions(tmp_path / "one", home).open("tab", "anna").add("song.mp3")
    after = Sessions(tmp_path / "two", home)
    assert after.find_song(song.id, "otto") is None
    found = after.find_song(song.id, "anna")
    assert found is not None
    assert found[1].name == "song.mp3"


def test_the_list_shows_the_tempo_that_the_page_shows(session: Session) -> None:
    song = session.add("song.mp3")
    analysis = Analysis("", 115, (), (), (), (), tempo=Tempo(116.02, 1.0))
    session.change(song, analysis=analysis)
    assert song.to_dict()["bpm"] == 116


def test_tags_name_a_song_also_when_it_is_read_again(home: Path, tmp_path: Path) -> None:
    session = Session(tmp_path / "session", home=home)
    for name in ("01.wav", "02.wav", "03.wav"):
        song = add(session, name)
        tagged = replace(ANALYSIS, tags=Tags("" if name == "03.wav" else "Morning", "The Days"))
        session.change(song, analysis=tagged)
    titles = ["The Days – Morning", "The Days – Morning (2)", "03.wav"]
    assert [song["title"] for song in session.news()["songs"]] == titles
    assert [song["name"] for song in session.news()["songs"]] == ["01.wav", "02.wav", "03.wav"]
    assert [song.title for song in open_again(home, tmp_path).songs()] == titles
