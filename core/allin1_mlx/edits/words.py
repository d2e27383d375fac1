"""What was corrected, in words for people: "Tempo halved", "Downbeat +1"."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from ..display.times import write_time
from ..types import Analysis
from .commands import (
    AddBeat,
    DeleteBeat,
    DeleteSection,
    Edit,
    MergeSections,
    MoveBeat,
    MoveBoundary,
    Nudge,
    RelabelSection,
    ScaleTempo,
    SetBarOne,
    SetMeter,
    ShiftDownbeat,
    SplitSection,
)
from .history import effective_edits
from .parts import KINDS_OF
from .values import FACTORS

_MULTIPLES = {Fraction(2): "doubled", Fraction(1, 2): "halved"}


@dataclass(frozen=True)
class Change:
    """One part of what was corrected: its name for Reset, and what was done."""

    what: str
    words: str


def describe_edits(analysis: Analysis) -> tuple[Change, ...]:
    """What is corrected now, part by part; what was reset or cancels out is not told."""
    edits = effective_edits(analysis.edits)
    changes = []
    for what, kinds in KINDS_OF.items():
        chosen = [edit for edit in edits if isinstance(edit, kinds)]
        words = _WRITERS[what](chosen, analysis) if chosen else ""
        if words:
            changes.append(Change(what, words))
    return tuple(changes)


def _write_tempo(edits: Sequence[ScaleTempo], analysis: Analysis) -> str:
    factor = math.prod(Fraction(*FACTORS[edit.factor]) for edit in edits)
    if factor == 1:
        return f"Tempo changed {len(edits)} times"
    return f"Tempo {_MULTIPLES.get(Fraction(factor), f'× {factor}')}"


def _write_taps(edits: Sequence[Edit], analysis: Analysis) -> str:
    return "Beats tapped"


def _write_downbeat(edits: Sequence[ShiftDownbeat], analysis: Analysis) -> str:
    beats = sum(edit.beats for edit in edits)
    beats = int(math.fmod(beats, analysis.meter or 4))
    return f"Downbeat {_sign(beats)}" if beats else ""


def _write_bar_one(edits: Sequence[SetBarOne], analysis: Analysis) -> str:
    return f"Bar 1 at {write_time(edits[-1].at)}"


def _write_meter(edits: Sequence[SetMeter], analysis: Analysis) -> str:
    told = []
    for edit in edits:
        if edit.at is None:
            told = [str(edit.meter)]
        else:
            told.append(f"{edit.meter} from {write_time(edit.at)}")
    return f"Beats a bar: {', '.join(told)}"


def _write_nudge(edits: Sequence[Nudge], analysis: Analysis) -> str:
    ms = sum(edit.ms for edit in edits)
    return f"Beats {_sign(ms)} ms" if ms else ""


def _write_single_beats(edits: Sequence[Edit], analysis: Analysis) -> str:
    names = {AddBeat: "added", MoveBeat: "moved", DeleteBeat: "deleted"}
    counts = {name: sum(isinstance(e, kind) for e in edits) for kind, name in names.items()}
    return "Beats: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _write_boundaries(edits: Sequence[Edit], analysis: Analysis) -> str:
    names: dict[type[Edit], str] = {
        MoveBoundary: "boundary moved",
        SplitSection: "split",
        MergeSections: "merged",
        DeleteSection: "deleted",
    }
    counts = {name: sum(isinstance(e, kind) for e in edits) for kind, name in names.items()}
    return "Sections: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _write_labels(edits: Sequence[RelabelSection], analysis: Analysis) -> str:
    return "1 section renamed" if len(edits) == 1 else f"{len(edits)} sections renamed"


def _sign(number: int) -> str:
    return f"+{number}" if number > 0 else f"−{-number}"


_WRITERS: Mapping[str, Callable[[Any, Analysis], str]] = MappingProxyType(
    {
        "tempo": _write_tempo,
        "taps": _write_taps,
        "downbeat": _write_downbeat,
        "bar_one": _write_bar_one,
        "meter": _write_meter,
        "nudge": _write_nudge,
        "single_beats": _write_single_beats,
        "boundaries": _write_boundaries,
        "labels": _write_labels,
    }
)
