"""Beats as plain text: a line for each, time in seconds and place in the bar, parted by a tab.

As beat trackers and collections of annotations write them; mir_eval reads them as labelled events.
"""

from __future__ import annotations

from ..analysis import Analysis
from .text import write_seconds


def render(analysis: Analysis) -> bytes:
    """Each beat and its place in the bar, 1 for a downbeat."""
    rows = zip(analysis.beats, analysis.beat_positions, strict=True)
    return "".join(f"{write_seconds(t)}\t{position}\n" for t, position in rows).encode()
