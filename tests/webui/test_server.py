"""The server ends soon and silently, whatever is running; work that nobody waits for stops."""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support.hostile_results import make_result
from tests.support.pages import Page, User, start_page

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    running = start_page(tmp_path, "--model", "bundled", "--offline")
    yield running
    if running.process.poll() is None:
        running.stop()


def long_result(seconds: float) -> bytes:
    """A result without sound, of a song of that length."""
    beats = [round(0.5 * n, 1) for n in range(1, int(2 * seconds))]
    section = {"start": 0.0, "end": seconds, "label": "verse"}
    values = {
        **{"path": "long.wav", "bpm": 120, "beats": beats, "downbeats": beats[::4]},
        "beat_positions": [n % 4 + 1 for n in range(len(beats))],
        **{"segments": [section], "duration": seconds},
    }
    return json.dumps(values).encode()


def ask_and_leave(page: Page, path: str) -> socket.socket:
    """Send a request and do not read the answer."""
    at = urlsplit(page.url)
    connection = socket.create_connection((at.hostname, at.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\n\r\n".encode())
    return connection


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("how", SIGNALS)
def test_a_signal_ends_the_server_while_it_renders_receives_and_streams(
    page: Page, tmp_path: Path, how: signal.Signals
) -> None:
    user = User(page)
    (song,) = user.add({"long.json": long_result(11_000)})
    sheets = [ask_and_leave(page, f"/allin1/songs/{song['id']}/sheet") for _ in range(3)]
    rendering = ask_and_leave(page, f"/allin1/songs/{song['id']}/click")
    stream = ask_and_leave(page, "/gradio_api/heartbeat/somebody")
    at = urlsplit(page.url)
    upload = socket.create_connection((at.hostname, at.port))
    head = f"POST /allin1/uploads HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Length: 9999\r\n\r\nsome"
    upload.sendall(head.encode())
    wait_until(lambda: list(tmp_path.rglob(".partial-*.wav")))
    wait_until(lambda: list(tmp_path.glob("*/uploads/*")))
    asked = time.monotonic()
    words = page.stop(how)
    took = time.monotonic() - asked
    for connection in (*sheets, rendering, stream, upload):
        connection.close()
    assert (page.process.returncode, words) == (0, "")
    assert list(tmp_path.glob("allin1-mlx-ui-*")) == []
    assert took < 60  # 5 s on a computer that is not busy with other things


def test_a_page_of_an_earlier_server_gets_an_answer_and_nothing_is_logged(page: Page) -> None:
    answer = User(page).ask("GET", "/gradio_api/queue/data?session_hash=earlier")
    assert b"session_not_found" in answer.body
    assert page.stop() == ""


def test_a_click_track_stops_when_its_client_leaves(page: Page, tmp_path: Path) -> None:
    user = User(page)
    (song,) = user.add({"long.json": long_result(11_000)})
    connection = ask_and_leave(page, f"/allin1/songs/{song['id']}/click")
    wait_until(lambda: list(tmp_path.rglob(".partial-*.wav")))
    connection.close()
    wait_until(lambda: not list(tmp_path.rglob(".partial-*.wav")))
    assert list(tmp_path.rglob("click-*.wav")) == []


def test_a_click_track_of_a_whole_day_is_refused(page: Page, tmp_path: Path) -> None:
    user = User(page)
    (song,) = user.add({"long.json": long_result(86_400.0)})
    refused = user.ask("GET", f"/allin1/songs/{song['id']}/click")
    assert refused.status == 413
    assert "too long for a click track" in refused.json()["detail"]
    assert list(tmp_path.rglob("*.wav")) == []


def test_few_click_tracks_are_kept(page: Page, tmp_path: Path) -> None:
    user = User(page)
    songs = user.add({f"{n}.json": json.dumps(make_result(f"{n}.wav")).encode() for n in range(7)})
    for song in songs:
        assert user.ask("GET", f"/allin1/songs/{song['id']}/click").status == 200
    assert len(list(tmp_path.rglob("click-*.wav"))) == 4
    assert user.ask("GET", f"/allin1/songs/{songs[0]['id']}/click").status == 200


def test_many_renderings_at_once_leave_the_page_responsive(page: Page) -> None:
    user = User(page)
    (song,) = user.add({"long.json": long_result(5000)})
    waiting = [ask_and_leave(page, f"/allin1/songs/{song['id']}/click") for _ in range(60)]
    answers: list[int] = []
    other = threading.Thread(target=lambda: answers.append(len(User(page).songs())))
    other.start()
    other.join(60)
    for connection in waiting:
        connection.close()
    assert answers == [0]


def test_headers_of_proxies_do_not_give_more_attempts(tmp_path: Path) -> None:
    page = start_page(tmp_path, "--user", "anna", "--password", "secret", "--offline")
    try:
        at = urlsplit(page.url)
        answers = []
        for number in range(12):
            with socket.create_connection((at.hostname, at.port)) as connection:
                lines = (
                    f"GET / HTTP/1.1\r\nHost: {at.netloc}\r\nX-Forwarded-For: 192.0.2.{number}\r\n"
                    "Authorization: Basic YW5uYTp3cm9uZw==\r\nConnection: close\r\n\r\n"
                )
                connection.sendall(lines.encode())
                answers.append(connection.recv(100).split()[1])
        assert answers == [b"401"] * 10 + [b"429"] * 2
    finally:
        page.stop()
