"""Taking files in: folders, many at once, the same twice, a result before its song."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from allin1_mlx.types import SAMPLE_RATE

from .visits import Known, Server, Visit


def write_noise(path: Path, seed: int, seconds: float = 1.0, *, silence: float = 0.0) -> Path:
    """Noise that is another for each seed, then seconds of silence."""
    noise = np.random.default_rng(seed).uniform(-0.1, 0.1, round(seconds * SAMPLE_RATE))
    noise = np.concatenate([noise, np.zeros(round(silence * SAMPLE_RATE))])
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise, SAMPLE_RATE)
    return path


def drop(seen: Visit, *paths: Path) -> None:
    """Drop files and folders on the page as a user does."""
    devtools = seen.page.context.new_cdp_session(seen.page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 300, "y": 300, "data": data}
        devtools.send("Input.dispatchDragEvent", event)


def wait_for_rows(seen: Visit, count: int, state: str = "", *, timeout: float = 60) -> None:
    rows = f".songs li[data-state={state}]" if state else ".songs li"
    script = f"document.querySelectorAll('{rows}').length === {count}"
    seen.page.wait_for_function(script, timeout=1000 * timeout)


def news(seen: Visit) -> str:
    return seen.page.locator(".dropzone .news").inner_text()


def test_a_dropped_folder_is_taken_with_its_subfolders(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    album = tmp_path / "album"
    for number in (10, 2):
        write_noise(album / f"track {number}.wav", number)
    write_noise(album / "cd 2" / "deep" / "track 11.wav", 11)
    write_noise(album / ".hidden.wav", 12)
    write_noise(album / ".trash" / "old.wav", 13)
    (album / "cover.jpg").write_bytes(b"picture")
    (album / "cd 2" / "notes.txt").write_text("notes")
    alone = write_noise(tmp_path / "alone.wav", 14)
    seen = visit()
    drop(seen, album, alone)
    wait_for_rows(seen, 4, "done")
    names = seen.page.locator(".songs .name").all_inner_texts()
    assert names == ["track 11.wav", "track 2.wav", "track 10.wav", "alone.wav"]
    assert news(seen) == "2 other files were left out."


def test_a_folder_can_be_chosen(visit: Callable[..., Visit], tmp_path: Path) -> None:
    album = tmp_path / "album"
    for number in (10, 2):
        write_noise(album / f"track {number}.wav", number)
    (album / "cover.jpg").write_bytes(b"picture")
    seen = visit()
    seen.page.set_input_files("#dropzone .folder input", str(album))
    wait_for_rows(seen, 2, "done")
    names = seen.page.locator(".songs .name").all_inner_texts()
    assert names == ["track 2.wav", "track 10.wav"]


def test_an_empty_folder_leaves_the_page_as_it_is(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    seen = visit()
    drop(seen, tmp_path / "empty")
    seen.page.get_by_text("no music in it").wait_for()
    assert "has-songs" not in (seen.page.locator("body").get_attribute("class") or "").split()


def test_many_songs_are_counted_and_can_be_cancelled_at_once(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    paths = [write_noise(tmp_path / f"{n:02}.flac", n, 0.2, silence=120.0) for n in range(24)]
    seen = visit()
    seen.upload(*paths)
    wait_for_rows(seen, 24)
    listed = seen.page.locator(".songs ul")
    assert listed.evaluate("(list) => list.scrollHeight > list.clientHeight + 100")
    assert listed.evaluate("(list) => list.clientHeight % 37 > 8")  # the last line is cut
    seen.page.wait_for_function(
        "/^[1-9]\\d* of 24 done$/.test(document.querySelector('.songs .count').textContent)"
    )
    seen.page.get_by_role("button", name="Cancel all").click()
    seen.page.wait_for_function("""() => {
      const states = [...document.querySelectorAll(".songs li")].map((li) => li.dataset.state);
      return states.every((state) => state === "done" || state === "cancelled");
    }""")
    assert seen.page.locator(".songs li[data-state=cancelled]").count() > 2


def test_sixty_files_at_once(
    start_server: Callable[..., Server], open_page: Callable[..., Visit], tmp_path: Path
) -> None:
    """They are all taken, in their order, and the page can be used meanwhile."""
    for number in range(60):
        write_noise(tmp_path / "songs" / f"{number}.wav", number, 0.2)
    server = start_server("--library", str(tmp_path / "library"), "--model", "bundled")
    try:
        seen = open_page(server.url)
        drop(seen, tmp_path / "songs")
        wait_for_rows(seen, 60, timeout=120)
        names = seen.page.locator(".songs .name").all_inner_texts()
        assert names == [f"{number}.wav" for number in range(60)]
        seen.page.get_by_role("searchbox", name="Find a song").fill("59")
        assert seen.page.locator(".songs li:visible").count() == 1
        assert seen.faults == []
        seen.page.context.close()
    finally:
        assert server.stop(signal.SIGTERM) == 0


def test_the_same_file_twice_is_one_song(visit: Callable[..., Visit], tmp_path: Path) -> None:
    one = write_noise(tmp_path / "one.wav", 1)
    copy = tmp_path / "copy of one.wav"
    copy.write_bytes(one.read_bytes())
    seen = visit()
    seen.upload(one, copy)
    wait_for_rows(seen, 1, "done")
    seen.upload(copy)
    seen.page.get_by_text("one.wav is in the list already.").wait_for()
    for _ in range(2):
        seen.page.locator("#example").dispatch_event("click")
    wait_for_rows(seen, 2, "done")


def test_a_result_finds_its_song_whichever_comes_first(
    visit: Callable[..., Visit], make_song: Callable[..., Known], tmp_path: Path
) -> None:
    first, second = (make_song(12.0 + n, name=f"song {n}.wav") for n in range(2))
    seen = visit()
    seen.upload(first.result, second.result)
    wait_for_rows(seen, 2, "done")
    seen.upload(second.sound, first.sound)
    seen.page.get_by_role("button", name="song 1.wav", exact=True).click()
    seen.page.wait_for_function("allin1.sheet.name === 'song 1.wav' && allin1.sheet.frames > 0")
    assert seen.run("allin1.sheet.beats") == list(second.analysis.beats)
    third = make_song(14.0, name="song 2.wav")
    seen.upload(third.sound)
    wait_for_rows(seen, 3, "done")
    seen.upload(third.result)
    seen.page.wait_for_function(
        "(beats) => JSON.stringify(allin1.sheet.beats) === beats",
        arg=seen.run("(beats) => JSON.stringify(beats)", list(third.analysis.beats)),
    )
    assert seen.page.locator(".songs li").count() == 3


@pytest.mark.parametrize("count", [1, 3])
def test_a_failed_upload_is_reported(
    visit: Callable[..., Visit], tmp_path: Path, count: int
) -> None:
    paths = [write_noise(tmp_path / f"{n}.wav", n) for n in range(count)]
    seen = visit()
    seen.page.route("**/*upload*", lambda route: route.abort())
    seen.upload(*paths)
    seen.page.get_by_text(f"{count - 1}.wav could not be sent").wait_for()
    assert "has-songs" not in (seen.page.locator("body").get_attribute("class") or "").split()
    seen.faults.clear()  # the browser reports the aborted requests
