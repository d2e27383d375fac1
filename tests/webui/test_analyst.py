"""The process that analyses: finished, refused, stopped, killed, and restarted tasks."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from allin1_mlx.errors import AllInOneError, Cancelled
from allin1_mlx_ui.analyst import Analyst, Task, TaskResult, write_sound
from allin1_mlx_ui.choice import Choice

from ..support import analysts

QUICK = Choice("bundled")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Analyst]]:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2])  # for the process
    started = []

    def start(load: Any) -> Analyst:
        started.append(Analyst(load, QUICK))
        return started[-1]

    yield start
    for analyst in started:
        analyst.close()


@pytest.fixture
def make_task(tmp_path: Path) -> Callable[..., Task]:
    def make(name: str = "song.wav", *, seconds: float = 1.0, **more: Any) -> Task:
        source = tmp_path / name
        noise = np.random.default_rng(0).uniform(-1, 1, round(seconds * 44_100))
        soundfile.write(source, noise, 44_100)
        settings = {"choice": QUICK, "max_seconds": 60.0, **more}
        return Task(name, source, tmp_path / "sound.pcm", **settings)

    return make


def work(analyst: Analyst, task: Task, *, cancel_at: str = "") -> TaskResult:
    """Run a task, and cancel it when it reaches a stage."""
    cancelled = threading.Event()

    def report(stage: str, fraction: float) -> None:
        if stage == cancel_at:
            cancelled.set()

    return analyst.work(task, report=report, cancelled=cancelled)


def test_a_song_is_decoded_and_analysed(
    start: Callable[..., Analyst], make_task: Callable[..., Task]
) -> None:
    task = make_task()
    outcome = work(start(analysts.Quick), task)
    assert outcome.analysis is not None
    assert outcome.analysis.path == "song.wav"
    assert outcome.frames == 44_100
    assert task.sound.stat().st_size == 4 * 44_100
    assert len(outcome.envelope.peak) == 100


def test_a_song_can_be_decoded_only(
    start: Callable[..., Analyst], make_task: Callable[..., Task]
) -> None:
    outcome = work(start(analysts.unavailable), make_task(choice=None))
    assert outcome.analysis is None
    assert outcome.frames == 44_100


@pytest.mark.parametrize("load", [analysts.Patient, analysts.Deaf])
def test_cancelling_ends_a_computation_that_would_never_end(
    start: Callable[..., Analyst], make_task: Callable[..., Task], load: Any
) -> None:
    analyst = start(load)
    analyst.start()
    cancelled = threading.Event()
    stages: list[str] = []

    def report(stage: str, fraction: float) -> None:
        stages.append(stage)
        if stage == "network":
            cancelled.set()

    with pytest.raises(Cancelled):
        analyst.work(make_task(), report=report, cancelled=cancelled)
    assert stages[-1] == "network"


def test_after_a_cancelled_song_the_next_one_is_analysed(
    start: Callable[..., Analyst], make_task: Callable[..., Task]
) -> None:
    analyst = start(analysts.Deaf)
    with pytest.raises(Cancelled):
        work(analyst, make_task(), cancel_at="network")
    assert work(analyst, make_task(choice=None)).frames == 44_100


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("silent.wav", "silent.wav: silence all over"),
        ("odd.wav", "odd.wav: unexpected fault: ZeroDivisionError: 7 / 0"),
        ("huge.wav", "huge.wav: too long for this computer's memory"),
        ("deadly.wav", "deadly.wav: the process was ended by the system"),
    ],
)
def test_every_failure_is_reported_and_the_next_song_is_analysed(
    start: Callable[..., Analyst],
    make_task: Callable[..., Task],
    caplog: pytest.LogCaptureFixture,
    name: str,
    message: str,
) -> None:
    analyst = start(analysts.Moody)
    with pytest.raises(AllInOneError) as refusal:
        work(analyst, make_task(name))
    assert str(refusal.value).startswith(message)
    assert ("Traceback" in caplog.text) == (name == "odd.wav")
    assert work(analyst, make_task("fine.wav")).analysis is not None


def test_a_restarted_process_is_a_new_one(
    start: Callable[..., Analyst], make_task: Callable[..., Task]
) -> None:
    analyst = start(analysts.Quick)
    analyst.start()
    first = {process.pid for process in multiprocessing.active_children()}
    analyst.renew()
    assert {process.pid for process in multiprocessing.active_children()} == first
    work(analyst, make_task())
    analyst.renew()
    assert first.isdisjoint(process.pid for process in multiprocessing.active_children())
    assert work(analyst, make_task()).frames == 44_100


def test_missing_weights_are_reported_for_each_song(
    start: Callable[..., Analyst], make_task: Callable[..., Task]
) -> None:
    analyst = start(analysts.unavailable)
    for _ in range(2):
        with pytest.raises(AllInOneError, match="harmonix-all: not found"):
            work(analyst, make_task(choice=Choice("harmonix-all")))


def test_each_song_is_analysed_by_the_network_of_its_choice(
    start: Callable[..., Analyst], make_task: Callable[..., Task]
) -> None:
    analyst = start(analysts.Quick)
    for model in ("bundled", "harmonix-fold1", "harmonix-fold1", "bundled"):
        outcome = work(analyst, make_task(choice=Choice(model)))
        assert outcome.analysis is not None
        assert outcome.analysis.model == model


def test_a_song_that_is_too_long_is_refused(
    start: Callable[..., Analyst], make_task: Callable[..., Task]
) -> None:
    with pytest.raises(AllInOneError, match=r"^song.wav: "):
        work(start(analysts.Quick), make_task(seconds=10, max_seconds=6.0))


def test_the_sound_is_what_was_decoded(tmp_path: Path) -> None:
    stereo = np.array([[0.0, 0.5], [1.0, -0.5], [-1.0, 0.25]], np.float32)
    mono = np.array([[2.0], [-0.25]], np.float32)
    passed = list(write_sound(tmp_path / "sound.pcm", iter([stereo, mono])))
    assert passed[0] is stereo
    assert passed[1] is mono
    written = np.fromfile(tmp_path / "sound.pcm", "<i2").reshape(-1, 2)
    assert written.tolist() == [
        *([0, 16384], [32767, -16384], [-32767, 8192], [32767, 32767], [-8192, -8192]),
    ]
