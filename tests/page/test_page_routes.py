"""What the server answers to whom."""

import json
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from .visits import Known, Server, Visit


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def get(server: Server, path: str, **headers: str) -> Answer:
    connection = HTTPConnection(urlsplit(server.url).netloc)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers=fields)
    response = connection.getresponse()
    lower = {name.lower(): value for name, value in response.getheaders()}
    answer = Answer(response.status, lower, response.read())
    connection.close()
    return answer


def test_the_page_names_no_other_host_that_it_would_load_from(server: Server) -> None:
    page = get(server, "/").body.decode()
    for attribute in ('src="http', 'href="http', "url(http", 'src="//', 'href="//'):
        assert attribute not in page


def test_the_help_checks_the_machine(opened: Visit) -> None:
    opened.page.keyboard.press("?")
    opened.page.get_by_role("button", name="Check this machine").click()
    table = opened.page.get_by_label("Check of this machine")
    table.filter(has_text="example on the CPU").wait_for(timeout=120_000)
    rows = table.inner_text().splitlines()
    assert all(row.startswith(("ok ", "note ", "FAULT ")) for row in rows)
    assert any("MLX" in row or "mlx" in row for row in rows)
    opened.page.keyboard.press("Escape")
    assert not opened.page.locator("dialog.help").is_visible()


def test_strangers_are_refused(server: Server) -> None:
    assert get(server, "/", host="evil.example").status == 421
    assert get(server, "/config", origin="http://evil.example").status == 403


@pytest.mark.parametrize("name", ["plotly.js", "timeline.js", "static/main.js", "static/page.css"])
def test_scripts_come_from_the_package_and_are_never_stale(server: Server, name: str) -> None:
    answer = get(server, f"/allin1/{name}")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "songs/unknown/sheet",
        "songs/unknown/sound",
        "songs/unknown/result",
        "songs/unknown/click",
        "songs/unknown/mix",
        "sessions/unknown/results",
        "static/../app.py",
        "static/%2e%2e/app.py",
        "static/..%2fapp.py",
    ],
)
def test_what_is_not_there_is_not_found(server: Server, path: str) -> None:
    assert get(server, f"/allin1/{path}").status == 404


def test_no_analytics_no_run_history_no_monitoring(server: Server) -> None:
    config = json.loads(get(server, "/config").body)
    assert config["analytics_enabled"] is False
    assert not config["run_history"]
    assert config["footer_links"] == []
    assert get(server, "/docs").status == 404
    assert get(server, "/monitoring").status >= 400


def test_the_sound_is_served_in_parts_and_kept_nowhere(
    opened: Visit, server: Server, known: Known
) -> None:
    path = f"/allin1/songs/{opened.run('allin1.song.id')}/sound"
    part = get(server, path, range="bytes=400-799")
    assert part.status == 206
    assert len(part.body) == 400
    assert part.headers["cache-control"] == "no-store"
    whole = get(server, path)
    assert whole.body[400:800] == part.body
    assert len(whole.body) == 4 * 40 * 44_100


def test_uploads_cannot_be_read_by_their_paths(server: Server) -> None:
    for path in ("/etc/passwd", str(server.temporary)):
        assert get(server, f"/gradio_api/file={path}").status in (403, 404)


def test_an_open_server_asks_for_a_password(
    start_server: Callable[..., Server], open_page: Callable[..., Visit], known: Known
) -> None:
    login = ("--host", "0.0.0.0", "--user", "anna", "--password", "secret")
    server = start_server(*login)
    try:
        assert get(server, "/").status == 401
        assert get(server, "/allin1/static/main.js").status == 401
        credentials = {"username": "anna", "password": "secret"}
        seen = open_page(server.url, http_credentials=credentials)
        seen.upload(known.result)
        seen.wait_for("done")
        seen.wait_for_timeline()
        seen.page.context.close()
    finally:
        server.stop()


def test_a_file_that_is_too_large_is_refused_and_the_next_one_arrives(
    start_server: Callable[..., Server],
    open_page: Callable[..., Visit],
    known: Known,
    tmp_path: Path,
) -> None:
    server = start_server("--max-upload-mb", "1")
    try:
        large = tmp_path / "large.wav"
        large.write_bytes(bytes(9_000_000))
        seen = open_page(server.url)
        seen.upload(large, known.result)
        seen.wait_for("done")
        news = seen.page.locator("#dropzone .news").inner_text()
        assert news == "large.wav could not be sent: larger than the limit of 1 MB"
        seen.page.context.close()
    finally:
        server.stop()
