"""What was corrected, in words for people: "Tempo halved", "Downbeat +1"."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from ..display.times import write_time
from ..types import Edit, Result
from .commands import (
    AddBeat,
    DeleteBeat,
    DeleteSection,
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


def describe_edits(result: Result) -> tuple[Change, ...]:
    """What is corrected now, part by part; what was reset or cancels out is not told."""
    edits = effective_edits(result.edits)
    changes = []
    for what, kinds in KINDS_OF.items():
        chosen = [edit for edit in edits if isinstance(edit, kinds)]
        words = _WRITERS[what](chosen, result) if chosen else ""
        if words:
            changes.append(Change(what, words))
    return tuple(changes)


def _write_tempo(edits: Sequence[ScaleTempo], result: Result) -> str:
    factor = math.prod(Fraction(*FACTORS[edit.factor]) for edit in edits)
    if factor == 1:
        return f"Tempo changed {len(edits)} times"
    return f"Tempo {_MULTIPLES.get(Fraction(factor), f'× {factor}')}"


def _write_taps(edits: Sequence[Edit], result: Result) -> str:
    return "Beats tapped"


def _write_downbeat(edits: Sequence[ShiftDownbeat], result: Result) -> str:
    beats = sum(edit.beats for edit in edits)
    beats = int(math.fmod(beats, result.meter or 4))
    return f"Downbeat {_sign(beats)}" if beats else ""


def _write_bar_one(edits: Sequence[SetBarOne], result: Result) -> str:
    return f"Bar 1 at {write_time(edits[-1].at)}"


def _write_meter(edits: Sequence[SetMeter], result: Result) -> str:
    told = []
    for edit in edits:
        if edit.at is None:
            told = [str(edit.meter)]
        else:
            told.append(f"{edit.meter} from {write_time(edit.at)}")
    return f"Beats a bar: {', '.join(told)}"


def _write_nudge(edits: Sequence[Nudge], result: Result) -> str:
    ms = sum(edit.ms for edit in edits)
    return f"Beats {_sign(ms)} ms" if ms else ""


def _write_single_beats(edits: Sequence[Edit], result: Result) -> str:
    names = {AddBeat: "added", MoveBeat: "moved", DeleteBeat: "deleted"}
    counts = {name: sum(isinstance(e, kind) for e in edits) for kind, name in names.items()}
    return "Beats: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _write_boundaries(edits: Sequence[Edit], result: Result) -> str:
    names: dict[type[Edit], str] = {
        MoveBoundary: "boundary moved",
        SplitSection: "split",
        MergeSections: "merged",
        DeleteSection: "deleted",
    }
    counts = {name: sum(isinstance(e, kind) for e in edits) for kind, name in names.items()}
    return "Sections: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _write_labels(edits: Sequence[RelabelSection], result: Result) -> str:
    return "1 section renamed" if len(edits) == 1 else f"{len(edits)} sections renamed"


def _sign(number: int) -> str:
    return f"+{number}" if number > 0 else f"−{-number}"


_WRITERS: Mapping[str, Callable[[Any, Result], str]] = MappingProxyType(
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
