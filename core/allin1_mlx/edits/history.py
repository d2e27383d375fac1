"""Corrections are stored separately from the detection.

A corrected song holds its detection and its edits. Its beats and sections are always the result of
applying the edits to the detection, so undoing an edit means leaving it out. Edits of beats and
edits of sections are independent. Consecutive edits that cancel out are not applied at all:
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
from .grid import CLOSEST, BeatGrid, restore_beats
from .reset import Reset
from .sections import restore_sections

MOST_WORK = 1_200_000_000  # edits times beats; this takes about ten seconds

R = TypeVar("R", bound=Result)
F = TypeVar("F", bound=CheckedEdit)


@dataclass(frozen=True)
class History(Generic[R]):
    """A song that is being corrected: its present state, and the undone edits, latest last."""

    analysis: R
    undone: tuple[Edit, ...] = ()

    def apply(self, edit: Edit) -> History[R]:
        """Apply an edit and forget undone edits. Raises EditError if it does not fit."""
        return History(apply(self.analysis, edit))

    def undo(self) -> History[R]:
        """Undo the last edit; without edits nothing changes."""
        edits = self.analysis.edits
        if not edits:
            return self
        return History(replay(self.analysis, edits[:-1]), (*self.undone, edits[-1]))

    def redo(self) -> History[R]:
        """Redo the edit that was undone last; without undone edits nothing changes."""
        if not self.undone:
            return self
        return History(apply(self.analysis, self.undone[-1]), self.undone[:-1])


def apply(result: R, edit: Edit) -> R:
    """The song after one more edit. Raises EditError if it does not fit."""
    edits = (*result.edits, edit)
    _check_number(result, edits)
    try:
        return _apply(result, edit, edits)
    except EditError as e:
        if isinstance(edit, Reset):
            raise EditError(f"other corrections depend on this one, reset them first: {e}") from e
        raise


def _apply(result: R, edit: Edit, edits: tuple[Edit, ...]) -> R:
    """The song after `edit`, the last of `edits`; computed from the present state if possible."""
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
    """Apply the song's edits to its detection; without edits, this is the detection itself.

    Raises EditError if one of them does not fit.
    """
    _check_number(result, edits)
    detected_grid, found = _detected_grid(result), detected(result).segments
    grid = _correct_beats(detected_grid, detected_grid, effective_beat_edits(edits))
    sections = _correct_sections(found, found, effective_section_edits(edits))
    return _corrected(result, tuple(edits), grid, sections)


def detected(result: Result) -> Detection:
    """The detected values, whether the song was corrected later or not."""
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
    """Copy the corrections of an old analysis to a new analysis of the same audio.

    Corrected beats stay as they are, with the detection that they correct; so do corrected
    sections, and saved loops. Everything else is taken from the new analysis. Edits are never
    applied to another detection: halving the tempo repairs a detection that was too fast, but would
    spoil a correct one.
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
    """The active edits of beats: without edits that were reset or that cancel out."""
    return _effective(edits, BeatEdit)


def effective_section_edits(edits: Sequence[Edit]) -> tuple[SectionEdit | Reset, ...]:
    """The active edits of sections."""
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


def _correct_beats(grid: BeatGrid, found: BeatGrid, edits: Sequence[BeatEdit | Reset]) -> BeatGrid:
    """The grid after some edits. found: the detected grid."""
    for edit in edits:
        if isinstance(edit, BeatEdit):
            grid = edit.apply(grid).settled()
        elif edit.span is not None:
            grid = restore_beats(grid, found, *edit.span).settled()
    return grid


def _correct_sections(
    sections: Sections, found: Sections, edits: Sequence[SectionEdit | Reset]
) -> Sections:
    """The sections after some edits. found: the detected sections."""
    for edit in edits:
        if isinstance(edit, SectionEdit):
            sections = edit.apply(sections)
        elif edit.span is not None:
            sections = restore_sections(sections, found, *edit.span)
    return sections


def _grid(result: Result) -> BeatGrid:
    return BeatGrid(
        np.array(result.beats, dtype=np.float64),
        np.array(result.beat_positions, dtype=np.int64),
        result.bar_one,
        np.inf if result.duration is None else result.duration,
    )


def _detected_grid(result: Result) -> BeatGrid:
    found = detected(result)
    bare = replace(result, beats=found.beats, beat_positions=found.beat_positions, bar_one=None)
    return _grid(bare)


def _corrected(result: R, edits: tuple[Edit, ...], grid: BeatGrid, sections: Sections) -> R:
    """The song with these beats and sections, and with the tempo and meter of the beats."""
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
    """Raise EditError if there are too many edits, or if applying them could take too long."""
    if len(edits) > MOST_EDITS:
        raise EditError(f"a song keeps {MOST_EDITS} edits at most, found {len(edits)}")
    beats = min(MOST_BEATS, find_duration(result) / CLOSEST)
    work = sum(edit.work for edit in edits if isinstance(edit, CheckedEdit))
    if work * beats > MOST_WORK:
        raise EditError("there are too many edits for a song of this length; reset some of them")
