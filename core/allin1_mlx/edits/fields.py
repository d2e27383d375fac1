"""The fields of edits and the values that they accept, as code and as JSON Schema.

Times are seconds from the first decoded sample. An edit class declares a field like this:

    at: float = field(metadata=TIME)

A value comes from a file or from the page. `read` checks it and raises EditError, whose message
contains the value that was found and what was expected.
"""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import EditError, show_value
from ..types import LONGEST_SONG

MOST_TAPS = 2_000
LONGEST_LABEL = 80  # characters
SLOWEST, FASTEST = 20, 600  # beats per minute


class Kind(ABC):
    """The kind of a field: the values that it accepts."""

    @abstractmethod
    def read(self, value: Any) -> Any:
        """Return the value in its final form. Raises EditError if it is not accepted."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the accepted values."""


@dataclass(frozen=True)
class Time(Kind):
    """Seconds."""

    def read(self, value: Any) -> float:
        """A finite time, at least 0."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise EditError(f"a time must be a number of seconds, found {show_value(value)}")
        if not 0 <= value <= LONGEST_SONG:
            raise EditError(
                f"a time is from 0 to {LONGEST_SONG} seconds, found " + show_value(value)
            )
        return float(value)

    def schema(self) -> dict[str, Any]:
        """A reference to the definition that all times share."""
        return {"$ref": "#/$defs/time"}


@dataclass(frozen=True)
class Bpm(Kind):
    """A tempo in beats per minute."""

    def read(self, value: Any) -> float:
        """The tempo, which is one that people can play."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise EditError(f"a tempo must be a number, found {show_value(value)}")
        if not SLOWEST <= value <= FASTEST:
            raise EditError(f"a tempo is from {SLOWEST} to {FASTEST} BPM, found {value:g}")
        return float(value)

    def schema(self) -> dict[str, Any]:
        """A number with both limits."""
        return {"type": "number", "minimum": SLOWEST, "maximum": FASTEST}


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number from `least` to `most`. rule: the beginning of error messages."""

    least: int
    most: int
    rule: str

    def read(self, value: Any) -> int:
        """The number, if it is whole and within the limits."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise EditError(f"expected a whole number, found {show_value(value)}")
        if not self.least <= value <= self.most:
            raise EditError(f"{self.rule}, found {show_value(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        """An integer with both limits."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class OneOf(Kind):
    """One of several names. subject: the name of the field in error messages."""

    subject: str
    names: Callable[[], Iterable[str]]

    def read(self, value: Any) -> str:
        """The name, if it is one of the allowed ones."""
        names = tuple(self.names())
        if not isinstance(value, str) or value not in names:
            raise EditError(
                f"{self.subject} is one of {', '.join(names)}, found {show_value(value)}"
            )
        return value

    def schema(self) -> dict[str, Any]:
        """A list of the allowed names."""
        return {"enum": list(self.names())}


@dataclass(frozen=True)
class Taps(Kind):
    """The times at which a person tapped, at least two."""

    def read(self, value: Any) -> tuple[float, ...]:
        """The times in increasing order, without repeats."""
        if not isinstance(value, (list, tuple)) or len(value) > MOST_TAPS:
            raise EditError(f"taps must be a list of up to {MOST_TAPS} times")
        taps = tuple(sorted({Time().read(tap) for tap in value}))
        if len(taps) < 2:
            raise EditError("a tempo needs two taps or more")
        return taps

    def schema(self) -> dict[str, Any]:
        """A list of times."""
        return {
            "type": "array",
            "minItems": 2,
            "maxItems": MOST_TAPS,
            "items": Time().schema(),
        }


@dataclass(frozen=True)
class Label(Kind):
    """The label of a section: printable text on one line."""

    def read(self, value: Any) -> str:
        """The label with single spaces."""
        label = " ".join(value.split()) if isinstance(value, str) else ""
        if not 0 < len(label) <= LONGEST_LABEL:
            raise EditError(
                f"a label has 1 to {LONGEST_LABEL} characters, found {show_value(value)}"
            )
        if any(unicodedata.category(c) in ("Cc", "Cs") for c in label):
            raise EditError(f"a label must be printable text, found {show_value(value)}")
        return label

    def schema(self) -> dict[str, Any]:
        """A reference to the definition that all labels share."""
        return {"$ref": "#/$defs/label"}


def metadata(kind: Kind) -> Mapping[str, Kind]:
    """The `metadata` argument of `dataclasses.field` for a field of this kind."""
    return {"kind": kind}


TIME = metadata(Time())
TAPS = metadata(Taps())
LABEL = metadata(Label())
BPM = metadata(Bpm())
