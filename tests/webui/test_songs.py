"""Sessions: their songs, their files, and the news of them."""

import threading
from pathlib import Path

import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.types import Tempo
from allin1_mlx_ui.songs import Session, Sessions


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "session")


def test_a_removed_song_leaves_no_files(session: Session) -> None:
    song = session.add("song.mp3")
    song.sound.write_bytes(b"sound")
    session.remove(song)
    assert not song.folder.exists()
    assert song.cancelled.is_set()
    assert session.find(song.id) is None


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


def test_following_tells_every_end_and_stops_there(session: Session) -> None:
    song = session.add("song.mp3")
    seen = []

    def follow() -> None:
        seen.extend(news["songs"][0]["state"] for news in session.follow(interval=0.001))

    follower = threading.Thread(target=follow)
    follower.start()
    session.change(song, state="working")
    session.change(song, state="done")
    follower.join(timeout=5)
    assert not follower.is_alive()
    assert seen[-1] == "done"


def test_following_ends_when_the_page_is_closed_or_follows_anew(session: Session) -> None:
    session.add("song.mp3")
    first = session.follow(interval=0)
    next(first)
    second = session.follow(interval=0)
    next(second)
    assert list(first) == []
    session.close()
    assert list(second) == []


def test_an_empty_list_is_told_once(session: Session) -> None:
    assert [news["songs"] for news in session.follow()] == [[]]


def test_one_session_does_not_find_the_songs_of_another(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    song = sessions.open("a").add("song.mp3")
    assert sessions.open("b").find(song.id) is None
    assert sessions.find_song(song.id) == (sessions.open("a"), song)
    sessions.close("a")
    assert sessions.find_song(song.id) is None


def test_the_list_shows_the_tempo_that_the_page_shows(session: Session) -> None:
    song = session.add("song.mp3")
    analysis = Analysis("", 115, (), (), (), (), tempo=Tempo(116.02, 1.0))
    session.change(song, analysis=analysis)
    assert song.to_dict()["bpm"] == 116
