"""Files that are made on request. The work stops when nobody waits for it any more.

A thread cannot be stopped from outside, so work that may take long calls `check_wanted` often.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from threading import Event, Lock
from typing import TypeVar

from anyio import to_thread
from fastapi import HTTPException, Request

from allin1_mlx.errors import AllInOneError

LONGEST = 120.0  # seconds of work for one request
AT_ONCE = 2  # works at the same time; others wait
MOST_KEPT = 4  # rendered files that are kept for the next request
LOOK = 0.2  # seconds between two checks whether somebody waits

T = TypeVar("T")
_check: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)


class UnwantedError(Exception):
    """Nobody waits for this work any more."""


def check_wanted() -> None:
    """Raise UnwantedError if nobody waits for this thread's work, AllInOneError after LONGEST
    seconds.

    Does nothing in work that was not started by a request.
    """
    check = _check.get()
    if check is not None:
        check()


class Renderings:
    """The work for requests. It ends with the server."""

    def __init__(self) -> None:
        self._closed = False
        self._places = asyncio.Semaphore(AT_ONCE)
        self._kept: list[Path] = []
        self._lock = Lock()

    def close(self) -> None:
        """Stop all work."""
        self._closed = True

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """Return the result of `work`, which runs in a separate thread.

        Raises HTTPException if the work is stopped or raises AllInOneError.
        """
        stopped = Event()
        task = asyncio.ensure_future(self._work(work, stopped))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK)
                if self._closed or await request.is_disconnected():
                    raise HTTPException(400, "Nobody waits for this any more.")
            return task.result()
        except AllInOneError as e:
            raise HTTPException(413, str(e)) from e
        finally:
            stopped.set()

    async def make_file(self, request: Request, work: Callable[[], Path]) -> Path:
        """Return the path that `work` returns. The file is removed after MOST_KEPT other files."""
        path = await self.run(request, work)
        with self._lock:
            self._kept = [*(kept for kept in self._kept if kept != path), path]
            old, self._kept = self._kept[:-MOST_KEPT], self._kept[-MOST_KEPT:]
        for file in old:
            with contextlib.suppress(PermissionError):  # on Windows, while it is sent
                file.unlink(missing_ok=True)
        return path

    async def _work(self, work: Callable[[], T], stopped: Event) -> T:
        async with self._places:
            end = time.monotonic() + LONGEST

            def check() -> None:
                if stopped.is_set() or self._closed:
                    raise UnwantedError
                if time.monotonic() > end:
                    raise AllInOneError(f"This takes longer than {LONGEST:g} seconds.")

            def run() -> T:
                check()
                _check.set(check)
                return work()

            return await to_thread.run_sync(run)
