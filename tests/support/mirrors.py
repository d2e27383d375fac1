"""A slow mirror of the published weights on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from allin1_mlx.weights.registry import PUBLISHED

SIZES = {file.name: file.size for files in PUBLISHED.values() for file in files}
BLOCK = 1 << 15


class Mirror(ThreadingHTTPServer):
    """Sends files of the published names and sizes: those of a folder, else zeros.

    asked: the names that it was asked for. pace: seconds between two blocks of 32 kB. gone:
    whether it has none of them any more.
    """

    daemon_threads = True

    def __init__(self, folder: Path | None, pace: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.pace = pace
        self.asked: list[str] = []
        self.gone = False
        self.closed = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, *_: Any) -> None:
        """A closed connection is no error here."""


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.server.asked.append(name)
        if self.server.gone:
            self.send_error(404)
            return
        folder = self.server.folder
        content = bytes(SIZES[name]) if folder is None else (folder / name).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for start in range(0, len(content), BLOCK):
            self.wfile.write(content[start : start + BLOCK])
            if self.server.closed.wait(self.server.pace):
                return

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def open_mirror(folder: Path | None = None, *, pace: float = 0.0) -> Iterator[Mirror]:
    """A running mirror, until the block ends."""
    mirror = Mirror(folder, pace)
    thread = threading.Thread(target=mirror.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield mirror
    finally:
        mirror.closed.set()
        mirror.shutdown()
        mirror.server_close()
        thread.join()
