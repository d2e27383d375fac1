"""The title and the artist that a music file names.

Tags come from anybody. So texts are cut, lie on one line, and hold no control characters. A file
whose tags cannot be read is a file without tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import PathLike

from .files import printable, storable

LONGEST_TAG = 200  # characters
READ_AT_MOST = 10_000  # characters of a tag that are looked at

# Marks that turn the direction of the text after them.
_TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Tags:
    """The title and artist of a song; "" if unknown."""

    title: str = ""
    artist: str = ""

    @classmethod
    def of(cls, title: str | None, artist: str | None) -> Tags:
        """Tags from texts that may be anything."""
        return cls(_clean(title), _clean(artist))

    @property
    def name(self) -> str:
        """Artist and title, or the title alone; "" without a title."""
        return f"{self.artist} – {self.title}" if self.artist and self.title else self.title


def read_tags(path: str | PathLike[str]) -> Tags:
    """Read the tags of a file by its content. Raises OSError if it cannot be read."""
    from tinytag import TinyTag, TinyTagException

    with open(path, "rb") as file:
        try:
            found = TinyTag.get(file_obj=file, duration=False)
        except TinyTagException:  # of a kind without tags, or damaged
            return Tags()
    return Tags.of(found.title, found.artist)


def _clean(text: str | None) -> str:
    words = " ".join(_TURNS.sub("", storable((text or "")[:READ_AT_MOST])).split())
    shown = printable(words)
    return shown if len(shown) <= LONGEST_TAG else f"{shown[: LONGEST_TAG - 1]}…"
