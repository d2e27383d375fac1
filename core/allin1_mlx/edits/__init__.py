"""Corrections by hand: pure functions on an Analysis, and a history that can be undone.

    corrected = apply(analysis, ScaleTempo("2"))     # raises EditError where it does not fit
    History(analysis).apply(Nudge(-12)).undo().redo().analysis
    parse_edit({"do": "nudge", "ms": -12}).to_dict()

The corrected Analysis keeps what was detected (`detection`) and what was done to it (`edits`).
"""

from ..types import Edit
from .commands import (
    KINDS,
    AddBeat,
    DeleteBeat,
    DeleteSection,
    MergeSections,
    MoveBeat,
    MoveBoundary,
    Nudge,
    RelabelSection,
    Reset,
    ScaleTempo,
    SetBarOne,
    SetMeter,
    ShiftDownbeat,
    SplitSection,
    TapTempo,
    parse_edit,
)
from .differences import Differences, compare
from .history import History, apply, carry_edits, detected, replay
from .sections import snap_to_bar
from .values import EditError
from .words import Change, describe_edits

__all__ = [
    "KINDS",
    "AddBeat",
    "Change",
    "DeleteBeat",
    "DeleteSection",
    "Differences",
    "Edit",
    "EditError",
    "History",
    "MergeSections",
    "MoveBeat",
    "MoveBoundary",
    "Nudge",
    "RelabelSection",
    "Reset",
    "ScaleTempo",
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
    "parse_edit",
    "replay",
    "snap_to_bar",
]
