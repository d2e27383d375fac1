"""What the text formats share: names on one line, times, the length of a song."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from ..analysis import Analysis

_NEVER = {"Cc", "Cs"}  # controls and halves of characters, which no format can hold
_NONCHARACTERS = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")  # which XML forbids


def one_line(label: str) -> str:
    """A label as one line: tabs and line ends become spaces, unprintables question marks."""
    words = " ".join(label.split())
    printable = "".join("?" if unicodedata.category(c) in _NEVER else c for c in words)
    return _NONCHARACTERS.sub("?", printable)


def song_title(analysis: Analysis) -> str:
    """The name of the song, without folder and suffix."""
    return one_line(PurePosixPath(analysis.path.replace("\\", "/")).stem) or "song"


def song_end(analysis: Analysis) -> float:
    """Seconds from the start to the end of the song, also where its duration is not known."""
    ends = (*analysis.beats[-1:], *(s.end for s in analysis.segments[-1:]))
    return max(ends, default=0.0) if analysis.duration is None else analysis.duration


def write_seconds(time: float) -> str:
    """Seconds to the microsecond."""
    return f"{time:.6f}"
