"""A server of the page in a process of its own, and users who need no browser."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds for an answer, on a busy computer


@dataclass
class Page:
    """A running `allin1-mlx-ui`. words: what it printed so far."""

    url: str
    process: subprocess.Popen[str]
    temporary: Path
    words: str

    def stop(self, how: signal.Signals = signal.SIGINT) -> str:
        """End it by a signal. Returns what it printed since its start."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> str:
        """Wait for its end. Returns what it printed since its start."""
        self.process.wait(timeout=PATIENCE)
        assert self.process.stdout is not None
        with self.process.stdout:
            return self.process.stdout.read()

    def memory(self) -> int:
        """The most resident bytes that the server has had, without the process that computes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return 1024 * int(found[1])


def start_page(temporary: Path, *options: str, **environment: str) -> Page:
    """Start a server. temporary: folder for its files. Raises AssertionError if it ends at once.

    It keeps no songs, unless the options name a library.
    """
    kept = [] if "--library" in options else ["--no-library"]
    paths = [str(ROOT / "core"), str(ROOT / "webui"), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "allin1_mlx_ui.app", "--port", "0", "--no-browser", *kept, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "TMPDIR": str(temporary),
            "PYTHONPATH": os.pathsep.join(paths),
            **environment,
        },
    )
    assert process.stdout is not None
    words = ""
    for line in process.stdout:
        words += line
        found = re.search(r"page is at (\S+)", line)
        if found:
            return Page(found[1], process, temporary, words)
    process.stdout.close()
    process.wait()
    raise AssertionError(f"the server did not start: {words}")


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class User:
    """One open page, as its scripts talk to the server."""

    def __init__(self, page: Page, **headers: str) -> None:
        """headers: of each request."""
        self._host = urlsplit(page.url).netloc
        self._headers = headers
        self._hash = secrets.token_hex(6)
        config = self.ask("GET", "/config").json()
        names = {part["id"]: part["props"].get("elem_id") for part in config["components"]}
        self._events = {
            (names.get(target), event): (dependency["id"], target)
            for dependency in config["dependencies"]
            for target, event in dependency["targets"]
        }
        self.session = ""

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request. body: bytes, pieces of bytes, or a value that becomes JSON."""
        connection = HTTPConnection(self._host, timeout=PATIENCE)
        headers = dict(self._headers)
        content: bytes | Iterable[bytes] | None = body
        if body is not None and not isinstance(body, bytes) and not hasattr(body, "__next__"):
            content, headers["content-type"] = json.dumps(body).encode(), "application/json"
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, lower, response.read())
        finally:
            connection.close()

    def send(self, content: bytes) -> Answer:
        """Upload a file."""
        return self.ask("POST", "/allin1/uploads", content)

    def act(self, part: str, event: str, values: Any = None) -> dict[str, Any]:
        """Trigger an event of a part of the page. Returns Gradio's last message about it."""
        function, target = self._events[part, event]
        task = {"data": [], "event_data": values, "fn_index": function, "trigger_id": target}
        joined = self.ask("POST", "/gradio_api/queue/join", {**task, "session_hash": self._hash})
        if joined.status != 200:
            raise AssertionError(f"{event}: {joined.status} {joined.body!r}")
        return self._hear()

    def add(self, files: dict[str, bytes]) -> list[dict[str, Any]]:
        """Upload files and take them in. Returns the list of songs when all have ended."""
        sent = [{"id": self.send(c).json()["id"], "name": name} for name, c in files.items()]
        self.act("dropzone", "take", {"parts": [{"files": sent}]})
        return self.songs()

    def songs(self) -> list[dict[str, Any]]:
        """The list of songs when all have ended."""
        self.session = self.act("songs", "enter")["output"]["data"][0]["session"]
        lines: dict[str, dict[str, Any]] = {}
        connection = HTTPConnection(self._host, timeout=PATIENCE)
        try:
            connection.request(
                "GET", f"/allin1/sessions/{self.session}/songs", headers=self._headers
            )
            for text in connection.getresponse():
                if not text.startswith(b"data: "):
                    continue
                news = json.loads(text.removeprefix(b"data: "))
                lines |= {song["id"]: song for song in news["songs"]}
                songs = [lines[song_id] for song_id in news["ids"] if song_id in lines]
                if all(song["state"] in ("done", "failed", "cancelled") for song in songs):
                    return songs
        finally:
            connection.close()
        raise AssertionError("the list of songs ended")

    def correct(self, song: str, command: dict[str, Any]) -> Answer:
        """Correct a song by hand."""
        return self.ask("POST", f"/allin1/songs/{song}/edits", command)

    def _hear(self) -> dict[str, Any]:
        """Read the stream of news until the event has ended."""
        stream = self.ask("GET", f"/gradio_api/queue/data?session_hash={self._hash}")
        lines = stream.body.decode().splitlines()
        news = [
            json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")
        ]
        done = [message for message in news if message["msg"] == "process_completed"]
        if not done:
            raise AssertionError(f"the event did not end: {stream.status} {stream.body[:500]!r}")
        last: dict[str, Any] = done[-1]
        return last
