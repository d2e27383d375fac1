"""Corrections made on the page, applied by the core's edits.

A command is an edit as JSON, or {"do": "undo"} or {"do": "redo"}. Times are seconds. A command that
places a boundary may have "snap": true: then the boundary is placed at the nearest bar line. {"do":
"keep_loops", "loops": [...]} replaces the saved loops; this cannot be undone.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pictures.palette import section_colour
from allin1_mlx.display.section_names import name_label
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
from allin1_mlx.errors import EditError, ResultError
from allin1_mlx.result_file import read_loops, to_values
from allin1_mlx.schema import check_schema
from allin1_mlx.types import LABELS, Edit, Segment, find_bpm, find_duration

from .song import Song
from .songs import Session


def correct(session: Session, song: Song, command: Any) -> None:
    """Apply a command. Raises EditError, with a message for the user, if it is refused."""
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
    if command.get("do") == "keep_loops":
        return replace(history, analysis=_keep_loops(history.analysis, command.get("loops")))
    edit = parse_edit({key: value for key, value in command.items() if key != "snap"})
    return history.apply(_snap(history.analysis, edit) if command.get("snap") is True else edit)


def _keep_loops(analysis: Analysis, loops: Any) -> Analysis:
    """Return the song with these saved loops in place of the previous ones."""
    values = to_values(replace(analysis, loops=()))
    try:
        check_schema(values | {"loops": loops} if loops else values)
        kept = read_loops(loops or [])
    except ResultError as e:
        raise EditError(str(e)) from e
    if any(loop.end > find_duration(analysis) + TOUCH for loop in kept):
        raise EditError("a loop must not end after the song")
    return replace(analysis, loops=kept)


def _snap(analysis: Analysis, edit: Edit) -> Edit:
    """Move a boundary to the nearest bar line, if it stays between the same neighbours."""
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
    """Whether there is room for a boundary there, between the two boundaries around `time`."""
    before = max((edge for edge in edges if edge <= time), default=0.0)
    after = min((edge for edge in edges if edge > time), default=before)
    return before + SHORTEST <= snapped <= after - SHORTEST


def describe_corrections(song: Song, analysis: Analysis) -> dict[str, Any]:
    """Return a song's corrections for the page.

    ghosts: detected boundaries that no longer exist. bpm: the detected tempo.
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
        "labels": [
            {"label": label, "name": name_label(label), "colour": section_colour(label)}
            for label in LABELS
        ],
    }


def describe_sections(analysis: Analysis) -> list[dict[str, Any]]:
    """Return for each section whether its start or label was corrected, and how to reset it."""
    differences = compare(analysis)
    found = detected(analysis).segments
    described = []
    for index, section in enumerate(analysis.segments):
        moved, renamed = differences.starts[index], differences.labels[index]
        ends = any(differences.starts[index + 1 : index + 2])
        first = bisect_right(differences.lost, section.start)
        lost = any(ghost < section.end for ghost in differences.lost[first : first + 1])
        edited = moved or renamed or ends or lost
        stretch = _detected_stretch(found, section) if edited else None
        described.append({"moved": moved, "renamed": renamed, "reset": stretch})
    return described


def _detected_stretch(found: tuple[Segment, ...], section: Segment) -> tuple[float, float]:
    """Return the range to reset so that the whole detected section comes back."""

    def overlap(other: Segment) -> float:
        return min(section.end, other.end) - max(section.start, other.start)

    first = max(bisect_right(found, section.start, key=attrgetter("start")) - 1, 0)
    stop = bisect_right(found, section.end, key=attrgetter("start"))
    match = max(found[first:stop], key=overlap, default=section)
    return min(section.start, match.start), max(section.end, match.end)
