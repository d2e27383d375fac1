"""Corrections on the page: what its controls ask for, done by the core's edits.

A command is an edit as JSON, or {"do": "undo"} or {"do": "redo"}. Times are seconds. One that puts
a boundary somewhere may say "snap": true, and means the bar line nearest to that time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from allin1_mlx.edits import (
    EditError,
    History,
    compare,
    describe_edits,
    detected,
    parse_edit,
    snap_to_bar,
)
from allin1_mlx.palette import section_colour
from allin1_mlx.types import LABELS, Analysis, Segment

from .songs import Session, Song

SNAPPED = {"move_boundary": "to", "split_section": "at"}  # which of an edit's times
SAME = 0.001  # seconds


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


def _carry_out(history: History, command: Any) -> History:
    if not isinstance(command, dict):
        raise EditError(f"a command must be a JSON object, found {type(command).__name__}")
    if command == {"do": "undo"}:
        return history.undo()
    if command == {"do": "redo"}:
        return history.redo()
    data = {key: value for key, value in command.items() if key != "snap"}
    edit = parse_edit(data)
    if command.get("snap") is True and edit.name in SNAPPED:
        key = SNAPPED[edit.name]
        edit = parse_edit(data | {key: _snap(history.analysis, getattr(edit, key))})
    return history.apply(edit)


def _snap(analysis: Analysis, time: float) -> float:
    """The bar line that a time means; the time itself where that is a boundary already."""
    snapped = snap_to_bar(analysis, time)
    taken = any(abs(section.start - snapped) < SAME for section in analysis.segments)
    return time if taken else snapped


def describe_corrections(song: Song, analysis: Analysis) -> dict[str, Any]:
    """What the page tells of a song's corrections.

    ghosts: detected boundaries that are no longer there; bpm: the detected tempo.
    """
    found = detected(analysis)
    ghosts = _ghosts(analysis)
    return {
        "changes": [vars(change) for change in describe_edits(analysis)],
        "canUndo": bool(analysis.edits),
        "canRedo": bool(song.undone),
        "any": analysis.beats != found.beats or compare(analysis).any or bool(ghosts),
        "bpm": found.bpm if found.tempo is None else found.tempo.bpm,
        "ghosts": ghosts,
        "labels": [{"label": label, "colour": section_colour(label)} for label in LABELS],
    }


def describe_sections(analysis: Analysis) -> list[dict[str, Any]]:
    """Of each section: whether it begins, or is called, as corrected, and what to reset it with."""
    differences = compare(analysis)
    found = detected(analysis).segments
    ghosts = _ghosts(analysis)
    told = []
    for index, section in enumerate(analysis.segments):
        moved, renamed = differences.starts[index], differences.labels[index]
        ends = any(differences.starts[index + 1 : index + 2])
        lost = any(section.start < ghost < section.end for ghost in ghosts)
        edited = moved or renamed or ends or lost
        stretch = _detected_stretch(found, section) if edited else None
        told.append({"moved": moved, "renamed": renamed, "reset": stretch})
    return told


def _ghosts(analysis: Analysis) -> list[float]:
    """Detected boundaries that are no longer there."""
    starts = [section.start for section in analysis.segments]
    return [
        section.start
        for section in detected(analysis).segments
        if not any(abs(section.start - start) < SAME for start in starts)
    ]


def _detected_stretch(found: tuple[Segment, ...], section: Segment) -> tuple[float, float]:
    """From where to where a section must be reset for the detected one to be whole again."""

    def overlap(other: Segment) -> float:
        return min(section.end, other.end) - max(section.start, other.start)

    meant = max(found, key=overlap, default=section)
    return min(section.start, meant.start), max(section.end, meant.end)
