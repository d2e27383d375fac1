"""Corrections on the page: what its controls ask for, done by the core's edits.

A command is an edit as JSON, or {"do": "undo"} or {"do": "redo"}. Times are seconds. One that puts
a boundary somewhere may say "snap": true, and means the bar line nearest to that time.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pictures.palette import section_colour
from allin1_mlx.edits import (
    History,
    MoveBoundary,
    SplitSection,
    compare,
    describe_edits,
    detected,
    parse_edit,
    snap_to_bar,
)
from allin1_mlx.edits.sections import SHORTEST, TOUCH
from allin1_mlx.errors import EditError
from allin1_mlx.types import LABELS, Edit, Segment, find_bpm

from .songs import Session, Song


def correct(session: Session, song: Song, command: Any) -> None:
    """Carry out a command. Raises EditError with a line for the user where it does not fit."""
    session.revise(song, partial(_correct, command=command))


def _correct(song: Song, *, command: Any) -> dict[str, Any]:
    if song.analysis is None:
        raise EditError(f"{song.name} has not been analysed yet")
    before = History(song.analysis, song.undone)
    after = _carry_out(before, command)
    return {
        "analysis": after.analysis,
        "undone": after.undone,
        "revision": song.revision + 1,
    }


def _carry_out(history: History[Analysis], command: Any) -> History[Analysis]:
    if not isinstance(command, dict):
        raise EditError(f"a command must be a JSON object, found {type(command).__name__}")
    if command == {"do": "undo"}:
        return history.undo()
    if command == {"do": "redo"}:
        return history.redo()
    edit = parse_edit({key: value for key, value in command.items() if key != "snap"})
    return history.apply(_snap(history.analysis, edit) if command.get("snap") is True else edit)


def _snap(analysis: Analysis, edit: Edit) -> Edit:
    """Put a boundary at the bar line that is meant, if that is between the same neighbours."""
    if isinstance(edit, MoveBoundary):
        snapped = snap_to_bar(analysis, edit.to)
        others = [edge for edge in _edges(analysis) if abs(edge - edit.at) >= TOUCH]
        return replace(edit, to=snapped) if _fits(snapped, edit.to, others) else edit
    if isinstance(edit, SplitSection):
        snapped = snap_to_bar(analysis, edit.at)
        return replace(edit, at=snapped) if _fits(snapped, edit.at, _edges(analysis)) else edit
    return edit


def _edges(analysis: Analysis) -> list[float]:
    return [0.0, *(section.end for section in analysis.segments)]


def _fits(snapped: float, time: float, edges: list[float]) -> bool:
    """Whether there is room for a boundary between the same edges where `time` lies."""
    before = max((edge for edge in edges if edge <= time), default=0.0)
    after = min((edge for edge in edges if edge > time), default=before)
    return before + SHORTEST <= snapped <= after - SHORTEST


def describe_corrections(song: Song, analysis: Analysis) -> dict[str, Any]:
    """What the page tells of a song's corrections.

    ghosts: detected boundaries that are no longer there; bpm: the detected tempo.
    """
    found = detected(analysis)
    differences = compare(analysis)
    return {
        "changes": [{"what": c.what, "words": c.text} for c in describe_edits(analysis)],
        "canUndo": bool(analysis.edits),
        "canRedo": bool(song.undone),
        "any": analysis.beats != found.beats or differences.any,
        "bpm": find_bpm(found),
        "ghosts": list(differences.lost),
        "labels": [{"label": label, "colour": section_colour(label)} for label in LABELS],
    }


def describe_sections(analysis: Analysis) -> list[dict[str, Any]]:
    """Of each section: whether it begins, or is called, as corrected, and what to reset it with."""
    differences = compare(analysis)
    found = detected(analysis).segments
    told = []
    for index, section in enumerate(analysis.segments):
        moved, renamed = differences.starts[index], differences.labels[index]
        ends = any(differences.starts[index + 1 : index + 2])
        first = bisect_right(differences.lost, section.start)
        lost = any(ghost < section.end for ghost in differences.lost[first : first + 1])
        edited = moved or renamed or ends or lost
        stretch = _detected_stretch(found, section) if edited else None
        told.append({"moved": moved, "renamed": renamed, "reset": stretch})
    return told


def _detected_stretch(found: tuple[Segment, ...], section: Segment) -> tuple[float, float]:
    """From where to where a section must be reset for the detected one to be whole again."""

    def overlap(other: Segment) -> float:
        return min(section.end, other.end) - max(section.start, other.start)

    first = max(bisect_right(found, section.start, key=attrgetter("start")) - 1, 0)
    stop = bisect_right(found, section.end, key=attrgetter("start"))
    meant = max(found[first:stop], key=overlap, default=section)
    return min(section.start, meant.start), max(section.end, meant.end)
