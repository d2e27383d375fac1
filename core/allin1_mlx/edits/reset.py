"""Reset a song, or a part of it, to the detected values."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import EditError
from .edit import BeatEdit, CheckedEdit, SectionEdit, list_aspects
from .fields import TIME, OneOf, metadata


def list_targets() -> dict[str, type[CheckedEdit]]:
    """The possible values of `what`, with the class of the edits that each removes."""
    whole = {"all": CheckedEdit, "beats": BeatEdit, "sections": SectionEdit}
    return {**whole, **list_aspects(BeatEdit), **list_aspects(SectionEdit)}


@dataclass(frozen=True)
class Reset(CheckedEdit):
    """Back to the detection: all, beats, sections (also in [start, end) only) or one aspect.

    Without start and end, the edits of the target are ignored and the others stay.
    """

    name = "reset"
    what: str = field(default="all", metadata=metadata(OneOf("what to reset", list_targets)))
    start: float | None = field(default=None, metadata=TIME)
    end: float | None = field(default=None, metadata=TIME)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.start is None) != (self.end is None):
            raise EditError("reset: start and end go together")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise EditError("reset: end must come after start")
        if self.span is not None and self.what not in ("all", "beats", "sections"):
            raise EditError(f"reset: {self.what} has no start and end")

    @property
    def span(self) -> tuple[float, float] | None:
        """Start and end, or None if it applies to the whole song."""
        return None if self.start is None or self.end is None else (self.start, self.end)

    def concerns(self, family: type[CheckedEdit]) -> bool:
        """Whether it removes edits of a family, BeatEdit or SectionEdit."""
        target = list_targets()[self.what]
        return issubclass(target, family) or target is CheckedEdit

    def takes_back(self, edit: CheckedEdit) -> bool:
        """Whether a reset of the whole song removes an edit of its family.

        A reset of all, beats or sections also removes earlier resets of a part of the song.
        """
        if self.what in ("all", "beats", "sections"):
            return True
        return isinstance(edit, list_targets()[self.what])
