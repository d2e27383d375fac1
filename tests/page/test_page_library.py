"""The library: songs and corrections that outlive tabs, crashes and restarts."""

import resource
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .visits import Known, Server, Visit


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def start(start_server: Callable[..., Server], library: Path) -> Iterator[Callable[..., Server]]:
    """Start a server with the library."""
    running: list[Server] = []

    def start(*options: str) -> Server:
        running.append(start_server("--model", "bundled", "--library", str(library), *options))
        return running[-1]

    yield start
    for server in running:
        if server.process.poll() is None:
            server.stop()


def kill(server: Server) -> None:
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(timeout=20)
    assert server.process.stdout is not None
    server.process.stdout.close()


def correct(seen: Visit, command: dict[str, Any]) -> None:
    """Make a correction, and wait until the server has answered."""
    revision = seen.run("allin1.sheet.revision")
    seen.run("(command) => allin1.editing.correct(command)", command)
    assert seen.run("allin1.sheet.revision") > revision


def rows(seen: Visit) -> list[str]:
    return seen.page.locator(".songs .name").all_inner_texts()


def wait_for_rows(seen: Visit, count: int) -> None:
    seen.page.wait_for_function(
        f"document.querySelectorAll('.songs li').length === {count}", timeout=30_000
    )


def wait_for_sound(seen: Visit) -> None:
    script = "allin1.sheet && allin1.sheet.frames > 0 && !allin1.view.pending"
    seen.page.wait_for_function(script, timeout=60_000)


def test_song_corrections_undo_and_sound_survive_a_kill(
    start: Callable[..., Server], open_page: Callable[..., Visit], known: Known, library: Path
) -> None:
    server = start()
    seen = open_page(server.url)
    seen.upload(known.sound, known.result)
    wait_for_sound(seen)
    correct(seen, {"do": "nudge", "ms": -12})
    correct(seen, {"do": "relabel_section", "at": 1.0, "label": "solo"})
    correct(seen, {"do": "nudge", "ms": 30})
    correct(seen, {"do": "undo"})
    before = seen.run("allin1.sheet.beats")
    assert before[0] == pytest.approx(known.analysis.beats[0] - 0.012, abs=0.001)
    kill(server)
    seen.page.context.close()

    again = open_page(start().url)
    wait_for_sound(again)
    assert rows(again) == ["known.wav"]
    assert again.run("allin1.sheet.beats") == before
    assert again.run("allin1.sheet.sections[0].label") == "solo"
    again.page.get_by_role("button", name="Play", exact=True).first.click()
    again.page.wait_for_function("allin1.player.position > 0.3")
    correct(again, {"do": "redo"})
    assert again.run("allin1.sheet.beats[0]") == pytest.approx(before[0] + 0.03, abs=0.001)
    for _ in range(3):
        correct(again, {"do": "undo"})
    assert again.run("allin1.sheet.beats") == list(known.analysis.beats)
    assert again.run("allin1.sheet.corrections.canUndo") is False
    again.page.context.close()
    assert stat.S_IMODE(library.stat().st_mode) == 0o700


def test_two_tabs_agree(
    start: Callable[..., Server], open_page: Callable[..., Visit], make_song: Callable[..., Known]
) -> None:
    one, two = make_song(15.0, name="one.wav"), make_song(16.0, name="two.wav")
    server = start()
    left, right = open_page(server.url), open_page(server.url)
    left.upload(one.result)
    wait_for_rows(right, 1)
    right.page.wait_for_function("allin1.sheet && allin1.sheet.name === 'one.wav'")
    left.wait_for_timeline()
    correct(left, {"do": "nudge", "ms": 20})
    beats = left.run("allin1.sheet.beats")
    right.page.wait_for_function("(beat) => allin1.sheet.beats[0] === beat", arg=beats[0])
    correct(right, {"do": "nudge", "ms": 20})
    left.page.wait_for_function("(beat) => allin1.sheet.beats[0] !== beat", arg=beats[0])
    assert left.run("allin1.sheet.beats") == right.run("allin1.sheet.beats")
    right.upload(two.result)
    wait_for_rows(left, 2)
    right.page.wait_for_function("allin1.sheet.name === 'two.wav'")
    assert left.run("allin1.sheet.name") == "one.wav"  # only the tab that added it opens it
    left.page.get_by_role("button", name="Remove two.wav").click()
    wait_for_rows(right, 1)
    right.page.get_by_role("button", name="Undo", exact=True).last.click()
    wait_for_rows(left, 2)
    wait_for_rows(right, 2)
    assert rows(left) == rows(right) == ["one.wav", "two.wav"]
    for seen in (left, right):
        assert seen.faults == []
        seen.page.context.close()


def test_a_page_that_stayed_open_goes_on_after_a_restart(
    start: Callable[..., Server], open_page: Callable[..., Visit], known: Known
) -> None:
    server = start()
    seen = open_page(server.url)
    seen.upload(known.result, known.sound)
    wait_for_sound(seen)
    port = server.url.rsplit(":", 1)[1].strip("/")
    kill(server)
    start("--port", port)
    seen.page.wait_for_function(
        "(before) => allin1.sheet.revision > before",
        arg=seen.run("allin1.sheet.revision"),
        timeout=60_000,
    )
    wait_for_sound(seen)
    correct(seen, {"do": "nudge", "ms": 20})
    seen.page.get_by_role("button", name="Remove known.wav").click()
    wait_for_rows(seen, 0)
    seen.page.context.close()


def test_no_user_sees_the_songs_of_another(
    start: Callable[..., Server],
    open_page: Callable[..., Visit],
    make_song: Callable[..., Known],
    library: Path,
) -> None:
    song = make_song(15.0, name="of anna.wav")
    server = start("--user", "anna", "--password", "1", "--user", "otto", "--password", "2")

    def visit(user: str, password: str) -> Visit:
        credentials = {"username": user, "password": password, "send": "always"}
        return open_page(server.url, http_credentials=credentials)

    anna, otto = visit("anna", "1"), visit("otto", "2")
    anna.upload(song.result, song.sound)
    wait_for_sound(anna)
    otto.page.wait_for_timeout(1000)
    assert rows(otto) == []
    song_id, session_id = anna.run("[allin1.sheet.id, allin1.session]")
    addresses = [f"songs/{song_id}/{what}" for what in ("sheet", "sound", "result", "click")]
    for address in [*addresses, f"sessions/{session_id}/results", f"sessions/{session_id}/songs"]:
        url = f"{server.url}allin1/{address}"
        assert otto.page.context.request.get(url).status == 404
    edit = otto.page.context.request.post(
        f"{server.url}allin1/songs/{song_id}/edits", data={"do": "nudge", "ms": 20}
    )
    assert edit.status == 404
    assert anna.page.context.request.get(f"{server.url}allin1/songs/{song_id}/sheet").ok
    again = visit("anna", "1")
    wait_for_rows(again, 1)
    assert "no other user" in again.page.locator(".shelf").inner_text()
    assert str(library) not in again.page.content()
    for seen in (anna, otto, again):
        seen.page.context.close()


def test_songs_can_be_found_removed_brought_back_and_deleted_for_good(
    start: Callable[..., Server],
    open_page: Callable[..., Visit],
    make_song: Callable[..., Known],
    library: Path,
) -> None:
    songs = [make_song(15.0, name=f"song {number}.wav") for number in range(8)]
    server = start()
    seen = open_page(server.url)
    seen.upload(*(song.result for song in songs))
    wait_for_rows(seen, 8)
    page = seen.page
    page.get_by_role("searchbox", name="Find a song").fill("5 SONG")
    assert page.locator(".songs li:visible").all_inner_texts()[0].startswith("song 5.wav")
    assert page.locator(".songs li:visible").count() == 1
    page.get_by_role("searchbox", name="Find a song").fill("")
    page.get_by_role("button", name="Remove song 5.wav").click()
    page.get_by_text("Removed song 5.wav.").wait_for()
    page.locator(".toast button").click()
    wait_for_rows(seen, 8)
    page.get_by_role("button", name="Remove song 5.wav").click()
    wait_for_rows(seen, 7)
    page.reload()
    wait_for_rows(seen, 7)
    page.get_by_role("button", name="Library, bin (1)").click()
    assert str(library) in page.locator(".shelf").inner_text()
    page.get_by_role("button", name="Bring back song 5.wav").click()
    wait_for_rows(seen, 8)
    assert rows(seen)[5] == "song 5.wav"
    page.get_by_role("button", name="Remove all").click()
    wait_for_rows(seen, 0)
    page.get_by_role("button", name="Empty bin").click()
    page.get_by_role("button", name="Empty bin", disabled=True).wait_for()
    assert [f.name for f in library.rglob("*") if f.is_file()] == ["allin1-mlx-library"]
    assert seen.faults == []
    page.context.close()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of other processes: Linux")
def test_a_disk_that_takes_nothing_more_loses_nothing(
    start: Callable[..., Server], open_page: Callable[..., Visit], known: Known
) -> None:
    """Writing fails as on a full disk: no file may grow."""
    server = start()
    seen = open_page(server.url)
    seen.upload(known.result, known.sound)
    wait_for_sound(seen)
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (10, limits[1]))
    correct(seen, {"do": "nudge", "ms": 20})
    beats = seen.run("allin1.sheet.beats")
    status = seen.page.locator(".songs .status", has_text="Not saved yet: File too large")
    status.wait_for(timeout=60_000)
    asked = seen.run("() => !window.dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    assert asked  # the browser asks before it closes the page
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    status.wait_for(state="detached", timeout=60_000)
    kill(server)
    seen.page.context.close()
    again = open_page(start().url)
    again.page.wait_for_function("allin1.sheet !== null", timeout=60_000)
    assert again.run("allin1.sheet.beats") == beats != list(known.analysis.beats)
    again.page.context.close()
