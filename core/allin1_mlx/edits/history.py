"""Corrections kept apart from what was detected.

A corrected Analysis holds what was detected and the edits; its beats and sections are always those
that the edits make of the detection. So undoing is leaving out the last edit, and nothing is lost.
Edits of beats and edits of sections do not touch each other. Edits that follow one another and
cancel out are not carried out at all: twice the tempo, then half of it, is exactly the detection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..decoding.tempo import estimate_meter, estimate_tempo, round_tempo
from ..types import Analysis, Detection, Segment
from .commands import Edit, Nudge, Reset, ScaleTempo, ShiftDownbeat
from .grid import GRID_EDITS, Grid, correct_grid, restore_beats
from .parts import takes_back
from .sections import SECTION_EDITS, correct_sections, restore_sections
from .values import BEAT_PARTS, SECTION_PARTS, EditError

_INVERSE = {"2": "1/2", "1/2": "2", "3/2": "2/3", "2/3": "3/2"}

MOST_EDITS = 10_000

Edits = tuple[Edit, ...]


@dataclass(frozen=True)
class History:
    """A song under correction: its state now, and the edits that were undone, the latest last."""

    analysis: Analysis
    undone: Edits = ()

    def apply(self, edit: Edit) -> History:
        """Carry out an edit; what was undone is forgotten. Raises EditError where it cannot be."""
        return History(apply(self.analysis, edit))

    def undo(self) -> History:
        """Take back the last edit; with none left, nothing changes."""
        edits = self.analysis.edits
        if not edits:
            return self
        return History(replay(self.analysis, edits[:-1]), (*self.undone, edits[-1]))

    def redo(self) -> History:
        """Carry out again what was undone last; with nothing undone, nothing changes."""
        if not self.undone:
            return self
        return History(apply(self.analysis, self.undone[-1]), self.undone[:-1])


def apply(analysis: Analysis, edit: Edit) -> Analysis:
    """The song after one more edit. Raises EditError where it does not fit."""
    edits = (*analysis.edits, edit)
    _check_number(edits)
    try:
        return _apply(analysis, edit, edits)
    except EditError as e:
        if isinstance(edit, Reset):
            raise EditError(f"other corrections rest on this one, take them back first: {e}") from e
        raise


def _apply(analysis: Analysis, edit: Edit, edits: Edits) -> Analysis:
    before, after = _beat_edits(analysis.edits), _beat_edits(edits)
    if after == (*before, edit):  # nothing cancels out: go on from here
        grid = _correct_grid(_grid(analysis), _detected_grid(analysis), edit)
    elif after == before:
        grid = _grid(analysis)
    else:
        grid = _replay_grid(analysis, after)
    before, after = _section_edits(analysis.edits), _section_edits(edits)
    found = detected(analysis).segments
    if after == (*before, edit):
        sections = _correct_sections(analysis.segments, found, edit)
    else:
        sections = analysis.segments if after == before else _replay_sections(found, after)
    return _corrected(analysis, edits, grid, sections)


def replay(analysis: Analysis, edits: Sequence[Edit]) -> Analysis:
    """The song as the edits make it of its detection; with none, as it was detected.

    Raises EditError where one of them does not fit.
    """
    _check_number(edits)
    sections = _replay_sections(detected(analysis).segments, _section_edits(edits))
    return _corrected(analysis, tuple(edits), _replay_grid(analysis, _beat_edits(edits)), sections)


def effective_edits(edits: Sequence[Edit]) -> Edits:
    """The edits that count, first those of beats: without what was reset or cancels out."""
    return (*_beat_edits(edits), *_section_edits(edits))


def detected(analysis: Analysis) -> Detection:
    """What was detected, whether or not it was corrected since."""
    if analysis.detection is not None:
        return analysis.detection
    return Detection(
        bpm=analysis.bpm,
        beats=analysis.beats,
        downbeats=analysis.downbeats,
        beat_positions=analysis.beat_positions,
        segments=analysis.segments,
        tempo=analysis.tempo,
        meter=analysis.meter,
    )


def carry_edits(old: Analysis, new: Analysis) -> Analysis:
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


def _replay_grid(analysis: Analysis, edits: Edits) -> Grid:
    found = _detected_grid(analysis)
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


def _grid(analysis: Analysis) -> Grid:
    return Grid(
        np.array(analysis.beats, dtype=np.float64),
        np.array(analysis.beat_positions, dtype=np.int64),
        analysis.bar_one,
        np.inf if analysis.duration is None else analysis.duration,
    )


def _detected_grid(analysis: Analysis) -> Grid:
    found = detected(analysis)
    bare = replace(analysis, beats=found.beats, beat_positions=found.beat_positions, bar_one=None)
    return _grid(bare)


def _corrected(
    analysis: Analysis, edits: Edits, grid: Grid, sections: tuple[Segment, ...]
) -> Analysis:
    """The analysis with these beats and sections; tempo and meter are those of the beats."""
    found = detected(analysis)
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
        analysis,
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
