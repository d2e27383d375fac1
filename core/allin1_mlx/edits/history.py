"""Corrections kept apart from what was detected.

A corrected Analysis holds what was detected and the edits; its beats and sections are always those
that the edits make of the detection. So undoing is leaving out the last edit, and nothing is lost.
Edits of beats and edits of sections do not touch each other. Edits that follow one another and
cancel out are not carried out at all: twice the tempo, then half of it, is exactly the detection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from ..decoding.tempo import estimate_meter, estimate_tempo, round_tempo
from ..types import Detection, Edit, Result, Segment
from .commands import Nudge, Reset, ScaleTempo, ShiftDownbeat
from .grid import GRID_EDITS, Grid, correct_grid, restore_beats
from .parts import takes_back
from .sections import SECTION_EDITS, correct_sections, restore_sections
from .values import BEAT_PARTS, SECTION_PARTS, EditError

_INVERSE = {"2": "1/2", "1/2": "2", "3/2": "2/3", "2/3": "3/2"}

MOST_EDITS = 10_000

Edits = tuple[Edit, ...]
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class History(Generic[R]):
    """A song under correction: its state now, and the edits that were undone, the latest last."""

    analysis: R
    undone: Edits = ()

    def apply(self, edit: Edit) -> History[R]:
        """Carry out an edit; what was undone is forgotten. Raises EditError where it cannot be."""
        return History(apply(self.analysis, edit))

    def undo(self) -> History[R]:
        """Take back the last edit; with none left, nothing changes."""
        edits = self.analysis.edits
        if not edits:
            return self
        return History(replay(self.analysis, edits[:-1]), (*self.undone, edits[-1]))

    def redo(self) -> History[R]:
        """Carry out again what was undone last; with nothing undone, nothing changes."""
        if not self.undone:
            return self
        return History(apply(self.analysis, self.undone[-1]), self.undone[:-1])


def apply(result: R, edit: Edit) -> R:
    """The song after one more edit. Raises EditError where it does not fit."""
    edits = (*result.edits, edit)
    _check_number(edits)
    try:
        return _apply(result, edit, edits)
    except EditError as e:
        if isinstance(edit, Reset):
            raise EditError(f"other corrections rest on this one, take them back first: {e}") from e
        raise


def _apply(result: R, edit: Edit, edits: Edits) -> R:
    before, after = _beat_edits(result.edits), _beat_edits(edits)
    if after == (*before, edit):  # nothing cancels out: go on from here
        grid = _correct_grid(_grid(result), _detected_grid(result), edit)
    elif after == before:
        grid = _grid(result)
    else:
        grid = _replay_grid(result, after)
    before, after = _section_edits(result.edits), _section_edits(edits)
    found = detected(result).segments
    if after == (*before, edit):
        sections = _correct_sections(result.segments, found, edit)
    else:
        sections = result.segments if after == before else _replay_sections(found, after)
    return _corrected(result, edits, grid, sections)


def replay(result: R, edits: Sequence[Edit]) -> R:
    """The song as the edits make it of its detection; with none, as it was detected.

    Raises EditError where one of them does not fit.
    """
    _check_number(edits)
    sections = _replay_sections(detected(result).segments, _section_edits(edits))
    return _corrected(result, tuple(edits), _replay_grid(result, _beat_edits(edits)), sections)


def effective_edits(edits: Sequence[Edit]) -> Edits:
    """The edits that count, first those of beats: without what was reset or cancels out."""
    return (*_beat_edits(edits), *_section_edits(edits))


def detected(result: Result) -> Detection:
    """What was detected, whether or not it was corrected since."""
    if result.detection is not None:
        return result.detection
    return Detection(
        bpm=result.bpm,
        beats=result.beats,
        downbeats=result.downbeats,
        beat_positions=result.beat_positions,
        segments=result.segments,
        tempo=result.tempo,
        meter=result.meter,
    )


def carry_edits(old: Result, new: R) -> R:
    """A new analysis of the same audio, with the corrections that were made to an old one.

    Beats that were corrected stay as they are, with what they were corrected from; so do sections.
    What was not corrected is as newly detected. Edits are never applied to another detection:
    halving the tempo helps one that was too fast, and would spoil a better one.
    """
    beats, sections = bool(_beat_edits(old.edits)), bool(_section_edits(old.edits))
    first, second = detected(old), detected(new)
    found = replace(first if beats else second, segments=(first if sections else second).segments)
    edits = tuple(
        edit
        for edit in old.edits
        if (beats and _touches_beats(edit)) or (sections and _touches_sections(edit))
    )
    return replay(replace(new, edits=(), detection=found), edits)


def _replay_grid(result: Result, edits: Edits) -> Grid:
    found = _detected_grid(result)
    grid = found
    for edit in edits:
        grid = _correct_grid(grid, found, edit)
    return grid


def _replay_sections(found: tuple[Segment, ...], edits: Edits) -> tuple[Segment, ...]:
    sections = found
    for edit in edits:
        sections = _correct_sections(sections, found, edit)
    return sections


def _correct_grid(grid: Grid, found: Grid, edit: Edit) -> Grid:
    if isinstance(edit, Reset) and edit.start is not None and edit.end is not None:
        return restore_beats(grid, found, edit.start, edit.end)
    return correct_grid(grid, edit)


def _correct_sections(
    sections: tuple[Segment, ...], found: tuple[Segment, ...], edit: Edit
) -> tuple[Segment, ...]:
    if isinstance(edit, Reset) and edit.start is not None and edit.end is not None:
        return restore_sections(sections, found, edit.start, edit.end)
    return correct_sections(sections, edit)


def _grid(result: Result) -> Grid:
    return Grid(
        np.array(result.beats, dtype=np.float64),
        np.array(result.beat_positions, dtype=np.int64),
        result.bar_one,
        np.inf if result.duration is None else result.duration,
    )


def _detected_grid(result: Result) -> Grid:
    found = detected(result)
    bare = replace(result, beats=found.beats, beat_positions=found.beat_positions, bar_one=None)
    return _grid(bare)


def _corrected(result: R, edits: Edits, grid: Grid, sections: tuple[Segment, ...]) -> R:
    """The analysis with these beats and sections; tempo and meter are those of the beats."""
    found = detected(result)
    beats, positions = tuple(grid.times.tolist()), tuple(grid.positions.tolist())
    state = replace(found, segments=sections)
    if (beats, positions) != (found.beats, found.beat_positions):
        state = replace(
            state,
            bpm=round_tempo(grid.times),
            beats=beats,
            downbeats=tuple(grid.times[grid.positions == 1].tolist()),
            beat_positions=positions,
            tempo=estimate_tempo(grid.times),
            meter=estimate_meter(grid.positions),
        )
    return replace(
        result,
        **vars(state),
        bar_one=grid.bar_one,
        edits=edits,
        detection=found if edits else None,
    )


def _check_number(edits: Sequence[Edit]) -> None:
    if len(edits) > MOST_EDITS:
        raise EditError(f"a song keeps {MOST_EDITS} edits at most, found {len(edits)}")


def _beat_edits(edits: Sequence[Edit]) -> Edits:
    """The edits of beats that count: without those that were reset, and what cancels out."""
    kept: list[Edit] = []
    for edit in edits:
        if not _touches_beats(edit):
            continue
        if isinstance(edit, Reset) and edit.whole:
            kept = [earlier for earlier in kept if not takes_back(edit, earlier)]
            continue
        joined = _join(kept[-1], edit) if kept else None
        if joined is None:
            kept.append(edit)
        else:
            kept[-1:] = joined
    return tuple(kept)


def _join(first: Edit, second: Edit) -> list[Edit] | None:
    """What two edits are together, nothing or one; None where they are two."""
    if isinstance(first, ScaleTempo) and isinstance(second, ScaleTempo):
        return [] if first.factor == _INVERSE[second.factor] else None
    if isinstance(first, ShiftDownbeat) and isinstance(second, ShiftDownbeat):
        beats = first.beats + second.beats
        return [ShiftDownbeat(beats)] if beats else []
    if isinstance(first, Nudge) and isinstance(second, Nudge):
        ms = first.ms + second.ms
        return [Nudge(ms)] if ms else []
    return None


def _section_edits(edits: Sequence[Edit]) -> Edits:
    """The edits of sections that count: without those that were reset."""
    kept: list[Edit] = []
    for edit in edits:
        if not _touches_sections(edit):
            continue
        if isinstance(edit, Reset) and edit.whole:
            kept = [earlier for earlier in kept if not takes_back(edit, earlier)]
        else:
            kept.append(edit)
    return tuple(kept)


def _touches_beats(edit: Edit) -> bool:
    if isinstance(edit, Reset):
        return edit.what in ("all", "beats", *BEAT_PARTS)
    return type(edit) in GRID_EDITS


def _touches_sections(edit: Edit) -> bool:
    if isinstance(edit, Reset):
        return edit.what in ("all", "sections", *SECTION_PARTS)
    return type(edit) in SECTION_EDITS
