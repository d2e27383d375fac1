"""Tables for spreadsheets: CSV after RFC 4180, times in seconds.

They begin with a byte order mark, without which Excel takes UTF-8 for something else. A label that
a spreadsheet would take for a formula gets an apostrophe in front: a file may come from a stranger.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from ..analysis import Analysis
from ..display.bars import count_bars, number_bars
from .text import one_line, write_seconds

_FORMULA = ("=", "+", "-", "@")


def render_beats(analysis: Analysis) -> bytes:
    """Each beat with the number of its bar, 0 in a pickup, and its place there."""
    bars = number_bars(analysis).tolist()
    rows = zip(map(write_seconds, analysis.beats), bars, analysis.beat_positions, strict=True)
    return _render(("time", "bar", "beat"), rows)


def render_sections(analysis: Analysis) -> bytes:
    """Each section with its length in seconds and bars."""
    rows = (
        (
            number,
            _plain(s.label),
            write_seconds(s.start),
            write_seconds(s.end),
            write_seconds(s.end - s.start),
            f"{count_bars(analysis, s):.2f}",
        )
        for number, s in enumerate(analysis.segments, 1)
    )
    return _render(("number", "label", "start", "end", "length", "bars"), rows)


def _render(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _plain(label: str) -> str:
    line = one_line(label)
    return f"'{line}" if line.startswith(_FORMULA) else line
