"""Edits of sections.

Times are seconds. A boundary belongs to both sections beside it, so sections never have gaps.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from ..errors import EditError
from ..types import Result, Segment
from .edit import SectionEdit, Sections, count_verbs
from .fields import LABEL, TIME

SHORTEST = 0.1  # length of the shortest section in seconds
TOUCH = 0.05  # seconds: a time this close to a boundary refers to that boundary


class BoundaryEdit(SectionEdit):
    """An edit of the boundaries between sections."""

    aspect = "boundaries"

    @classmethod
    def describe(cls, edits: Sequence[BoundaryEdit], result: Result) -> str:
        """Describe how many edits there were of each kind."""
        return f"Sections: {count_verbs(cls, edits)}"


@dataclass(frozen=True)
class MoveBoundary(BoundaryEdit):
    """The section boundary at `at` moves to `to`, between the same neighbours."""

    name = "move_boundary"
    verb = "boundary moved"
    at: float = field(metadata=TIME)
    to: float = field(metadata=TIME)

    def apply(self, sections: Sections) -> Sections:
        """The section before ends, and the section after begins, at the new time."""
        index = _boundary_at(sections, self.at)
        before, after = sections[index - 1], sections[index]
        if not before.start + SHORTEST <= self.to <= after.end - SHORTEST:
            raise EditError(
                f"{self.to:.3f} s leaves no room for the sections {before.label} and {after.label}"
            )
        moved = (replace(before, end=self.to), replace(after, start=self.to))
        return (*sections[: index - 1], *moved, *sections[index + 1 :])


@dataclass(frozen=True)
class SplitSection(BoundaryEdit):
    """A new boundary at `at`; the section after it gets `label`, or the label of the whole."""

    name = "split_section"
    verb = "split"
    at: float = field(metadata=TIME)
    label: str | None = field(default=None, metadata=LABEL)

    def apply(self, sections: Sections) -> Sections:
        """One section becomes two."""
        index = _section_at(sections, self.at)
        section = sections[index]
        if not section.start + SHORTEST <= self.at <= section.end - SHORTEST:
            raise EditError(
                f"{self.at:.3f} s is too close to an end of the section to split it there"
            )
        after = replace(section, start=self.at)
        if self.label is not None:
            after = _renamed(after, self.label)
        return (*sections[:index], replace(section, end=self.at), after, *sections[index + 1 :])


@dataclass(frozen=True)
class MergeSections(BoundaryEdit):
    """The boundary at `at` is removed; the section keeps the label from before it."""

    name = "merge_sections"
    verb = "merged"
    at: float = field(metadata=TIME)

    def apply(self, sections: Sections) -> Sections:
        """Two sections become one."""
        return _join(sections, _boundary_at(sections, self.at), keep=-1)


@dataclass(frozen=True)
class DeleteSection(BoundaryEdit):
    """The section around `at` becomes part of the one before it; the first one, of the next."""

    name = "delete_section"
    verb = "deleted"
    at: float = field(metadata=TIME)

    def apply(self, sections: Sections) -> Sections:
        """The neighbour keeps its label."""
        index = _section_at(sections, self.at)
        if len(sections) == 1:
            raise EditError("the only section of a song cannot be deleted; give it another label")
        return _join(sections, max(index, 1), keep=-1 if index else 0)


@dataclass(frozen=True)
class RelabelSection(SectionEdit):
    """The section around `at` gets the label `label`, one of the known labels or any other."""

    name = "relabel_section"
    aspect = "labels"
    at: float = field(metadata=TIME)
    label: str = field(metadata=LABEL)

    def apply(self, sections: Sections) -> Sections:
        """Boundaries stay the same."""
        index = _section_at(sections, self.at)
        named = _renamed(sections[index], self.label)
        return (*sections[:index], named, *sections[index + 1 :])

    @classmethod
    def describe(cls, edits: Sequence[RelabelSection], result: Result) -> str:
        """Describe how many labels were changed."""
        return "1 section renamed" if len(edits) == 1 else f"{len(edits)} sections renamed"


def restore_sections(sections: Sections, detected: Sections, start: float, end: float) -> Sections:
    """Replace the sections within [start, end) by the detected ones.

    A boundary at start or end that was not detected is removed if both sides have the same label.
    """
    parts = [
        *_within(sections, 0.0, start),
        *_within(detected, start, end),
        *_within(sections, end, float("inf")),
    ]
    found = {section.start for section in detected}
    joined: list[Segment] = []
    for section in parts:
        seam = section.start in (start, end) and section.start not in found
        if joined and seam and joined[-1].label == section.label:
            joined[-1] = replace(joined[-1], end=section.end)
        else:
            joined.append(section)
    return tuple(joined)


def snap_to_bar(result: Result, time: float) -> float:
    """The downbeat nearest to a time, or the time itself if none is within half a bar.

    `snapToBars` in the page's sheet.js is another rule: it extends a selection to whole bars.
    """
    downbeats = result.downbeats
    if len(downbeats) < 2:
        return time
    index = min(range(len(downbeats)), key=lambda i: abs(downbeats[i] - time))
    if index == 0 or (index < len(downbeats) - 1 and time > downbeats[index]):
        bar = downbeats[index + 1] - downbeats[index]
    else:
        bar = downbeats[index] - downbeats[index - 1]
    return downbeats[index] if abs(downbeats[index] - time) <= bar / 2 else time


def _renamed(section: Segment, label: str) -> Segment:
    """The section with a label that a person chose, and no confidence."""
    return replace(section, label=label, confidence=None)


def _join(sections: Sections, index: int, *, keep: int) -> Sections:
    """Join sections index - 1 and index; the result has the label of section index + keep."""
    start, end = sections[index - 1].start, sections[index].end
    joined = replace(sections[index + keep], start=start, end=end)
    return (*sections[: index - 1], joined, *sections[index + 1 :])


def _boundary_at(sections: Sections, at: float) -> int:
    """The index of the section that begins at the boundary at the time `at`."""
    after = bisect_left(sections, at, lo=min(1, len(sections)), key=attrgetter("start"))
    inner = [index for index in (after - 1, after) if 0 < index < len(sections)]
    index = min(inner, key=lambda i: abs(sections[i].start - at), default=0)
    if index == 0 or abs(sections[index].start - at) > TOUCH:
        raise EditError(f"there is no section boundary at {at:.3f} s")
    return index


def _section_at(sections: Sections, at: float) -> int:
    """The index of the section at a time; the end of the song belongs to the last section."""
    index = bisect_right(sections, at, key=attrgetter("start")) - 1
    if index >= 0 and (at < sections[index].end or at == sections[-1].end):
        return index
    raise EditError(f"there is no section at {at:.3f} s")


def _within(sections: Sections, start: float, end: float) -> list[Segment]:
    """Sections cut to [start, end)."""
    cut = (replace(s, start=max(s.start, start), end=min(s.end, end)) for s in sections)
    return [s for s in cut if s.start < s.end]
