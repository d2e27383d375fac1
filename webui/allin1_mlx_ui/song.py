"""One song on the page. Any thread may read it; only its Session changes it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pictures.envelope import Envelope
from allin1_mlx.types import Edit, find_bpm, find_duration

State = Literal["queued", "working", "done", "failed", "cancelled"]

# The text for each stage, and the shares of the whole at which the stage begins and ends.
STAGE_TEXTS: dict[str, tuple[str, float, float]] = {
    "start": ("Warming up", 0.0, 0.02),
    "decode": ("Reading the song", 0.02, 0.12),
    "separation": ("Taking the song apart", 0.12, 0.3),
    "stems": ("Taking the song apart", 0.12, 0.3),
    "network": ("Listening for beats and sections", 0.3, 0.88),
    "beats": ("Placing the beats", 0.88, 0.97),
    "sections": ("Naming the sections", 0.97, 1.0),
}


@dataclass(frozen=True)
class Summary:
    """The part of an analysis that the list shows.

    bpm: rounded. duration: seconds. name: artist and title from the tags, or "".
    """

    bpm: int | None
    sections: int
    duration: float | None
    name: str = ""

    @classmethod
    def of(cls, analysis: Analysis) -> Summary:
        """Return the summary of an analysis."""
        bpm = find_bpm(analysis)  # with decimals, like the rest of the page
        rounded = None if bpm is None else round(bpm)
        return cls(rounded, len(analysis.segments), find_duration(analysis), analysis.tags.name)


def _no_analysis() -> Analysis | None:
    return None


@dataclass(eq=False)
class Song:
    """One song of a session.

    folder: temporary files: the decoded sound, click tracks.
    home: permanent files: `song.json`, the uploaded audio, the activations.
    source: the file to analyse; None if only a result was opened.
    frames: length of `sound`, the decoded song as 16-bit stereo; 0 if it does not exist.
    revision: increases with each change after which the page must redraw.
    undone: corrections that can be redone, the latest last.
    renewing: "keep" or "drop" its corrections when it is analysed again; "" if it is not.
    number: 2 for the second song with the same heading, and so on.
    hopeless: whether its file cannot be read, so that another attempt is useless.
    digest: SHA-256 of its file; "" if unknown.
    added: seconds since 1970. size: bytes of `home`.
    begun: number of analyses that a crash interrupted.
    unsaved: why the latest change is not on the disk yet; "" if it is.
    played: when its sound was last requested, on the clock of time.monotonic.
    version: version of the session when the song last changed.
    read_later: reads the analysis of a kept song when it is first needed.
    """

    name: str
    folder: Path
    source: Path | None = None
    analysis: Analysis | None = field(default_factory=_no_analysis)  # see __getattr__
    envelope: Envelope | None = None
    frames: int = 0
    state: State = "queued"
    stage: str = ""
    fraction: float = 0.0
    message: str = ""
    warnings: tuple[str, ...] = ()
    notice: str = ""  # the model that analysed it, and why it was chosen
    revision: int = 0
    undone: tuple[Edit, ...] = ()
    renewing: Literal["", "keep", "drop"] = ""
    number: int = 1
    hopeless: bool = False
    digest: str = ""
    home: Path = Path()
    added: float = field(default_factory=time.time)
    size: int = 0
    begun: int = 0
    unsaved: str = ""
    played: float = 0.0
    version: int = 0
    summary: Summary | None = None
    read_later: Callable[[Song], Analysis | None] | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    cancelled: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def postpone(self, read: Callable[[Song], Analysis | None], summary: Summary) -> None:
        """Read the analysis when it is first needed."""
        self.read_later, self.summary = read, summary
        del self.analysis

    def __getattr__(self, name: str) -> Any:
        if name != "analysis":
            raise AttributeError(f"a song has no {name}")
        with self.lock:
            if "analysis" not in self.__dict__:
                read, self.read_later = self.read_later, None
                self.analysis = None if read is None else read(self)
            return self.__dict__["analysis"]

    @property
    def sound(self) -> Path:
        """The decoded song: 16-bit little-endian samples, left and right in turn."""
        return self.folder / "sound.pcm"

    @property
    def title(self) -> str:
        """Its heading, with a number after it if another song has the same one."""
        return self.heading if self.number == 1 else f"{self.heading} ({self.number})"

    @property
    def heading(self) -> str:
        """Artist and title, once its tags are known; else the name of its file."""
        if self.read_later is not None and self.summary is not None:
            return self.summary.name or self.name
        return (self.analysis is not None and self.analysis.tags.name) or self.name

    @property
    def finished(self) -> bool:
        """Whether it is neither queued nor being analysed."""
        return self.state in ("done", "failed", "cancelled")

    def summarize(self) -> Summary | None:
        """Return the part of its analysis that the list shows; None if it has no analysis."""
        if self.read_later is not None:
            return self.summary
        return None if self.analysis is None else Summary.of(self.analysis)

    def to_dict(self) -> dict[str, Any]:
        """Return its line in the list of songs."""
        found = self.summarize()
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "state": self.state,
            "stage": self.stage,
            "fraction": round(self.fraction, 3),
            "message": self.message,
            "unsaved": self.unsaved,
            "warnings": list(self.warnings),
            "ready": found is not None,
            "retriable": self.source is not None and not self.hopeless,
            "revision": self.revision,
            "added": self.added,
            "size": self.size,
            "bpm": None if found is None else found.bpm,
            "sections": 0 if found is None else found.sections,
            "duration": None if found is None else found.duration,
        }
