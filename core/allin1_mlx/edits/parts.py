"""The parts that corrections fall into, each of which can be taken back by itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..types import Edit
from .commands import (
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
)

KINDS_OF: Mapping[str, tuple[type[Edit], ...]] = MappingProxyType(
    {
        "tempo": (ScaleTempo,),
        "taps": (TapTempo,),
        "downbeat": (ShiftDownbeat,),
        "bar_one": (SetBarOne,),
        "meter": (SetMeter,),
        "nudge": (Nudge,),
        "single_beats": (AddBeat, MoveBeat, DeleteBeat),
        "boundaries": (MoveBoundary, SplitSection, MergeSections, DeleteSection),
        "labels": (RelabelSection,),
    }
)  # by the names of BEAT_PARTS and SECTION_PARTS


def takes_back(reset: Reset, edit: Edit) -> bool:
    """Whether a reset of the whole song means this edit, which is of beats or sections as it is."""
    return reset.what not in KINDS_OF or isinstance(edit, KINDS_OF[reset.what])
