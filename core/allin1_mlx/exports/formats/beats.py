"""Beats as plain text: one line per beat, time in seconds and position in the bar, with a tab.

The usual format of beat trackers and annotations; mir_eval reads it as labelled events.
"""

from __future__ import annotations

from ...types import Result
from ..format import File, Format, Options
from ..text import write_seconds


def render(result: Result, options: Options) -> bytes:
    """Each beat and its position in the bar, 1 for a downbeat."""
    rows = zip(result.beats, result.beat_positions, strict=True)
    return "".join(f"{write_seconds(t)}\t{position}\n" for t, position in rows).encode()


FORMAT = Format(
    description="one line for each beat: time and position in the bar",
    title="Music research",
    hint="mir_eval, JAMS",
    files=(File(".beats", ".beats", render),),
)
