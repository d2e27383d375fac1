"""The displayed names of sections: "verse 1", "chorus 2", "instrumental"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..types import Segment

SPOKEN = {"inst": "instrumental"}


def name_label(label: str) -> str:
    """The usual name of a label among musicians."""
    return SPOKEN.get(label, label)


def name_sections(segments: Sequence[Segment]) -> list[str]:
    """The name of each section; labels that occur more than once are numbered."""
    total = Counter(segment.label for segment in segments)
    seen: Counter[str] = Counter()
    names = []
    for segment in segments:
        seen[segment.label] += 1
        name = name_label(segment.label)
        names.append(f"{name} {seen[segment.label]}" if total[segment.label] > 1 else name)
    return names
