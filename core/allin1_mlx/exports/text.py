"""Shared by the text formats: labels and titles on one line, times."""

from __future__ import annotations

import re
import unicodedata

from ..display.pages.chart import song_name
from ..types import Result

_NEVER = {"Cc", "Cs"}  # control characters and lone surrogates, which no format can store
_NONCHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")  # which XML forbids


def one_line(label: str) -> str:
    """A label on one line: tabs and line ends become spaces, unprintable characters `?`."""
    words = " ".join(label.split())
    printable = "".join("?" if unicodedata.category(c) in _NEVER else c for c in words)
    return _NONCHARACTERS.sub("?", printable)


def song_title(result: Result) -> str:
    """The title, or else the file's name without folder and suffix, on one line."""
    return one_line(result.tags.title or song_name(result)) or "song"


def write_seconds(time: float) -> str:
    """Seconds to the microsecond."""
    return f"{time:.6f}"
