"""Corrections by hand: pure functions on a Result, and a history with undo and redo.

    corrected = apply(analysis, ScaleTempo("2"))     # raises EditError if it does not fit
    History(analysis).apply(Nudge(-12)).undo().redo().analysis
    parse_edit({"do": "nudge", "ms": -12}).to_dict()

The corrected Result also holds the detected values (`detection`) and the corrections (`edits`). A
new edit is one new class in tempo.py, bars.py, beats.py or sections.py; see edit.py.
"""

# isort: off
# The page lists edits in the order of their definition, which is the order of these imports.
from .tempo import ConstantTempo, ScaleTempo, TapTempo
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
    "ConstantTempo",
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
