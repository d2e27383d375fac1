"""Colours of pictures and timelines.

Sections have the colours of Paul Tol's scheme "light", made for filled areas under dark text and
for colour-blind readers. They are the same on light and dark backgrounds; labels are always shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...types import Segment

PALER = (0.0, 0.4, 0.65)  # white in the colour of the first, second and further groups of a label
SECTION_INK = "#1b1b1f"  # text on a section

_SECTIONS = {
    "start": "#DDDDDD",
    "end": "#DDDDDD",
    "intro": "#99DDFF",
    "outro": "#77AADD",
    "break": "#AAAA00",
    "bridge": "#EEDD88",
    "inst": "#BBCC33",
    "solo": "#FFAABB",
    "verse": "#44BB99",
    "chorus": "#EE8866",
}
_OTHER = "#AA88EE"  # labels of other programs and of users


@dataclass(frozen=True)
class Ground:
    """The colours of everything except sections, for one background."""

    paper: str
    ink: str
    muted: str
    low: str
    mid: str
    high: str
    bar: str
    beat: str
    tempo: str
    beat_activation: str
    downbeat_activation: str
    section_activation: str
    edited: str


LIGHT = Ground(
    paper="#ffffff",
    ink="#1b1b1f",
    muted="#5c6068",
    low="#2f4f9e",
    mid="#1f9a8a",
    high="#e0a11b",
    bar="#2c3f63",
    beat="#7d8798",
    tempo="#0b6e8f",
    beat_activation="#0072b2",
    downbeat_activation="#b3470a",
    section_activation="#00755a",
    edited="#7b1fa2",
)
DARK = Ground(
    paper="#16181d",
    ink="#eceef2",
    muted="#a3a9b5",
    low="#5a83e0",
    mid="#45c4b0",
    high="#f4cc6a",
    bar="#d7deeb",
    beat="#7f8a9d",
    tempo="#5cc8ea",
    beat_activation="#56b4e9",
    downbeat_activation="#e8894a",
    section_activation="#35b894",
    edited="#d9a5ff",
)


def section_colours(segments: Sequence[Segment]) -> list[str]:
    """The colour of each section, "#RRGGBB".

    Sections of one label have one hue. Those of another group, so with other music, are paler.
    """
    groups: dict[str, list[str | None]] = {}
    colours = []
    for segment in segments:
        known = groups.setdefault(segment.label.lower(), [])
        group = getattr(segment, "group", None)
        if group not in known:
            known.append(group)
        share = PALER[min(known.index(group), len(PALER) - 1)]
        colours.append(_mix(section_colour(segment.label), "#ffffff", share))
    return colours


def _mix(colour: str, other: str, share: float) -> str:
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + share * (b - a)):02X}" for a, b in pairs)


def section_colour(label: str) -> str:
    """The colour of a section, "#RRGGBB"; all labels that are not in LABELS share one colour."""
    return _SECTIONS.get(label.lower(), _OTHER)
