"""Audacity label tracks: start, end and label, separated by tabs, in seconds.

A point has the same start and end. After the manual of Audacity 3, "Importing and Exporting
Labels".
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...display.bars import name_places
from ...types import Result
from ..format import File, Format, Options
from ..text import one_line, write_seconds


def render_beats(result: Result, options: Options) -> bytes:
    """Each beat as a point, named bar.beat."""
    places = name_places(result, np.array(result.beats, dtype=np.float64))
    return _render(zip(result.beats, result.beats, places, strict=True))


def render_sections(result: Result, options: Options) -> bytes:
    """Each section as a region."""
    return _render((s.start, s.end, one_line(s.label)) for s in result.segments)


def _render(labels: Iterable[tuple[float, float, str]]) -> bytes:
    rows = (f"{write_seconds(a)}\t{write_seconds(b)}\t{label}\n" for a, b, label in labels)
    return "".join(rows).encode()


FORMAT = Format(
    description="Audacity label tracks, one of beats and one of sections",
    title="Audacity",
    hint="label tracks",
    files=(
        File(".beats.txt", "beats", render_beats),
        File(".sections.txt", "sections", render_sections),
    ),
)
