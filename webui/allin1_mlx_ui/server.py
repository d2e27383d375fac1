"""The HTTP server: its port, and its end.

Ctrl-C, SIGTERM and SIGHUP end it. Songs and corrections are written when they change, so little is
left to do then: open requests get GRACE seconds, and after LAST seconds the process ends whatever
still runs. Neither threads nor the interpreter are waited for, because both can take long.
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
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp

PORTS_TRIED = 50
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
GRACE = 1.0  # seconds for open requests when the server ends
LAST = 3.0  # seconds that the process has


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
    """Sets `asked` when a signal asks it to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.asked = threading.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.asked.set()
        super().handle_exit(sig, frame)


def interrupt_on_signals() -> None:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt, like Ctrl-C."""
    for number in SIGNALS:
        signal.signal(number, signal.getsignal(signal.SIGINT))


def serve(
    app: ASGIApp, listener: socket.socket, *, hang_up: Callable[[], None], folder: Path
) -> NoReturn:
    """Serve until a signal, then end the process with exit code 0.

    hang_up: stops all work, and writes what is not written yet. folder: temporary files.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        proxy_headers=False,  # a visitor could claim any address, to try more passwords
    )
    server = _Server(config)
    answered = threading.Event()

    def end() -> None:
        server.asked.wait()
        watchdog = threading.Timer(LAST, _leave, (folder,))
        watchdog.daemon = True
        watchdog.start()
        hang_up()
        answered.wait(GRACE)
        _leave(folder)

    ending = threading.Thread(target=end, name="end", daemon=True)
    ending.start()
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, server.handle_exit)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises the signal again when it has ended
        pass
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the rest is brief, and leaves nothing behind
    answered.set()
    server.asked.set()
    ending.join()
    _leave(folder)


def _leave(folder: Path) -> NoReturn:
    """End this process and those that compute. Waits for no thread; none has anything to write."""
    for child in multiprocessing.active_children():
        child.kill()
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.flush()
    os._exit(0)
