"""The choice of the network and of the stems: what it costs, and what is fetched for it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import soundfile

from allin1_mlx.types import SAMPLE_RATE
from allin1_mlx.weights.registry import FOLDS

from ..support.mirrors import Mirror, open_mirror
from ..support.small import write_network
from .visits import Server, Visit, compose

TERMS = 'others who redistribute them quote "personal and research use only"'


class Online(NamedTuple):
    """A server that may download, and all that it can download from."""

    server: Server
    mirror: Mirror


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where harmonix-all is: eight random networks, small ones."""
    folder = tmp_path_factory.mktemp("networks")
    write_network(folder)
    for fold in range(FOLDS):
        for suffix in (".npz", ".json"):
            shutil.copy(folder / f"small{suffix}", folder / f"harmonix-fold{fold}_mlx{suffix}")
    return folder


@pytest.fixture(scope="module")
def online(
    start_server: Callable[..., Server],
    networks: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Online]:
    """What is missing there is the separator, which takes a minute to come."""
    with open_mirror(pace=0.02) as mirror:
        server = start_online(start_server, mirror, tmp_path_factory, "--weights-dir", networks)
        yield Online(server, mirror)
        server.stop()


def start_online(
    start_server: Callable[..., Server],
    mirror: Mirror,
    folders: pytest.TempPathFactory,
    *options: str | Path,
) -> Server:
    return start_server(
        *map(str, options),
        offline=False,
        ALLIN1_MLX_OFFLINE="0",
        ALLIN1_MLX_WEIGHTS_URL=mirror.url,
        ALLIN1_MLX_CACHE=str(folders.mktemp("cache")),
        TORCH_HOME=str(folders.mktemp("torch")),
    )


@pytest.fixture
def seen(visit: Callable[..., Visit], online: Online) -> Iterator[Visit]:
    """The page with the choice opened, and what was asked of the mirror forgotten."""
    online.mirror.asked.clear()
    opened = visit(online.server.url)
    open_choice(opened)
    yield opened
    online.mirror.gone = False
    if opened.page.get_by_role("button", name="Cancel the download").is_visible():
        opened.page.get_by_role("button", name="Cancel the download").click()
    opened.page.locator(".delivery").wait_for(state="hidden")
    if not opened.page.locator(".choice details[open]").count():
        open_choice(opened)
    opened.page.get_by_label("Automatic").check()
    opened.page.get_by_label("Harmonix").check()
    wait_for_network(opened, "Harmonix")


def open_choice(seen: Visit) -> None:
    seen.page.locator(".choice summary").click()
    seen.page.locator(".choice legend").first.wait_for()


def wait_for_network(seen: Visit, name: str) -> None:
    seen.page.locator(".choice summary b", has_text=name).wait_for(timeout=60_000)


def ask_for_separator(seen: Visit) -> None:
    seen.page.get_by_label("Separator").check()
    seen.page.get_by_role("button", name="Download and use").wait_for()


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds that have to be analysed."""
    path = tmp_path_factory.mktemp("new") / "my song.wav"
    soundfile.write(path, compose(8.0).T, SAMPLE_RATE, "PCM_16")
    return path


def test_size_and_terms_are_shown_and_nothing_is_downloaded_before_consent(
    seen: Visit, online: Online
) -> None:
    ask_for_separator(seen)
    offer = seen.page.get_by_role("group", name="Download", exact=True).inner_text()
    assert "84.1 MB" in offer
    assert TERMS in offer
    assert "Your songs stay on this computer" in offer
    seen.page.get_by_role("button", name="Not now").click()
    seen.page.get_by_role("group", name="Download", exact=True).wait_for(state="hidden")
    assert seen.page.get_by_label("Automatic").is_checked()
    assert online.mirror.asked == []


def test_a_download_is_shown_makes_songs_wait_and_can_be_cancelled(
    seen: Visit, online: Online, song: Path
) -> None:
    ask_for_separator(seen)
    seen.page.get_by_role("button", name="Download and use").click()
    arriving = seen.page.locator(".delivery", has_text="Downloading Separator (htdemucs)")
    arriving.filter(has_text="of 84.1 MB").wait_for()
    seen.page.wait_for_function("document.querySelector('.delivery progress').value > 0.002")
    seen.upload(song)
    row = seen.page.locator(".songs li", has_text="Downloading Separator (htdemucs): ")
    row.filter(has_text=" of 84.1 MB").wait_for()
    assert seen.page.locator(".choice input:enabled").count() == 0
    seen.page.get_by_role("button", name="Cancel the download").click()
    arriving.wait_for(state="hidden")
    seen.wait_for("done")
    seen.wait_for_timeline()
    assert "Analysis model: Harmonix" in seen.page.locator(".facts").inner_text()
    assert len(online.mirror.asked) == 1


def test_a_failed_download_is_shown_and_the_choice_stays(seen: Visit, online: Online) -> None:
    online.mirror.gone = True
    ask_for_separator(seen)
    seen.page.get_by_role("button", name="Download and use").click()
    alert = seen.page.locator(".choice").get_by_role("alert")
    alert.filter(has_text="Separator (htdemucs) could not be downloaded: ").wait_for()
    assert "404" in alert.inner_text()
    assert "The analysis model stays: Harmonix." in alert.inner_text()
    online.mirror.gone = False
    seen.page.locator(".choice").get_by_role("button", name="Try again").click()
    seen.page.locator(".delivery", has_text="of 84.1 MB").wait_for()


def test_the_menu_says_that_the_built_in_network_needs_no_stems(seen: Visit, song: Path) -> None:
    seen.page.get_by_label("Built-in").check()
    wait_for_network(seen, "Built-in")
    assert seen.page.get_by_text("there is nothing to take apart").is_visible()
    assert seen.page.get_by_label("Separator").is_disabled()
    seen.upload(song)
    seen.wait_for("done")
    seen.wait_for_timeline()
    assert "Analysis model: Built-in" in seen.page.locator(".facts").inner_text()
    seen.page.reload()
    wait_for_network(seen, "Built-in")  # as long as the server runs


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_choice_applies_to_all_pages(
    visit: Callable[..., Visit], online: Online, axe: str, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 844}
    mine = visit(online.server.url, color_scheme=scheme, viewport=size, reduced_motion="reduce")
    open_choice(mine)
    ask_for_separator(mine)
    assert mine.violations(axe) == []
    assert mine.run("document.documentElement.scrollWidth") <= width
    mine.page.get_by_role("button", name="Download and use").click()
    mine.page.get_by_role("button", name="Cancel the download").wait_for()
    assert mine.violations(axe) == []
    mine.page.get_by_role("button", name="Cancel the download").click()
    mine.page.locator(".delivery").wait_for(state="hidden")


def test_named_weights_are_downloaded_at_the_start_and_their_terms_are_shown(
    start_server: Callable[..., Server],
    visit: Callable[..., Visit],
    networks: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with open_mirror(pace=0.02) as mirror:
        options = ("--weights-dir", networks, "-m", "harmonix-fold1", "--demix", "htdemucs")
        server = start_online(start_server, mirror, tmp_path_factory, *options)
        try:
            assert TERMS in server.first_words
            mine = visit(server.url)
            mine.page.locator(".delivery", has_text="of 84.1 MB").wait_for()
            wait_for_network(mine, "harmonix-fold1")
        finally:
            assert server.stop() == 0


def test_a_downloaded_network_analyses_the_next_song(
    start_server: Callable[..., Server],
    visit: Callable[..., Visit],
    shared: Path,
    song: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with open_mirror(shared / "weights") as mirror:
        server = start_online(start_server, mirror, tmp_path_factory)
        try:
            mine = visit(server.url)
            line = mine.page.locator(".choice summary")
            line.filter(has_text="A larger one can be downloaded (10.1 MB, MIT License)").wait_for()
            open_choice(mine)
            mine.page.get_by_label("Harmonix").check()
            offer = mine.page.get_by_role("group", name="Download", exact=True)
            assert "MIT License, Copyright (c) 2023 Taejun Kim" in offer.inner_text()
            assert mirror.asked == []
            mine.page.get_by_role("button", name="Download and use").click()
            wait_for_network(mine, "Harmonix")
            mine.upload(song)
            mine.wait_for("done")
            mine.wait_for_timeline()
            assert "Analysis model: Harmonix" in mine.page.locator(".facts").inner_text()
            assert len(mirror.asked) == 2 * FOLDS
        finally:
            server.stop()


def test_offline_the_menu_says_why_nothing_can_be_downloaded(visit: Callable[..., Visit]) -> None:
    mine = visit()
    open_choice(mine)
    assert mine.page.get_by_label("Harmonix").is_disabled()
    away = mine.page.get_by_text("Not on this computer, and downloads are switched off.")
    assert away.first.is_visible()
