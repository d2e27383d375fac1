"""Corrections kept apart from what was detected.

A corrected song holds its detection and its edits. Its beats and sections are always what the
edits make of the detection, so undoing an edit means leaving it out. Edits of beats and edits of
sections are independent of each other. Consecutive edits that cancel out are not applied at all:
doubling and then halving the tempo gives exactly the detection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from ..decoding.tempo import estimate_meter, estimate_tempo, round_tempo
from ..errors import EditError
from ..types import LONGEST_BAR, MOST_BEATS, MOST_EDITS, Detection, Edit, Result, find_duration
from .edit import BeatEdit, CheckedEdit, SectionEdit, Sections
from .grid import CLOSEST, Grid, restore_beats
from .reset import Reset
from .sections import restore_sections

MOST_WORK = 1_200_000_000  # edits times beats: about ten seconds

R = TypeVar("R", bound=Result)
F = TypeVar("F", bound=CheckedEdit)


@dataclass(frozen=True)
class History(Generic[R]):
    """A song under correction: its present state, and the edits that were undone, latest last."""

    analysis: R
    undone: tuple[Edit, ...] = ()

    def apply(self, edit: Edit) -> History[R]:
        """Apply an edit and forget what was undone. Raises EditError where it does not fit."""
        return History(apply(self.analysis, edit))

    def undo(self) -> History[R]:
        """Take back the last edit; without edits nothing changes."""
        edits = self.analysis.edits
        if not edits:
            return self
        return History(replay(self.analysis, edits[:-1]), (*self.undone, edits[-1]))

    def redo(self) -> History[R]:
        """Apply again what was undone last; with nothing undone, nothing changes."""
        if not self.undone:
            return self
        return History(apply(self.analysis, self.undone[-1]), self.undone[:-1])


def apply(result: R, edit: Edit) -> R:
    """The song after one more edit. Raises EditError where it does not fit."""
    edits = (*result.edits, edit)
    _check_number(result, edits)
    try:
        return _apply(result, edit, edits)
    except EditError as e:
        if isinstance(edit, Reset):
            raise EditError(f"other corrections depend on this one, reset them first: {e}") from e
        raise


def _apply(result: R, edit: Edit, edits: tuple[Edit, ...]) -> R:
    """The song after `edit`, the last of `edits`: computed from its present state if possible."""
    old_beats, beats = effective_beat_edits(result.edits), effective_beat_edits(edits)
    if beats == old_beats:
        grid = _grid(result)
    elif beats == (*old_beats, edit):
        grid = _correct_beats(_grid(result), _detected_grid(result), beats[-1:])
    else:
        grid = _correct_beats(_detected_grid(result), _detected_grid(result), beats)
    found = detected(result).segments
    old_cuts, cuts = effective_section_edits(result.edits), effective_section_edits(edits)
    if cuts == old_cuts:
        sections = result.segments
    elif cuts == (*old_cuts, edit):
        sections = _correct_sections(result.segments, found, cuts[-1:])
    else:
        sections = _correct_sections(found, found, cuts)
    return _corrected(result, edits, grid, sections)


def replay(result: R, edits: Sequence[Edit]) -> R:
    """The song as the edits make it from its detection; without edits, as it was detected.

    Raises EditError where one of them does not fit.
    """
    _check_number(result, edits)
    detected_grid, found = _detected_grid(result), detected(result).segments
    grid = _correct_beats(detected_grid, detected_grid, effective_beat_edits(edits))
    sections = _correct_sections(found, found, effective_section_edits(edits))
    return _corrected(result, tuple(edits), grid, sections)


def detected(result: Result) -> Detection:
    """What was detected, whether the song was corrected later or not."""
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
    """A new analysis of the same audio, with the corrections made to an old one.

    Corrected beats stay as they are, together with their detection; so do corrected sections. What
    was not corrected is taken from the new analysis. Saved loops are kept. Edits are never applied
    to another detection: halving the tempo repairs one that was too fast and would spoil a better.
    """
    beats = bool(effective_beat_edits(old.edits))
    sections = bool(effective_section_edits(old.edits))
    first, second = detected(old), detected(new)
    found = replace(first if beats else second, segments=(first if sections else second).segments)
    edits = tuple(
        edit
        for edit in old.edits
        if (beats and _concerns(edit, BeatEdit)) or (sections and _concerns(edit, SectionEdit))
    )
    return replay(replace(new, edits=(), detection=found, loops=old.loops), edits)


def effective_beat_edits(edits: Sequence[Edit]) -> tuple[BeatEdit | Reset, ...]:
    """The edits of beats in force: without those that were reset, and those that cancel out."""
    return _effective(edits, BeatEdit)


def effective_section_edits(edits: Sequence[Edit]) -> tuple[SectionEdit | Reset, ...]:
    """The edits of sections in force."""
    return _effective(edits, SectionEdit)


def _effective(edits: Sequence[Edit], family: type[F]) -> tuple[F | Reset, ...]:
    kept: list[F | Reset] = []
    for edit in edits:
        if isinstance(edit, Reset):
            if not edit.concerns(family):
                continue
            if edit.span is None:
                kept = [earlier for earlier in kept if not edit.takes_back(earlier)]
            else:
                kept.append(edit)
        elif isinstance(edit, family):
            last = kept[-1] if kept else None
            same = isinstance(last, family) and type(last) is type(edit)
            combined = edit.combine(last) if same and isinstance(last, family) else None
            if combined is None:
                kept.append(edit)
            else:
                kept[-1:] = combined
    return tuple(kept)


def _concerns(edit: Edit, family: type[CheckedEdit]) -> bool:
    return edit.concerns(family) if isinstance(edit, Reset) else isinstance(edit, family)


def _correct_beats(grid: Grid, found: Grid, edits: Sequence[BeatEdit | Reset]) -> Grid:
    """The grid after some edits; found: as detected."""
    for edit in edits:
        if isinstance(edit, BeatEdit):
            grid = edit.apply(grid).settled()
        elif edit.span is not None:
            grid = restore_beats(grid, found, *edit.span).settled()
    return grid


def _correct_sections(
    sections: Sections, found: Sections, edits: Sequence[SectionEdit | Reset]
) -> Sections:
    """The sections after some edits; found: as detected."""
    for edit in edits:
        if isinstance(edit, SectionEdit):
            sections = edit.apply(sections)
        elif edit.span is not None:
            sections = restore_sections(sections, found, *edit.span)
    return sections


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


def _corrected(result: R, edits: tuple[Edit, ...], grid: Grid, sections: Sections) -> R:
    """The song with these beats and sections; tempo and meter are those of the beats."""
    found = detected(result)
    beats, positions = tuple(grid.times.tolist()), tuple(grid.positions.tolist())
    state = replace(found, segments=sections)
    if (beats, positions) != (found.beats, found.beat_positions):
        meter = estimate_meter(grid.positions)
        jitter = None if found.tempo is None else found.tempo.jitter
        tempo = replace(estimate_tempo(grid.times), jitter=jitter)
        state = replace(
            state,
            bpm=round_tempo(grid.times, tempo),
            beats=beats,
            downbeats=tuple(grid.times[grid.positions == 1].tolist()),
            beat_positions=positions,
            tempo=tempo,
            meter=None if meter is None else min(meter, LONGEST_BAR),
        )
    return replace(
        result,
        **vars(state),
        bar_one=grid.bar_one,
        edits=edits,
        detection=found if edits else None,
    )


def _check_number(result: Result, edits: Sequence[Edit]) -> None:
    """Raise EditError where there are too many edits, or they could take too long to replay."""
    if len(edits) > MOST_EDITS:
        raise EditError(f"a song keeps {MOST_EDITS} edits at most, found {len(edits)}")
    beats = min(MOST_BEATS, find_duration(result) / CLOSEST)
    work = sum(edit.work for edit in edits if isinstance(edit, CheckedEdit))
    if work * beats > MOST_WORK:
        raise EditError("a song of this length cannot keep so many edits; reset some of them")
