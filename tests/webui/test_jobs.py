"""The queue of songs: one at a time, in order, and each end is recorded."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from allin1_mlx.analysis import Analysis
from allin1_mlx.edits import ShiftDownbeat, apply
from allin1_mlx.weights import Access
from allin1_mlx_ui.analyst import Analyst
from allin1_mlx_ui.choice import Choice, Choices
from allin1_mlx_ui.jobs import Worker
from allin1_mlx_ui.song import Song
from allin1_mlx_ui.songs import Session

from ..support import analysts
from ..support.mirrors import open_mirror


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "session")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Worker]]:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2])  # for the process
    workers = []

    def start(load: Any, choices: Choices | None = None) -> Worker:
        settled = choices or Choices(Choice("bundled"), Access(offline=True))
        analyst = Analyst(load, settled.current)
        workers.append(Worker(analyst, settled, max_minutes=1.0))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def add(session: Session, name: str = "song.wav") -> Song:
    song = session.add(name)
    song.source = song.home / name
    noise = np.random.default_rng(0).uniform(-1, 1, 44_100)
    soundfile.write(song.source, noise, 44_100)
    return song


def wait_for(session: Session, song: Song, *states: str) -> str:
    deadline = time.monotonic() + 60
    while song.state not in (states or ("done", "failed", "cancelled")):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return song.state


def test_a_song_goes_from_queued_to_done(session: Session, start: Callable[..., Worker]) -> None:
    song = add(session)
    start(analysts.Quick).submit(session, song)
    assert wait_for(session, song) == "done"
    assert (song.frames, song.revision, song.fraction) == (44_100, 1, 1.0)
    assert song.analysis is not None
    assert song.notice == "using quick; nothing else was found"
    assert song.stage == "Listening for beats and sections"


def test_one_song_at_a_time_and_one_can_be_cancelled(
    session: Session, start: Callable[..., Worker]
) -> None:
    worker = start(analysts.Patient)
    songs = [add(session) for _ in range(3)]
    for song in songs:
        worker.submit(session, song)
    assert wait_for(session, songs[0], "working") == "working"
    assert [song.state for song in songs[1:]] == ["queued", "queued"]
    for song in songs:
        song.cancelled.set()
    assert [wait_for(session, song) for song in songs] == ["cancelled"] * 3


def test_a_failure_does_not_stop_the_others(session: Session, start: Callable[..., Worker]) -> None:
    worker = start(analysts.Moody)
    songs = [add(session, name) for name in ("silent.wav", "fine.wav")]
    for song in songs:
        worker.submit(session, song)
    assert [wait_for(session, song) for song in songs] == ["failed", "done"]
    assert songs[0].message == "silent.wav: silence all over"


def test_an_opened_result_keeps_its_values(session: Session, start: Callable[..., Worker]) -> None:
    song = add(session)
    opened = Analysis("song.wav", 99, (), (), (), (), audio_sha256="0" * 64)
    session.change(song, analysis=opened, state="done", revision=1)
    start(analysts.Quick).submit(session, song)
    assert wait_for(session, song) == "done"
    assert song.analysis is opened
    assert (song.frames, song.revision) == (44_100, 2)
    assert "not the file that the result was made from" in song.warnings[0]


@pytest.mark.parametrize(
    ("renewing", "downbeats", "bpm"), [("keep", (1.0,), 60), ("drop", (0.5,), 120)]
)
def test_corrections_are_kept_or_dropped_when_a_song_is_analysed_again(
    session: Session, start: Callable[..., Worker], renewing: str, downbeats: Any, bpm: int
) -> None:
    song = add(session)
    old = Analysis("song.wav", 60, (0.5, 1.0), (0.5,), (1, 2), (), duration=1.0)
    corrected = apply(old, ShiftDownbeat(1))
    session.change(song, analysis=corrected, state="done", undone=(ShiftDownbeat(1),))
    session.change(song, renewing=renewing)
    start(analysts.Quick).submit(session, song)
    assert wait_for(session, song) == "done"
    assert song.analysis is not None
    assert (song.analysis.downbeats, song.analysis.detection is None) == (
        downbeats,
        renewing == "drop",
    )
    assert (song.renewing, song.undone) == ("", ())


def test_a_second_analysis_that_is_cancelled_leaves_the_first(
    session: Session, start: Callable[..., Worker]
) -> None:
    song = add(session)
    opened = Analysis("song.wav", 99, (), (), (), ())
    session.change(song, analysis=opened, renewing="drop")
    start(analysts.Patient).submit(session, song)
    assert wait_for(session, song, "working") == "working"
    song.cancelled.set()
    assert wait_for(session, song) == "done"
    assert song.analysis is opened
    assert song.renewing == ""


def test_what_was_removed_stays_removed(session: Session, start: Callable[..., Worker]) -> None:
    song, after = add(session), add(session)
    worker = start(analysts.Patient)
    worker.submit(session, song)
    assert wait_for(session, song, "working") == "working"
    session.remove(song)
    worker.submit(session, after)
    assert wait_for(session, after, "working") == "working"
    assert not song.folder.exists()


def test_a_song_waits_for_a_download_and_continues_when_it_is_cancelled(
    session: Session,
    start: Callable[..., Worker],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "0")
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path / "cache"))
    for suffix in (".npz", ".yaml"):
        (tmp_path / f"harmonix-fold0_mlx{suffix}").touch()
    with open_mirror(pace=0.02) as mirror:
        choices = Choices(Choice("bundled"), Access(tmp_path, url=mirror.url))
        choices.choose(Choice("harmonix-fold0", "htdemucs"), agreed=True)
        worker = start(analysts.Quick, choices)
        songs = [add(session), add(session)]
        for song in songs:
            worker.submit(session, song)
        while not songs[0].stage:
            time.sleep(0.002)
        assert songs[0].state == "queued"
        assert re.fullmatch(
            r"Downloading Separator \(htdemucs\): [\d.]+ of 84\.1 MB", songs[0].stage
        )
        songs[0].cancelled.set()
        assert wait_for(session, songs[0]) == "cancelled"
        choices.cancel()
        assert wait_for(session, songs[1]) == "done"
        assert songs[1].analysis is not None
        assert songs[1].analysis.model == "bundled"
        choices.close()


def test_a_song_reports_that_its_network_is_missing(
    session: Session, start: Callable[..., Worker], tmp_path: Path
) -> None:
    song = add(session)
    start(analysts.Quick, Choices(Choice("harmonix-fold0"), Access(tmp_path))).submit(session, song)
    assert wait_for(session, song) == "failed"
    assert song.message.startswith("song.wav: harmonix-fold0 is not on this computer; download it")
