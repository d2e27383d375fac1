"""The choice of the model: what exists, what is downloaded, and only after consent."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from allin1_mlx.errors import Cancelled
from allin1_mlx.weights import WEIGHTS_DIR, Access, cache_dir
from allin1_mlx.weights.registry import FOLDS, HTDEMUCS_FILE
from allin1_mlx_ui.choice import Choice, Choices
from allin1_mlx_ui.offers import describe_choices

from ..support.mirrors import Mirror, open_mirror

HARMONIX = Choice("harmonix-all")
SEPARATED = Choice("harmonix-all", "htdemucs")


@pytest.fixture(autouse=True)
def _closed_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, and a current folder of its own."""
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "0")
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def slow() -> Iterator[Mirror]:
    """A mirror that sends about a megabyte per second of zeros, which fail verification."""
    with open_mirror(pace=0.02) as mirror:
        yield mirror


@pytest.fixture
def harmonix(tmp_path: Path) -> None:
    """Files of the names of all eight folds."""
    (tmp_path / WEIGHTS_DIR).mkdir()
    for fold in range(FOLDS):
        for suffix in (".npz", ".yaml"):
            (tmp_path / WEIGHTS_DIR / f"harmonix-fold{fold}_mlx{suffix}").touch()


@pytest.fixture
def start() -> Iterator[Callable[..., Choices]]:
    started = []

    def start(url: str = "http://127.0.0.1:9/", choice: Choice | None = None) -> Choices:
        started.append(Choices(choice or Choice(), Access(url=url)))
        return started[-1]

    yield start
    for choices in started:
        choices.close()


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nothing_is_downloaded_before_the_user_agreed(
    slow: Mirror, start: Callable[..., Choices]
) -> None:
    choices = start(slow.url)
    describe_choices(choices)
    assert choices.wait(threading.Event(), report=print) == Choice("bundled")
    choices.choose(HARMONIX)
    assert choices.current == Choice("bundled")
    assert choices.delivery is None
    assert slow.asked == []


def test_a_running_download_is_shown_and_songs_wait_for_it(
    slow: Mirror, start: Callable[..., Choices], harmonix: None
) -> None:
    choices = start(slow.url)
    choices.choose(SEPARATED, agreed=True)
    shares: list[int] = []
    cancelled = threading.Event()

    def record(delivery: object) -> None:
        shares.append(describe_choices(choices)["delivery"]["share"])
        if shares[-1] > 0.005:
            cancelled.set()

    with pytest.raises(Cancelled):
        choices.wait(cancelled, report=record)
    assert shares == sorted(shares)
    text = describe_choices(choices)["delivery"]["text"]
    assert text.startswith("Downloading Separator (htdemucs): ")
    assert text.endswith(" of 84.1 MB")


def test_a_cancelled_download_keeps_the_choice_and_can_be_resumed(
    slow: Mirror, start: Callable[..., Choices], harmonix: None
) -> None:
    choices = start(slow.url, Choice("bundled"))
    choices.choose(SEPARATED, agreed=True)
    wait_until(lambda: choices.delivery and choices.delivery.arrived > 100_000)
    choices.cancel()
    assert choices.delivery is None
    assert choices.wait(threading.Event(), report=print) == Choice("bundled")
    threads = [t for t in threading.enumerate() if t.name == "delivery"]
    for thread in threads:
        thread.join(timeout=5)
        assert not thread.is_alive()
    assert list((cache_dir().parent / "partial").iterdir()) != []
    choices.choose(SEPARATED, agreed=True)
    assert choices.delivery is not None
    wait_until(lambda: choices.delivery and choices.delivery.arrived > 100_000)
    assert len(slow.asked) == 2


def test_a_failed_download_keeps_the_choice_and_shows_the_reason(
    start: Callable[..., Choices],
) -> None:
    choices = start()
    choices.choose(HARMONIX, agreed=True)
    wait_until(lambda: choices.delivery and choices.delivery.state == "failed", 6.0)
    menu = describe_choices(choices)
    assert (
        "Harmonix could not be downloaded: 127.0.0.1:9 cannot be reached"
        in menu["delivery"]["text"]
    )
    assert menu["delivery"]["text"].endswith("The analysis model stays: Built-in.")
    assert menu["model"] == "bundled"
    choices.choose(Choice("bundled"))
    assert choices.delivery is None


def test_files_that_are_not_the_published_ones_are_refused(
    start: Callable[..., Choices],
) -> None:
    with open_mirror() as zeros:
        choices = start(zeros.url)
        choices.choose(HARMONIX, agreed=True)
        wait_until(lambda: choices.delivery and choices.delivery.state == "failed")
    assert "SHA-256" in describe_choices(choices)["delivery"]["text"]
    assert list(cache_dir().iterdir()) == []


def test_a_finished_download_is_used(shared: Path, start: Callable[..., Choices]) -> None:
    with open_mirror(shared / "weights") as mirror:
        choices = start(mirror.url)
        choices.choose(Choice("harmonix-fold2", "spectral"), agreed=True)
        chosen = choices.wait(threading.Event(), report=lambda delivery: None)
        assert chosen == Choice("harmonix-fold2", "spectral")
        assert mirror.asked == ["harmonix-fold2_mlx.yaml", "harmonix-fold2_mlx.npz"]
        assert choices.missing(chosen) == {}
        shares = describe_choices(choices)
        assert (shares["inForce"], shares["delivery"]) == ("harmonix-fold2", None)
        choices.choose(HARMONIX, agreed=True)
        assert choices.wait(threading.Event(), report=lambda delivery: None) == HARMONIX
        assert len(mirror.asked) == 16
    assert Choices(Choice(), Access()).current == Choice("bundled")  # the cache does not decide
    assert Choices(Choice(), Access(shared / "weights")).current == HARMONIX


def test_offline_no_download_is_offered_and_the_reason_is_shown() -> None:
    choices = Choices(Choice(), Access(offline=True))
    choices.choose(HARMONIX, agreed=True)
    assert choices.delivery is None
    shares = describe_choices(choices)
    assert (shares["offers"], shares["hint"]) == ({}, "")
    reasons = {option["value"]: option["unavailable"] for option in shares["models"]}
    assert reasons["bundled"] == ""
    assert "downloads are switched off" in reasons["harmonix-all"]


def test_size_source_and_terms_are_shown_before_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = describe_choices(Choices(Choice(), Access()))
    assert shares["hint"] == "A larger one can be downloaded (10.1 MB, MIT License)"
    offer = shares["offers"]["htdemucs"]
    assert (offer["size"], offer["host"]) == ("84.1 MB", "dl.fbaipublicfiles.com")
    assert offer["terms"].startswith("the authors' code is MIT; the weights carry no licence")
    assert offer["terms"].endswith('"personal and research use only"')
    offer = shares["offers"]["harmonix-all"]
    assert (offer["size"], offer["host"]) == ("10.1 MB", "raw.githubusercontent.com")
    assert offer["terms"] == "MIT License, Copyright (c) 2023 Taejun Kim"
    needs = {option["value"]: option["needs"] for option in shares["models"] + shares["demixes"]}
    assert [name for name in needs if needs[name]] == ["harmonix-all", "htdemucs"]
    assert "nothing to take apart" in shares["noStems"]["bundled"]


def test_an_existing_separator_is_not_downloaded(tmp_path: Path) -> None:
    (tmp_path / HTDEMUCS_FILE.name).touch()
    choices = Choices(Choice(), Access(tmp_path))
    assert "htdemucs" not in describe_choices(choices)["offers"]
    assert choices.missing(Choice("bundled", "htdemucs")) == {}


def test_weights_without_their_configuration_are_reported(tmp_path: Path) -> None:
    (tmp_path / "harmonix-fold0_mlx.npz").touch()
    shares = describe_choices(Choices(Choice(), Access(tmp_path)))
    [reason] = [o["unavailable"] for o in shares["models"] if o["value"] == "harmonix-all"]
    assert "no configuration beside it" in reason


def test_names_that_do_not_exist_change_nothing(start: Callable[..., Choices]) -> None:
    choices = start()
    for choice in (Choice("../x"), Choice("bundled", [])):  # type: ignore[arg-type]
        choices.choose(choice, agreed=True)
    assert choices.current == Choice("bundled")
