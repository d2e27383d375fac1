"""A song of a batch: on its way, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..analysis import Analysis
from .byproducts import Looked
from .naming import Song
from .prepare import Prepared


@dataclass(frozen=True)
class Outcome:
    """What became of a song: `analysis` in the file `result`, or `error`, a line for the user.

    reused: nothing had to be done. A song whose picture failed has a result and an error.
    """

    song: Song
    result: Path | None = None
    analysis: Analysis | None = None
    error: str = ""
    reused: bool = False


@dataclass
class Work:
    """A song on its way."""

    song: Song
    prepared: Prepared | None = None
    looked: Looked | None = None
    analysis: Analysis | None = None
    error: str = ""
    done_something: bool = False
