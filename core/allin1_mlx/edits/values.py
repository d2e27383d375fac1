"""The values that edits hold, and what is possible for each.

Times are seconds from the first decoded sample. What a file or a page sends is read here first:
EditError says what was found and what was expected.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..errors import ResultError

FACTORS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"2": (2, 1), "1/2": (1, 2), "3/2": (3, 2), "2/3": (2, 3)}
)
METERS = range(2, 8)  # beats per bar
BEAT_PARTS = ("tempo", "taps", "downbeat", "bar_one", "meter", "nudge", "single_beats")
SECTION_PARTS = ("boundaries", "labels")
WHATS = ("all", "beats", "sections", *BEAT_PARTS, *SECTION_PARTS)
FARTHEST_NUDGE = 10_000  # ms
FARTHEST_SHIFT = 1_000  # beats
LATEST = 1e9  # seconds: no song lasts that long
MOST_TAPS = 2_000
MOST_BEATS = 100_000  # of a song: a file that asks for more means no good
LONGEST_LABEL = 80  # characters


class EditError(ResultError):
    """An edit that is none, or that does not fit the song."""


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise EditError(f"a time must be a number of seconds, found {value!r:.40}")
    if not 0 <= value < LATEST:
        raise EditError(f"a time must be finite and not before the song, found {value!r:.40}")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise EditError(f"expected a whole number, found {value!r:.40}")
    return value


def _beats(value: Any) -> int:
    if abs(_whole(value)) > FARTHEST_SHIFT:
        raise EditError(f"a shift reaches {FARTHEST_SHIFT} beats at most, found {value!r:.40}")
    return int(value)


def _meter(value: Any) -> int:
    if _whole(value) not in METERS:
        raise EditError(f"a bar has {METERS[0]} to {METERS[-1]} beats, found {value!r:.40}")
    return int(value)


def _ms(value: Any) -> int:
    if abs(_whole(value)) > FARTHEST_NUDGE:
        raise EditError(f"a nudge reaches {FARTHEST_NUDGE} ms at most, found {value!r:.40}")
    return int(value)


def _factor(value: Any) -> str:
    if not isinstance(value, str) or value not in FACTORS:
        raise EditError(f"a factor is one of {', '.join(FACTORS)}, found {value!r:.40}")
    return value


def _what(value: Any) -> str:
    if value not in WHATS:
        raise EditError(f"what to reset is one of {', '.join(WHATS)}, found {value!r:.40}")
    return str(value)


def _taps(value: Any) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > MOST_TAPS:
        raise EditError(f"taps must be a list of up to {MOST_TAPS} times")
    taps = tuple(sorted({_time(tap) for tap in value}))
    if len(taps) < 2:
        raise EditError("it takes two taps or more to give a tempo")
    return taps


def _label(value: Any) -> str:
    label = " ".join(value.split()) if isinstance(value, str) else ""
    if not 0 < len(label) <= LONGEST_LABEL:
        raise EditError(f"a label has 1 to {LONGEST_LABEL} characters, found {value!r:.100}")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in label):
        raise EditError(f"a label must be printable text, found {value!r:.100}")
    return label


READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "at": _time,
        "to": _time,
        "start": _time,
        "end": _time,
        "beats": _beats,
        "meter": _meter,
        "ms": _ms,
        "factor": _factor,
        "what": _what,
        "taps": _taps,
        "label": _label,
    }
)  # a value's name says what it is, in whichever command
