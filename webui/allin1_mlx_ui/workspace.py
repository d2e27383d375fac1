"""The folder where a running server keeps what it was given.

It goes when the server ends. One that was killed cannot clear up after itself: the next server
does. A locked file in the folder tells that its server still runs; the system lets go of the lock
when the process ends, however it ends.
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
    """A new folder, removed with all that is in it when the block ends."""
    remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with (folder / LOCK).open("w") as lock:
        _lock(lock)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the folders of servers that no longer run; where locks are unknown, of none."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK).open("r+") as lock:
                if not _lock(lock):
                    continue
        except OSError:  # not ours, or only just being made
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _lock(file: IO[str]) -> bool:
    """Take the lock, if nobody has it."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
