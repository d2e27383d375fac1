"""Sections as plain text: a line for each, start, end and label, parted by tabs, in seconds.

As mir_eval reads labelled intervals.
"""

from __future__ import annotations

from ..analysis import Analysis
from .text import one_line, write_seconds


def render(analysis: Analysis) -> bytes:
    """Each section and its label."""
    rows = (
        f"{write_seconds(s.start)}\t{write_seconds(s.end)}\t{one_line(s.label)}\n"
        for s in analysis.segments
    )
    return "".join(rows).encode()
