"""The corrections of a song as text for the user: "Tempo halved", "Downbeat +1"."""

from __future__ import annotations

from dataclasses import dataclass

from ..types import Result
from .edit import BeatEdit, SectionEdit, list_aspects
from .history import effective_beat_edits, effective_section_edits


@dataclass(frozen=True)
class Change:
    """The corrections of one aspect. what: the aspect, as in Reset; text: one line."""

    what: str
    text: str


def describe_edits(result: Result) -> tuple[Change, ...]:
    """The active corrections, aspect by aspect, without those that were reset or cancel out."""
    edits = (*effective_beat_edits(result.edits), *effective_section_edits(result.edits))
    changes = []
    for what, kind in {**list_aspects(BeatEdit), **list_aspects(SectionEdit)}.items():
        chosen = [edit for edit in edits if isinstance(edit, kind)]
        text = kind.describe(chosen, result) if chosen else ""
        if text:
            changes.append(Change(what, text))
    return tuple(changes)
