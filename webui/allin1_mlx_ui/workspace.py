"""The folder where a running server keeps its temporary files.

It is removed when the server ends. A killed server cannot remove its folder, so the next server
does. A locked file in the folder shows that its server is running; the system releases the lock
when the process ends for any reason.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PREFIX = "allin1-mlx-ui-"
LOCK = "in-use"


@contextmanager
def open_workspace() -> Iterator[Path]:
    """Yield a new folder, and remove it with its contents when the block ends."""
    remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with (folder / LOCK).open("w") as lock:
        take_lock(lock)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the folders of servers that no longer run. Does nothing on systems without locks."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK).open("r+") as lock:
                if not take_lock(lock):
                    continue
        except OSError:  # not ours, or just being created
            continue
        shutil.rmtree(folder, ignore_errors=True)


def take_lock(file: IO[str]) -> bool:
    """Try to take the lock. Returns whether that worked."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
