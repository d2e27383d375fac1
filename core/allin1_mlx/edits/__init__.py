"""Corrections by hand: pure functions on a Result, and a history that can be undone.

    corrected = apply(analysis, ScaleTempo("2"))     # raises EditError where it does not fit
    History(analysis).apply(Nudge(-12)).undo().redo().analysis
    parse_edit({"do": "nudge", "ms": -12}).to_dict()

The corrected Result keeps what was detected (`detection`) and what was done to it (`edits`). A new
edit is one new class in tempo.py, bars.py, beats.py or sections.py; see edit.py.
"""

# isort: off
# Edits are listed in the order of their definition, so these imports decide the order on the page.
from .tempo import ScaleTempo, TapTempo
from .bars import SetBarOne, SetMeter, ShiftDownbeat
from .beats import AddBeat, DeleteBeat, MoveBeat, Nudge
from .sections import (
    DeleteSection,
    MergeSections,
    MoveBoundary,
    RelabelSection,
    SplitSection,
    snap_to_bar,
)
from .reset import Reset
# isort: on

from .description import Change, describe_edits
from .differences import Differences, compare
from .edit import BeatEdit, SectionEdit, edit_schema, list_aspects, list_kinds, parse_edit
from .history import History, apply, carry_edits, detected, replay

__all__ = [
    "AddBeat",
    "BeatEdit",
    "Change",
    "DeleteBeat",
    "DeleteSection",
    "Differences",
    "History",
    "MergeSections",
    "MoveBeat",
    "MoveBoundary",
    "Nudge",
    "RelabelSection",
    "Reset",
    "ScaleTempo",
    "SectionEdit",
    "SetBarOne",
    "SetMeter",
    "ShiftDownbeat",
    "SplitSection",
    "TapTempo",
    "apply",
    "carry_edits",
    "compare",
    "describe_edits",
    "detected",
    "edit_schema",
    "list_aspects",
    "list_kinds",
    "parse_edit",
    "replay",
    "snap_to_bar",
]
