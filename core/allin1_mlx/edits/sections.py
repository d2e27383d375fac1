"""Sections under correction.

Times are seconds. A boundary belongs to the section before it and to the one after it, so that
sections stay gap-free. Every function gives new sections and leaves its own alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..types import Edit, Result, Segment
from .commands import DeleteSection, MergeSections, MoveBoundary, RelabelSection, SplitSection
from .values import EditError

SHORTEST = 0.1  # seconds that a section lasts
TOUCH = 0.05  # seconds within which a time means a boundary

Sections = tuple[Segment, ...]


def correct_sections(sections: Sections, edit: Edit) -> Sections:
    """The sections after one edit of SECTION_EDITS. Raises EditError where it does not fit."""
    return SECTION_EDITS[type(edit)](sections, edit)


def move_boundary(sections: Sections, edit: MoveBoundary) -> Sections:
    """Let one section end, and the next begin, at another time."""
    index = _boundary_at(sections, edit.at)
    before, after = sections[index - 1], sections[index]
    if not before.start + SHORTEST <= edit.to <= after.end - SHORTEST:
        raise EditError(
            f"{edit.to:.3f} s leaves no room for the sections {before.label} and {after.label}"
        )
    moved = (replace(before, end=edit.to), replace(after, start=edit.to))
    return (*sections[: index - 1], *moved, *sections[index + 1 :])


def split_section(sections: Sections, edit: SplitSection) -> Sections:
    """Make two sections of one."""
    index = _section_at(sections, edit.at)
    section = sections[index]
    if not section.start + SHORTEST <= edit.at <= section.end - SHORTEST:
        raise EditError(f"{edit.at:.3f} s is too close to an end of the section to split it there")
    label = section.label if edit.label is None else edit.label
    halves = (replace(section, end=edit.at), Segment(edit.at, section.end, label))
    return (*sections[:index], *halves, *sections[index + 1 :])


def merge_sections(sections: Sections, edit: MergeSections) -> Sections:
    """Make one section of two, called as the first of them."""
    return _join(sections, _boundary_at(sections, edit.at), keep=-1)


def relabel_section(sections: Sections, edit: RelabelSection) -> Sections:
    """Give a section another name."""
    index = _section_at(sections, edit.at)
    named = replace(sections[index], label=edit.label)
    return (*sections[:index], named, *sections[index + 1 :])


def delete_section(sections: Sections, edit: DeleteSection) -> Sections:
    """Let a section's time fall to the section before it, of the first one to the next."""
    index = _section_at(sections, edit.at)
    if len(sections) == 1:
        raise EditError("the only section of a song cannot be deleted; give it another label")
    return _join(sections, max(index, 1), keep=-1 if index else 0)


def restore_sections(sections: Sections, detected: Sections, start: float, end: float) -> Sections:
    """The sections of [start, end) as they were detected, the others as they are.

    A boundary at start or end goes where it was not detected and parts nothing any more.
    """
    pieces = [
        *_within(sections, 0.0, start),
        *_within(detected, start, end),
        *_within(sections, end, float("inf")),
    ]
    found = {section.start for section in detected}
    joined: list[Segment] = []
    for piece in pieces:
        seam = piece.start in (start, end) and piece.start not in found
        if joined and seam and joined[-1].label == piece.label:
            joined[-1] = replace(joined[-1], end=piece.end)
        else:
            joined.append(piece)
    return tuple(joined)


SECTION_EDITS: Mapping[type[Edit], Callable[[Sections, Any], Sections]] = MappingProxyType(
    {
        MoveBoundary: move_boundary,
        SplitSection: split_section,
        MergeSections: merge_sections,
        RelabelSection: relabel_section,
        DeleteSection: delete_section,
    }
)


def snap_to_bar(result: Result, time: float) -> float:
    """The downbeat nearest to a time; the time itself where none is within half a bar."""
    downbeats = result.downbeats
    if len(downbeats) < 2:
        return time
    index = min(range(len(downbeats)), key=lambda i: abs(downbeats[i] - time))
    if index == 0 or (index < len(downbeats) - 1 and time > downbeats[index]):
        bar = downbeats[index + 1] - downbeats[index]
    else:
        bar = downbeats[index] - downbeats[index - 1]
    return downbeats[index] if abs(downbeats[index] - time) <= bar / 2 else time


def _join(sections: Sections, index: int, *, keep: int) -> Sections:
    """Sections index - 1 and index as one, with the label of index + keep."""
    label = sections[index + keep].label
    joined = Segment(sections[index - 1].start, sections[index].end, label)
    return (*sections[: index - 1], joined, *sections[index + 1 :])


def _boundary_at(sections: Sections, at: float) -> int:
    """The section that begins at the boundary which a time means."""
    inner = range(1, len(sections))
    index = min(inner, key=lambda i: abs(sections[i].start - at), default=0)
    if index == 0 or abs(sections[index].start - at) > TOUCH:
        raise EditError(f"there is no section boundary at {at:.3f} s")
    return index


def _section_at(sections: Sections, at: float) -> int:
    """The section that a time lies in; the end of the song is in the last."""
    for index, section in enumerate(sections):
        if section.start <= at < section.end:
            return index
    if sections and at == sections[-1].end:
        return len(sections) - 1
    raise EditError(f"there is no section at {at:.3f} s")


def _within(sections: Sections, start: float, end: float) -> list[Segment]:
    """The parts of sections that lie in [start, end)."""
    cut = (replace(s, start=max(s.start, start), end=min(s.end, end)) for s in sections)
    return [s for s in cut if s.start < s.end]
