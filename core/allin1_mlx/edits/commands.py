"""The corrections that a person can make, as small commands that JSON can hold.

Times are seconds from the first decoded sample. A beat, a boundary or a section is named by a time
at which it lies, so that a list of edits can be read, and means the same in every program.

    {"do": "move_beat", "at": 12.34, "to": 12.4}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar

from ..types import Edit
from .values import READERS, EditError


@dataclass(frozen=True)
class Command(Edit):
    """An edit whose fields are checked when it is made: EditError for impossible values."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                object.__setattr__(self, field.name, READERS[field.name](value))

    def to_dict(self) -> dict[str, Any]:
        """The command as a JSON object, without what was left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        return {"do": self.name, **{k: v for k, v in kept.items() if v is not None}}


@dataclass(frozen=True)
class ScaleTempo(Command):
    """Twice, half, 3/2 or 2/3 as many beats; bars keep their number of beats."""

    name = "scale_tempo"
    factor: str


@dataclass(frozen=True)
class ShiftDownbeat(Command):
    """Bars begin so many beats later, or earlier where `beats` is negative."""

    name = "shift_downbeat"
    beats: int


@dataclass(frozen=True)
class SetBarOne(Command):
    """The beat at `at` begins bar 1: it becomes a downbeat, the others follow its phase."""

    name = "set_bar_one"
    at: float


@dataclass(frozen=True)
class SetMeter(Command):
    """Bars have `meter` beats: from the beat at `at` on, which begins a bar, or all of them."""

    name = "set_meter"
    meter: int
    at: float | None = None


@dataclass(frozen=True)
class Nudge(Command):
    """All beats lie so many milliseconds later, or earlier where `ms` is negative."""

    name = "nudge"
    ms: int


@dataclass(frozen=True)
class AddBeat(Command):
    """One more beat; the bar it falls into counts one more."""

    name = "add_beat"
    at: float


@dataclass(frozen=True)
class MoveBeat(Command):
    """The beat at `at` lies at `to`, between the same neighbours."""

    name = "move_beat"
    at: float
    to: float


@dataclass(frozen=True)
class DeleteBeat(Command):
    """The beat at `at` is none; its bar counts one less."""

    name = "delete_beat"
    at: float


@dataclass(frozen=True)
class TapTempo(Command):
    """The beats are where a person tapped; the rest of the song goes on from there."""

    name = "tap_tempo"
    taps: tuple[float, ...]


@dataclass(frozen=True)
class MoveBoundary(Command):
    """The section boundary at `at` lies at `to`, between the same neighbours."""

    name = "move_boundary"
    at: float
    to: float


@dataclass(frozen=True)
class SplitSection(Command):
    """A boundary at `at`; what follows it gets `label`, or keeps the one it had."""

    name = "split_section"
    at: float
    label: str | None = None


@dataclass(frozen=True)
class MergeSections(Command):
    """The boundary at `at` is none; the label before it counts for both."""

    name = "merge_sections"
    at: float


@dataclass(frozen=True)
class RelabelSection(Command):
    """The section that `at` lies in is called `label`, a known word or one's own."""

    name = "relabel_section"
    at: float
    label: str


@dataclass(frozen=True)
class DeleteSection(Command):
    """The section that `at` lies in falls to the one before it; the first one to the next."""

    name = "delete_section"
    at: float


@dataclass(frozen=True)
class Reset(Command):
    """Back to what was detected: all, beats or sections; in [start, end) where they are given.

    Of a part of these (BEAT_PARTS, SECTION_PARTS) only the edits of that part are taken back, as
    if they had never been; the others stay.
    """

    name = "reset"
    what: str = "all"
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.start is None) != (self.end is None):
            raise EditError("reset: start and end go together")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise EditError("reset: end must come after start")
        if not self.whole and self.what not in ("all", "beats", "sections"):
            raise EditError(f"reset: {self.what} has no start and end")

    @property
    def whole(self) -> bool:
        """Whether it reaches over the whole song."""
        return self.start is None


KINDS: Mapping[str, type[Command]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            ScaleTempo,
            ShiftDownbeat,
            SetBarOne,
            SetMeter,
            Nudge,
            AddBeat,
            MoveBeat,
            DeleteBeat,
            TapTempo,
            MoveBoundary,
            SplitSection,
            MergeSections,
            RelabelSection,
            DeleteSection,
            Reset,
        )
    }
)


def parse_edit(data: Any) -> Command:
    """The command that a JSON object describes. Raises EditError where it is none."""
    if not isinstance(data, dict):
        raise EditError(f"an edit must be a JSON object, found {type(data).__name__}")
    name = data.get("do")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise EditError(f"unknown edit {name!r}; known are {', '.join(KINDS)}")
    known = {field.name for field in fields(kind)}
    values = {key: value for key, value in data.items() if key != "do"}
    if unknown := [key for key in values if key not in known]:
        raise EditError(f"{name}: unknown {', '.join(map(repr, unknown))}")
    try:
        return kind(**values)
    except TypeError as e:  # a value that has no default is not there
        missing = ", ".join(f for f in sorted(known) if f not in values)
        raise EditError(f"{name}: {missing} is missing") from e
