"""Sections as plain text: one line per section, start, end and label, with tabs, in seconds.

mir_eval reads it as labelled intervals.
"""

from __future__ import annotations

from ...types import Result
from ..format import File, Format, Options
from ..text import one_line, write_seconds


def render(result: Result, options: Options) -> bytes:
    """Each section and its label."""
    rows = (
        f"{write_seconds(s.start)}\t{write_seconds(s.end)}\t{one_line(s.label)}\n"
        for s in result.segments
    )
    return "".join(rows).encode()


FORMAT = Format(
    description="one line for each section: start, end, label (mir_eval)",
    title="Music research",
    hint="mir_eval, JAMS",
    files=(File(".lab", ".lab", render),),
)
