"""Uploads, from their arrival until the page adds them as songs.

Each upload has an identifier that cannot be guessed and that only its sender gets, so nobody can
take the files of others. Uploads that are not taken are deleted after UNUSED seconds. The number
and size of a sender's uploads are limited, and some space on the disk stays free.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from anyio import to_thread

from allin1_mlx.files import printable, storable

from .uploads import Upload

UNUSED = 3600.0  # seconds until an upload that is not taken is deleted
PAUSE = 60.0  # seconds without a byte after which an upload is stopped
LOOK = 0.5  # seconds between two checks whether the server ends
MOST_FILES = 500  # waiting files of one sender
MOST_BYTES = 20_000_000_000  # in waiting files of one sender
RESERVE = 500_000_000  # bytes of the disk that stay free


class RefusedError(Exception):
    """An upload cannot be accepted. The message is for the sender."""


@dataclass
class _Parcel:
    sender: str
    path: Path
    size: int = 0
    complete: bool = False


class Inbox:
    """The uploads of a server. Its methods may be called from any thread."""

    def __init__(self, folder: Path, *, largest: int) -> None:
        """folder: where uploads are stored until they are taken. largest: bytes of a file."""
        self._folder = folder
        self._largest = largest
        self._parcels: dict[str, _Parcel] = {}
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Stop the uploads that are arriving."""
        self._closed = True

    async def receive(self, chunks: AsyncIterator[bytes], sender: str) -> str:
        """Write an upload into the folder. Returns its identifier.

        Raises RefusedError if it exceeds a limit or stops arriving.
        """
        identifier = secrets.token_urlsafe(16)
        self._folder.mkdir(parents=True, exist_ok=True)
        parcel = _Parcel(sender, self._folder / identifier)
        self._admit(identifier, parcel)
        try:
            with parcel.path.open("wb") as file:
                await self._write(chunks, parcel, file)
            parcel.complete = True
        finally:
            if not parcel.complete:
                self._discard(identifier)
        asyncio.get_running_loop().call_later(UNUSED, self._discard, identifier)
        return identifier

    def take(self, entry: Any) -> Upload | None:
        """Return the upload that a browser names, once; None if it has no upload with that
        identifier.

        entry: {"id": ..., "name": ...} from the browser; it may be anything.
        """
        if not isinstance(entry, dict):
            return None
        identifier, name = entry.get("id"), entry.get("name")
        if not isinstance(identifier, str) or not isinstance(name, str):
            return None
        with self._lock:
            parcel = self._parcels.get(identifier)
            if parcel is None or not parcel.complete:
                return None
            del self._parcels[identifier]
        return Upload(parcel.path, printable(storable(name)))

    def _admit(self, identifier: str, parcel: _Parcel) -> None:
        with self._lock:
            waiting = [p for p in self._parcels.values() if p.sender == parcel.sender]
            if len(waiting) >= MOST_FILES:
                raise RefusedError(f"{MOST_FILES} files wait already; add these first")
            self._parcels[identifier] = parcel

    async def _write(self, chunks: AsyncIterator[bytes], parcel: _Parcel, file: IO[bytes]) -> None:
        while True:
            task = asyncio.ensure_future(anext(chunks))
            end = time.monotonic() + PAUSE
            while not task.done() and not self._closed and time.monotonic() < end:
                await asyncio.wait({task}, timeout=LOOK)
            if not task.done():
                task.cancel()
                raise RefusedError("the server ends" if self._closed else "it stopped arriving")
            try:
                chunk = task.result()
            except StopAsyncIteration:
                return
            self._grow(parcel, len(chunk))
            await to_thread.run_sync(file.write, chunk)

    def _grow(self, parcel: _Parcel, count: int) -> None:
        """Count more bytes of an upload. Raises RefusedError if they exceed the limits."""
        if parcel.size + count > self._largest:
            raise RefusedError(f"larger than the limit of {self._largest / 1e6:g} MB")
        if shutil.disk_usage(self._folder).free < RESERVE + count:
            raise RefusedError("the server's disk is full")
        with self._lock:
            waiting = sum(p.size for p in self._parcels.values() if p.sender == parcel.sender)
            if waiting + count > MOST_BYTES:
                raise RefusedError(f"more than {MOST_BYTES / 1e9:.0f} GB wait; add these first")
            parcel.size += count

    def _discard(self, identifier: str) -> None:
        """Remove an upload, unless it was taken."""
        with self._lock:
            parcel = self._parcels.pop(identifier, None)
        if parcel is not None:
            parcel.path.unlink(missing_ok=True)
