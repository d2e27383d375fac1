"""The base of all edits. Each edit is one class that contains everything about it.

    name        its name in JSON: {"do": "move_beat", "at": 12.34, "to": 12.4}
    aspect      one word for what it corrects; `reset` removes the edits of one aspect
    its fields  with the values that each accepts (fields.py)
    apply       its effect on the beats (BeatEdit) or on the sections (SectionEdit)
    combine     joins it with the edit before it, if they can be joined or cancel out
    describe    one line for the page about all edits of the aspect

Nothing else is needed for a new edit: it is found because it is a subclass. Times are seconds from
the first decoded sample. An edit refers to a beat, a boundary or a section by a time within it, so
that other programs can apply it too.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, TypeVar

from ..errors import EditError, show_value
from ..types import Edit, Result, Segment
from .grid import BeatGrid

E = TypeVar("E", bound="CheckedEdit")

Sections = tuple[Segment, ...]


@dataclass(frozen=True)
class CheckedEdit(Edit):
    """An edit. Its fields are checked when it is created. Raises EditError for invalid values."""

    name: ClassVar[str]
    aspect: ClassVar[str]
    work: ClassVar[int] = 1  # order in which edits are applied
    verb: ClassVar[str]  # set if the description counts the edits of several classes

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                object.__setattr__(self, field.name, field.metadata["kind"].read(value))

    def to_dict(self) -> dict[str, Any]:
        """The edit as a JSON object, without fields that are None."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        return {"do": self.name, **{k: v for k, v in kept.items() if v is not None}}

    def combine(self: E, earlier: E) -> tuple[E, ...] | None:
        """Join this edit with the edit before it, which is of the same class.

        Returns () if they cancel out, one edit if they can be joined, None if both remain.
        """
        return None

    @classmethod
    def describe(cls: type[E], edits: Sequence[E], result: Result) -> str:
        """One line about the active edits of this aspect; empty if there is nothing to report.

        result: the corrected song.
        """
        raise NotImplementedError(f"{cls.__name__} has no description")


class BeatEdit(CheckedEdit):
    """An edit of beats or bars."""

    @abstractmethod
    def apply(self, grid: BeatGrid) -> BeatGrid:
        """Return the beats after this edit. Raises EditError if it does not fit."""


class SectionEdit(CheckedEdit):
    """An edit of sections."""

    @abstractmethod
    def apply(self, sections: Sections) -> Sections:
        """Return the sections after this edit. Raises EditError if it does not fit."""


def list_kinds(family: type[CheckedEdit] = CheckedEdit) -> dict[str, type[CheckedEdit]]:
    """The edit classes of a family by name, in the order of their definition."""
    kinds: dict[str, type[CheckedEdit]] = {}
    for kind in family.__subclasses__():
        kinds |= list_kinds(kind) if kind.__subclasses__() else {kind.name: kind}
    return kinds


def list_aspects(family: type[CheckedEdit]) -> dict[str, type[CheckedEdit]]:
    """The aspects of beats (BeatEdit) or sections (SectionEdit), and the classes of their edits."""
    return {kind.aspect: kind for kind in family.__subclasses__()}


def parse_edit(data: Any) -> CheckedEdit:
    """Create the edit that a JSON object describes. Raises EditError if it is not a valid edit."""
    if not isinstance(data, dict):
        raise EditError(f"an edit must be a JSON object, found {type(data).__name__}")
    kinds = list_kinds()
    name = data.get("do")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise EditError(f"unknown edit {show_value(name)}; known are {', '.join(kinds)}")
    known = {field.name for field in fields(kind)}
    values = {key: value for key, value in data.items() if key != "do"}
    if unknown := [key for key in values if key not in known]:
        raise EditError(f"{name}: unknown {', '.join(map(show_value, unknown[:3]))}")
    required = {field.name for field in fields(kind) if field.default is MISSING}
    if missing := sorted(required - set(values)):
        raise EditError(f"{name}: {', '.join(missing)} is missing")
    return kind(**values)


def edit_schema() -> dict[str, Any]:
    """The JSON Schema of an edit, made from the edit classes: `$defs/edit` of the package's schema.

    The description of an edit is the first line of its class's docstring.
    """
    return {
        "description": "An edit names a beat, a boundary or a section by a time at which it lies.",
        "type": "object",
        "required": ["do"],
        "oneOf": [_kind_schema(kind) for kind in list_kinds().values()],
    }


def _kind_schema(kind: type[CheckedEdit]) -> dict[str, Any]:
    required = [field.name for field in fields(kind) if field.default is MISSING]
    return {
        "description": (kind.__doc__ or "").splitlines()[0],
        "properties": {
            "do": {"const": kind.name},
            **{field.name: field.metadata["kind"].schema() for field in fields(kind)},
        },
        "required": ["do", *required],
        "additionalProperties": False,
    }


def count_verbs(family: type[CheckedEdit], edits: Sequence[Edit]) -> str:
    """Count the edits of each class in a family, as text with the `verb` of the class."""
    counts = {
        kind.verb: sum(isinstance(edit, kind) for edit in edits) for kind in family.__subclasses__()
    }
    return ", ".join(f"{count} {verb}" for verb, count in counts.items() if count)
