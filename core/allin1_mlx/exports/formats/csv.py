"""Tables for spreadsheets: CSV after RFC 4180, times in seconds.

They begin with a byte order mark, which Excel needs to recognise UTF-8. A label that a spreadsheet
would run as a formula gets an apostrophe in front, because a result file may come from a stranger.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from ...display.bars import count_bars, number_bars
from ...types import Result
from ..format import File, Format, Options
from ..text import one_line, write_seconds

_FORMULA = ("=", "+", "-", "@")


def render_beats(result: Result, options: Options) -> bytes:
    """Each beat with the number of its bar, 0 in a pickup, and its position in the bar."""
    bars = number_bars(result).tolist()
    rows = zip(map(write_seconds, result.beats), bars, result.beat_positions, strict=True)
    return _render(("time", "bar", "beat"), rows)


def render_sections(result: Result, options: Options) -> bytes:
    """Each section with its length in seconds and bars."""
    counted = zip(result.segments, count_bars(result, result.segments), strict=True)
    rows = (
        (
            number,
            _plain(s.label),
            write_seconds(s.start),
            write_seconds(s.end),
            write_seconds(s.end - s.start),
            f"{bars:.2f}",
        )
        for number, (s, bars) in enumerate(counted, 1)
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


FORMAT = Format(
    description="tables for spreadsheets, one of beats and one of sections",
    title="Spreadsheet",
    hint="CSV tables",
    files=(
        File(".beats.csv", "beats", render_beats),
        File(".sections.csv", "sections", render_sections),
    ),
)
