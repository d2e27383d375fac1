"""The HTTP server: its port, and its end.

Ctrl-C, SIGTERM and SIGHUP end it. Open requests get GRACE seconds. After LAST seconds the process
ends even if something still runs.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

PORTS_TRIED = 50
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
GRACE = 1  # seconds for open requests when the server ends
LAST = 3.0  # seconds until the process ends by force


def find_port(host: str, port: int) -> socket.socket:
    """Return a listening socket on `port`, or on the first free port after it.

    Raises OSError if no port is free, or if the address does not belong to this computer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, port + PORTS_TRIED if port else 1):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen()
        except OSError as e:
            listener.close()
            if candidate == port + PORTS_TRIED - 1 or not _is_busy(e):
                raise
        else:
            return listener
    raise OSError(f"no free port from {port} on")


def _is_busy(error: OSError) -> bool:
    import errno

    return error.errno in (errno.EADDRINUSE, errno.EACCES)


class _Server(uvicorn.Server):
    """Calls `end` in a thread after a signal, because signals may arrive at any moment."""

    def __init__(self, config: uvicorn.Config, end: Callable[[], None]) -> None:
        super().__init__(config)
        self._end = end

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            threading.Thread(target=self._end, name="end", daemon=True).start()
        super().handle_exit(sig, frame)


def interrupt_on_signals() -> None:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt, like Ctrl-C."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def serve(
    app: ASGIApp, listener: socket.socket, *, hang_up: Callable[[], None], folder: Path
) -> None:
    """Serve until a signal.

    hang_up: ends connections that would delay the end. folder: removed if the process has to be
    ended by force.
    """

    def end() -> None:
        timer = threading.Timer(LAST, _cut_off, (folder,))
        timer.daemon = True
        timer.start()
        hang_up()

    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=GRACE,
        proxy_headers=False,  # a visitor could claim any address, to try more passwords
    )
    server = _Server(config, end)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, server.handle_exit)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises the signal again when it has ended
        pass
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the rest is short, and leaves no files


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _cut_off(folder: Path) -> None:
    """End this process and the analysing process."""
    for child in multiprocessing.active_children():
        child.kill()
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.flush()
    os._exit(0)
