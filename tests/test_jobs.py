"""The worker: one song at a time, every end told, cancelled when asked."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from allin1_mlx.errors import AudioError
from allin1_mlx.types import Analysis
from allin1_mlx_ui.jobs import Worker, write_sound
from allin1_mlx_ui.songs import Session, Song


class Listener:
    """Something that analyses in as many steps as it is let."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.running = 0

    def analyze(self, audio: Any, *, path: str, on_progress: Callable[..., None], **_: Any) -> Any:
        self.running += 1
        assert self.running == 1
        try:
            on_progress("network", 0.5)
            self.began.set()
            while not self.go_on.wait(0.01):
                on_progress("network", 0.5)
            if self.fault is not None:
                raise self.fault
        finally:
            self.running -= 1
        return Analysis(path, None, (), (), (), ())


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "session")


@pytest.fixture
def start() -> Iterator[Callable[..., Worker]]:
    workers = []

    def start(listener: Any, **more: Any) -> Worker:
        settings = {"max_minutes": 1.0, **more}
        workers.append(Worker(lambda: listener, **settings))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def add(session: Session, *, seconds: float = 1.0) -> Song:
    song = session.add("song.wav")
    song.source = song.folder / "song.wav"
    noise = np.random.default_rng(0).uniform(-1, 1, round(seconds * 44_100))
    soundfile.write(song.source, noise, 44_100)
    return song


def wait_for(session: Session, song: Song) -> str:
    for _ in session.follow(interval=0.001):
        if song.finished:
            break
    return song.state


def test_a_song_goes_from_queued_to_done(session: Session, start: Callable[..., Worker]) -> None:
    listener = Listener()
    song = add(session)
    start(listener).submit(session, song)
    assert listener.began.wait(5)
    assert song.state == "working"
    assert song.stage == "Listening for beats and sections"
    listener.go_on.set()
    assert wait_for(session, song) == "done"
    assert (song.frames, song.revision, song.fraction) == (44_100, 1, 1.0)
    assert song.sound.stat().st_size == 4 * 44_100


def test_cancelling_stops_the_computation(session: Session, start: Callable[..., Worker]) -> None:
    listener = Listener()
    song = add(session)
    start(listener).submit(session, song)
    assert listener.began.wait(5)
    song.cancelled.set()
    assert wait_for(session, song) == "cancelled"
    assert listener.running == 0


def test_one_song_at_a_time(session: Session, start: Callable[..., Worker]) -> None:
    listener = Listener()
    worker = start(listener)
    songs = [add(session) for _ in range(3)]
    for song in songs:
        worker.submit(session, song)
    assert listener.began.wait(5)
    assert [song.state for song in songs] == ["working", "queued", "queued"]
    listener.go_on.set()
    assert [wait_for(session, song) for song in songs] == ["done"] * 3


def test_a_fault_is_told_and_the_next_song_goes_on(
    session: Session, start: Callable[..., Worker]
) -> None:
    listener = Listener(AudioError("song.wav: silence all over"))
    listener.go_on.set()
    worker = start(listener)
    first, second = add(session), add(session)
    worker.submit(session, first)
    assert wait_for(session, first) == "failed"
    assert first.message == "song.wav: silence all over"
    listener.fault = None
    worker.submit(session, second)
    assert wait_for(session, second) == "done"


def test_an_unforeseen_fault_is_told_too(
    session: Session, start: Callable[..., Worker], caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener(ZeroDivisionError("7 / 0"))
    listener.go_on.set()
    song = add(session)
    start(listener).submit(session, song)
    assert wait_for(session, song) == "failed"
    assert "7 / 0" in song.message
    assert "ZeroDivisionError" in caplog.text


def test_a_song_that_is_too_long_is_refused(session: Session, start: Callable[..., Worker]) -> None:
    song = add(session, seconds=10)
    start(Listener(), max_minutes=0.1).submit(session, song)
    assert wait_for(session, song) == "failed"
    assert song.message.startswith("song.wav: ")


def test_the_sound_is_what_was_decoded(session: Session) -> None:
    song = session.add("song.wav")
    samples = np.array([[0.0, 1.0, -1.0, 2.0], [0.5, -0.5, 0.25, -2.0]], np.float32)
    assert write_sound(song, samples) == 4
    written = np.fromfile(song.sound, "<i2").reshape(-1, 2)
    assert written.tolist() == [[0, 16384], [32767, -16384], [-32767, 8192], [32767, -32767]]
