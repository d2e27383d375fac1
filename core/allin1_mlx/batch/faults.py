"""What goes wrong with one song, as one line for the user, so that the other songs go on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ..errors import AllInOneError, Cancelled
from ..files import printable_name
from .naming import Song

_log = logging.getLogger(__name__)


class Failing(Protocol):
    """Something about a song that can go wrong; `error` is empty until it does."""

    song: Song
    error: str


@contextmanager
def catching(work: Failing) -> Iterator[None]:
    """Turn what goes wrong inside the block into the song's error.

    What stops everything goes through: Cancelled, Ctrl-C.
    """
    try:
        yield
    except Cancelled:
        raise
    except Exception as e:  # whatever it is, the other songs go on, and it is told
        work.error = explain(e, printable_name(work.song.path))


def explain(error: Exception, name: str) -> str:
    """One line about what went wrong with the song of that name."""
    if isinstance(error, AllInOneError):
        text = str(error)
        return text if name in text else f"{name}: {text}"
    if isinstance(error, MemoryError):
        return f"{name}: is too long for this computer's memory; cut it into parts"
    if isinstance(error, OSError):
        place = f"{printable_name(error.filename)}: " if error.filename else ""
        return f"{name}: its results cannot be written: {place}{error.strerror or error}"
    _log.debug("%s", name, exc_info=error)
    return f"{name}: unexpected fault: {type(error).__name__}: {error}"
