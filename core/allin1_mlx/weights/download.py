"""Download published files over HTTP. A file gets its final name only when it is verified.

Received bytes are stored in `partial/` inside the folder, in a file named by its SHA-256. The file
is locked while a process writes to it; other processes wait. An interrupted transfer is resumed.
The folder itself receives only files whose size and SHA-256 were checked, by renaming. Sizes are
bytes, times are seconds.
"""

from __future__ import annotations

import http
import http.client
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from urllib.parse import quote, urlsplit

from ..errors import DownloadError, UsageError
from ..files import digest_of
from .registry import WeightFile
from .web import TransferError, open_url, range_start

STALL_SECONDS = 15.0  # seconds without enough progress

_BLOCK = 1 << 16
_PATIENCE = 60.0  # seconds to wait for another process that makes no progress
_PROGRESS = 1 << 14  # bytes within STALL_SECONDS; fewer count as a stall
_ATTEMPTS = 4
_PAUSE = 0.5  # seconds before the second attempt; doubled before each further one


_Report = Callable[[float], None]


def download(
    file: WeightFile,
    folder: Path,
    *,
    base_url: str | None = None,
    stall_after: float = STALL_SECONDS,
    on_progress: _Report | None = None,
) -> Path:
    """Download a file into `folder` unless it is there already, and return its path.

    base_url: the folder of a mirror, used instead of the publisher's address. on_progress: called
    with the finished fraction; an exception raised in it stops the transfer, which can be resumed
    later. Raises DownloadError, within 5 s if the server cannot be reached.
    """
    target = folder / file.name
    url = _url(file, base_url)
    report = on_progress or (lambda fraction: None)
    partial = folder.parent / "partial" / file.sha256
    try:
        if target.is_file() and target.stat().st_size == file.size:
            return target
        for parent in (folder, partial.parent):
            parent.mkdir(parents=True, exist_ok=True)
        with _locked(partial, lambda size: report(min(size / file.size, 1.0))) as stream:
            if target.is_file() and target.stat().st_size == file.size:
                partial.unlink()  # another process has finished it
                return target
            try:
                _Transfer(url, file, stream, stall_after, report).run()
            except OSError:
                stream.truncate(0)  # leave no full disk
                raise
            os.fsync(stream.fileno())
            partial.replace(target)
    except OSError as e:
        raise DownloadError(
            f"{file.name}: cannot be stored in {folder} ({e.strerror or e}); "
            f"{file.size / 1e6:.1f} MB are needed there"
        ) from e
    return target


def verify(file: WeightFile, path: Path) -> None:
    """Raise DownloadError unless the file at `path` has the published size and SHA-256."""
    size = path.stat().st_size
    if size != file.size:
        raise DownloadError(f"{path}: {size} bytes instead of {file.size}; remove it")
    with path.open("rb") as stream:
        found = digest_of(stream)
    if found != file.sha256:
        raise DownloadError(f"{path}: SHA-256 is {found}, expected {file.sha256}; remove it")


def _url(file: WeightFile, base_url: str | None) -> str:
    """The address of a file at its publisher or at the mirror."""
    base = base_url or file.publisher.url
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"{base!r} is not an address for downloads; expected http:// or https://")
    return base.rstrip("/") + "/" + quote(file.name)


@contextmanager
def _locked(partial: Path, while_waiting: Callable[[int], None]) -> Iterator[FileIO]:
    """Open the partial file for reading and appending, and lock it for this process.

    while_waiting: called with the file's size while another process holds the lock.
    """
    while True:
        with partial.open("a+b", buffering=0) as stream:
            size, since = -1, time.monotonic()
            while not _try_lock(stream):
                if (now := os.fstat(stream.fileno()).st_size) != size:
                    size, since = now, time.monotonic()
                if time.monotonic() - since > _PATIENCE:
                    raise DownloadError(
                        f"{partial}: another process has held this for {_PATIENCE:.0f} s "
                        f"without any progress; stop it and try again"
                    )
                while_waiting(size)
                time.sleep(0.1)
            # The other process may have renamed it, so that this is the finished file.
            if _is_at(partial, stream):
                try:
                    yield stream
                finally:
                    if stream.seek(0, os.SEEK_END) == 0:
                        partial.unlink(missing_ok=True)
                return


def _is_at(path: Path, stream: FileIO) -> bool:
    """Whether the open file is still the file at this path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _try_lock(stream: FileIO) -> bool:
    """Lock a file against other processes until it is closed. Returns False if it is locked
    already.
    """
    import fcntl  # On Windows there is no such lock; only downloads need it.

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Transfer:
    """The download of one file into a stream that may already contain its beginning."""

    def __init__(
        self, url: str, file: WeightFile, stream: FileIO, stall_after: float, report: _Report
    ) -> None:
        self.url = url
        self.file = file
        self.stream = stream
        self.stall_after = stall_after
        self.report = report

    def run(self) -> None:
        """Complete the file in the stream and verify it. Raises DownloadError."""
        resumed = self._size() > 0
        attempt, reached = 1, 0
        while True:
            if self._size() >= self.file.size:
                if self._size() == self.file.size and digest_of(self.stream) == self.file.sha256:
                    return
                self.stream.truncate(0)
                if not resumed:
                    raise self._error(
                        "sent a file with another SHA-256 than the published one; it was deleted. "
                        "Try again later, or use another mirror"
                    )
                # The stored beginning may belong to another file: try once more from the start.
                resumed = False
            self._check_room()
            try:
                self._receive()
            except TransferError as e:
                if e.restart:
                    self.stream.truncate(0)
                if self._size() - reached >= _BLOCK:
                    attempt, reached = 1, self._size()
                if attempt == _ATTEMPTS:
                    raise self._error(
                        f"failed {attempt} times ({e}); try again later, the download will resume"
                    ) from e
                time.sleep(_PAUSE * 2 ** (attempt - 1))
                attempt += 1

    def _error(self, what: str) -> DownloadError:
        return DownloadError(f"{self.file.name}: {self.url} {what}")

    def _size(self) -> int:
        return self.stream.seek(0, os.SEEK_END)

    def _check_room(self) -> None:
        room = shutil.disk_usage(Path(self.stream.name).parent).free
        if room < self.file.size - self._size():
            raise OSError(None, f"only {room / 1e6:.1f} MB are free")

    def _receive(self) -> None:
        """Request the missing bytes and append them."""
        headers = {"User-Agent": "allin1-mlx", "Accept-Encoding": "identity"}
        if have := self._size():
            headers["Range"] = f"bytes={have}-"
        with open_url(self.url, headers, stall_after=self.stall_after) as response:
            if response.status == http.HTTPStatus.PARTIAL_CONTENT:
                if range_start(response) != have:
                    raise TransferError("the server sent a wrong part", restart=True)
            else:
                self.stream.truncate(0)
                have = 0
            promised = response.headers.get("Content-Length", "")
            if promised.isdigit() and have + int(promised) != self.file.size:
                raise self._error(
                    f"has {have + int(promised)} bytes, expected {self.file.size}; "
                    f"this is not the published file"
                )
            self._append(response, have)
        self.report(1.0)

    def _append(self, response: http.client.HTTPResponse, have: int) -> None:
        """Append the body to the `have` bytes that are there, until it ends or stalls."""
        moved, since = have, time.monotonic()
        while have < self.file.size:
            self.report(have / self.file.size)
            try:
                block = response.read1(min(_BLOCK, self.file.size - have))
                stalled = have - moved < _PROGRESS and time.monotonic() - since > self.stall_after
            except TimeoutError:
                stalled = True
            except (http.client.HTTPException, OSError) as e:
                raise TransferError(str(e)) from e
            if stalled:
                raise self._error(
                    f"stopped sending after {have} of {self.file.size} bytes; "
                    f"try again later, the download will resume"
                )
            if not block:
                raise TransferError(f"the connection ended after {have} bytes")
            have += len(block)
            while block:
                block = block[self.stream.write(block) :]
            if have - moved >= _PROGRESS:
                moved, since = have, time.monotonic()
