"""REAPER regions and markers, in the format of its Region/Marker Manager.

Sections are regions, bar lines are markers; times are hours:minutes:seconds to the millisecond.
UTF-8 without a byte order mark, which REAPER would read as part of the first heading.
"""

from __future__ import annotations

import csv
import io

from ...display.bars import number_bars
from ...types import Result
from ..format import File, Format, Options
from ..text import one_line


def render(result: Result, options: Options) -> bytes:
    """The table of regions and markers."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("#", "Name", "Start", "End", "Length"))
    for number, s in enumerate(result.segments, 1):
        times = (s.start, s.end, s.end - s.start)
        writer.writerow((f"R{number}", one_line(s.label), *map(_write_time, times)))
    numbered = zip(result.beats, result.beat_positions, number_bars(result), strict=True)
    downbeats = ((time, bar) for time, position, bar in numbered if position == 1)
    for number, (time, bar) in enumerate(downbeats, 1):
        writer.writerow((f"M{number}", f"bar {bar}", _write_time(time), "", ""))
    return text.getvalue().encode()


def _write_time(time: float) -> str:
    seconds, ms = divmod(round(time * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}.{ms:03}"


FORMAT = Format(
    description="REAPER regions (sections) and markers (bars)",
    title="REAPER",
    hint="regions and markers",
    files=(File(".reaper.csv", "regions", render),),
)
