"""What an analysis is, and how it is written down.

Times are seconds from the first decoded sample, increasing; detected ones are multiples of 1/FPS.
The first six keys of the JSON are those of Kim & Nam's all-in-one; `analysis.schema.json` documents
all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import ResultError

if TYPE_CHECKING:
    from .edits.commands import Edit

SAMPLE_RATE = 44_100  # Hz
FPS = 100  # frames per second of spectrograms, activations and times
HOP = SAMPLE_RATE // FPS  # 441 samples

SCHEMA_VERSION = 1

STEMS = ("bass", "drums", "other", "vocals")  # in the order of the network's inputs

LABELS = (
    "start",
    "end",
    "intro",
    "outro",
    "break",
    "bridge",
    "inst",
    "solo",
    "verse",
    "chorus",
)  # the network's functional labels, in the order of its outputs


@dataclass(frozen=True)
class Segment:
    """One section of a song: [start, end) in seconds, and its label."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Tempo:
    """Tempo with decimals, and how far to trust it.

    bpm: beats per minute, None where there are too few beats.
    confidence: 0 to 1, the share of beat intervals that agree with `bpm` (see tempo.py).
    """

    bpm: float | None
    confidence: float

    def to_dict(self) -> dict[str, float | None]:
        """The JSON object, with two decimals."""
        bpm = None if self.bpm is None else round(self.bpm, 2)
        return {"bpm": bpm, "confidence": round(self.confidence, 2)}


@dataclass(frozen=True)
class Activations:
    """The network's frame-wise probabilities, FPS frames per second, float32.

    beat, downbeat, segment: (T,) after the sigmoid.
    label: (10, T) after the softmax, rows as in LABELS.
    """

    beat: NDArray[np.float32]
    downbeat: NDArray[np.float32]
    segment: NDArray[np.float32]
    label: NDArray[np.float32]


@dataclass(frozen=True)
class Detection:
    """What was detected of a song that was corrected since, in the same fields as in Analysis."""

    bpm: int | None
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    beat_positions: tuple[int, ...]
    segments: tuple[Segment, ...]
    tempo: Tempo | None
    meter: int | None


@dataclass(frozen=True)
class Analysis:
    """The structure of one song.

    path: the input as it was named; bpm: the most frequent whole tempo, None with fewer than two
    beats; beats, downbeats: seconds; beat_positions: 1 for a downbeat, then 2, 3, ...; segments:
    gap-free from 0 to the end. What follows is None where a result of another program lacks it.
    Of a song that was corrected by hand all these are as corrected. edits: what was done, in order;
    detection: what it was done to; bar_one: the downbeat that begins bar 1, where it is not the
    first. No part of the JSON are: warnings, a line each about a damaged or doubtful input;
    activations and embeddings, kept only where they were asked for, embeddings (4, T, 24) float32,
    of an ensemble (4, T, 24, 8).
    """

    path: str
    bpm: int | None
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    beat_positions: tuple[int, ...]
    segments: tuple[Segment, ...]
    duration: float | None = None
    tempo: Tempo | None = None
    meter: int | None = None
    model: str | None = None
    demix: str | None = None
    program: str | None = None
    audio_sha256: str | None = None
    bar_one: float | None = None
    edits: tuple[Edit, ...] = ()
    detection: Detection | None = None
    warnings: tuple[str, ...] = field(default=(), compare=False)
    activations: Activations | None = field(default=None, compare=False, repr=False)
    embeddings: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object as plain Python values, keys in their documented order.

        Detected times are multiples of 10 ms and written so; corrected ones to the millisecond.
        """
        digits = 3 if self.edits else 2
        values = {
            "path": self.path,
            "bpm": self.bpm,
            "beats": [round(t, digits) for t in self.beats],
            "downbeats": [round(t, digits) for t in self.downbeats],
            "beat_positions": list(self.beat_positions),
            "segments": [
                {"start": round(s.start, digits), "end": round(s.end, digits), "label": s.label}
                for s in self.segments
            ],
            "schema_version": SCHEMA_VERSION,
            "duration": self.duration,
            "tempo": None if self.tempo is None else self.tempo.to_dict(),
            "meter": self.meter,
            "model": self.model,
            "demix": self.demix,
            "program": self.program,
            "audio_sha256": self.audio_sha256,
        }
        if self.bar_one is not None:
            values["bar_one"] = round(self.bar_one, digits)
        if self.edits and self.detection is not None:
            values["edits"] = [edit.to_dict() for edit in self.edits]
            values["detection"] = asdict(self.detection)
        return values

    def to_json(self) -> str:
        """The JSON text: indented, each array of numbers and each object of a list on one line."""
        return "\n".join(_layout(self.to_dict(), "")) + "\n"

    @classmethod
    def from_json(cls, path: str | PathLike[str]) -> Analysis:
        """Read a result file of this program or of the reference programs.

        Raises ResultError where it is no result, OSError where it cannot be read.
        """
        name = Path(path).name
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as e:
            raise ResultError(f"{name}: not a JSON file ({e})") from e
        return cls.from_dict(data, name=name)

    @classmethod
    def from_dict(cls, data: Any, *, name: str = "result") -> Analysis:
        """Build an Analysis from the parsed JSON; `name` is used in errors (ResultError)."""
        if not isinstance(data, dict):
            raise ResultError(f"{name}: expected a JSON object, found {type(data).__name__}")
        version = data.get("schema_version", SCHEMA_VERSION)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise ResultError(
                f"{name}: written in format {version!r}, this program reads up to "
                f"{SCHEMA_VERSION}; update it to open this file"
            )
        try:
            analysis = cls(
                path=str(data.get("path", "")),
                **_read_structure(data),
                duration=None if data.get("duration") is None else float(data["duration"]),
                model=data.get("model"),
                demix=data.get("demix"),
                program=data.get("program"),
                audio_sha256=data.get("audio_sha256"),
            )
            analysis._check(name)
            if not data.get("edits"):
                return analysis
            found = Detection(**_read_structure(data["detection"]))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as e:
            detail = f"the key {e} is missing" if isinstance(e, KeyError) else str(e)
            raise ResultError(f"{name}: not a result of a structure analysis: {detail}") from e
        replace(analysis, **vars(found))._check(f"{name}: detection")
        return analysis._with_edits(found, data["edits"], name)

    def _with_edits(self, found: Detection, edits: Any, name: str) -> Analysis:
        """This corrected song with exact times: they are those that the edits give again."""
        from .edits.commands import parse_edit  # edits are made of the types of this module
        from .edits.history import replay

        try:
            if not isinstance(edits, list):
                raise ResultError(f"edits must be a list, found {type(edits).__name__}")
            corrected = replay(
                replace(self, detection=found), tuple(parse_edit(edit) for edit in edits)
            )
        except ResultError as e:
            raise ResultError(f"{name}: its edits cannot be carried out: {e}") from e
        if not _same_structure(self, corrected):
            raise ResultError(
                f"{name}: its beats or sections are not those that its edits make of its "
                "detection; remove the keys edits and detection to keep them as they are"
            )
        return corrected

    def _check(self, name: str) -> None:
        """Raise ResultError unless times are finite and increasing and lengths agree."""
        if len(self.beats) != len(self.beat_positions):
            raise ResultError(
                f"{name}: {len(self.beats)} beats but {len(self.beat_positions)} beat positions"
            )
        if min(self.beat_positions, default=1) < 1:
            raise ResultError(f"{name}: beat positions must count from 1")
        for key, times in (("beats", self.beats), ("downbeats", self.downbeats)):
            values = np.asarray(times)
            if values.size and not (np.isfinite(values).all() and values[0] >= 0):
                raise ResultError(f"{name}: {key} must be finite times from 0 on")
            if (np.diff(values) <= 0).any():
                raise ResultError(f"{name}: {key} must increase")
        edges = np.array([(s.start, s.end) for s in self.segments]).reshape(-1, 2)
        if not np.isfinite(edges).all() or (edges[:, 1] < edges[:, 0]).any():
            raise ResultError(f"{name}: segments must end after they start")
        if (np.diff(edges[:, 0]) < 0).any():
            raise ResultError(f"{name}: segments must be in the order of time")


def _read_structure(data: dict[str, Any]) -> dict[str, Any]:
    """The fields that Analysis and Detection share, of a JSON object that has them."""
    tempo = data.get("tempo")
    return {
        "bpm": None if data["bpm"] is None else int(data["bpm"]),
        "beats": tuple(float(t) for t in data["beats"]),
        "downbeats": tuple(float(t) for t in data["downbeats"]),
        "beat_positions": tuple(int(p) for p in data["beat_positions"]),
        "segments": tuple(
            Segment(float(s["start"]), float(s["end"]), str(s["label"])) for s in data["segments"]
        ),
        "tempo": None if tempo is None else Tempo(tempo["bpm"], float(tempo["confidence"])),
        "meter": None if data.get("meter") is None else int(data["meter"]),
    }


def _same_structure(first: Analysis, second: Analysis) -> bool:
    """Whether two songs have the same beats and sections, but for rounding to 10 ms."""
    if first.beat_positions != second.beat_positions:
        return False
    if [s.label for s in first.segments] != [s.label for s in second.segments]:
        return False
    ours = [*first.beats, *(t for s in first.segments for t in (s.start, s.end))]
    theirs = [*second.beats, *(t for s in second.segments for t in (s.start, s.end))]
    return bool(np.allclose(ours, theirs, rtol=0, atol=0.0051))


def _layout(value: dict[str, Any], indent: str) -> Iterator[str]:
    """The lines of a JSON object: one for each key, for each object in a list one more."""
    yield "{"
    for index, (key, item) in enumerate(value.items()):
        comma = "," if index < len(value) - 1 else ""
        head = f"{indent}  {_dumps(key)}: "
        if isinstance(item, dict) and key == "detection":
            first, *lines, last = _layout(item, indent + "  ")
            yield head + first
            yield from lines
            yield last + comma
        elif isinstance(item, (list, tuple)) and item and isinstance(item[0], dict):
            rows = [f"{indent}    {_dumps(row)}" for row in item]
            yield head + "["
            yield ",\n".join(rows)
            yield f"{indent}  ]{comma}"
        else:
            yield head + _dumps(item) + comma
    yield indent + "}"


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
