"""Label tracks of Audacity: start, end and label, parted by tabs, in seconds.

A label of a point has twice the same time. As in the manual of Audacity 3, "Importing and
Exporting Labels".
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..analysis import Analysis
from ..display.bars import name_places
from .text import one_line, write_seconds


def render_beats(analysis: Analysis) -> bytes:
    """Each beat as a point, named bar.beat."""
    places = name_places(analysis, np.array(analysis.beats, dtype=np.float64))
    return _render(zip(analysis.beats, analysis.beats, places, strict=True))


def render_sections(analysis: Analysis) -> bytes:
    """Each section as a region."""
    return _render((s.start, s.end, one_line(s.label)) for s in analysis.segments)


def _render(labels: Iterable[tuple[float, float, str]]) -> bytes:
    rows = (f"{write_seconds(a)}\t{write_seconds(b)}\t{label}\n" for a, b, label in labels)
    return "".join(rows).encode()
