"""What an analysis is, and how it is written down.

Times are seconds from the first decoded sample, increasing, multiples of 1/FPS. The first six
keys of the JSON are those of Kim & Nam's all-in-one; `analysis.schema.json` documents all of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ResultError

SAMPLE_RATE = 44_100  # Hz
FPS = 100  # frames per second of spectrograms, activations and times
HOP = SAMPLE_RATE // FPS  # 441 samples

SCHEMA_VERSION = 1

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
class Analysis:
    """The structure of one song.

    path: the input as it was named; bpm: the most frequent whole tempo, None with fewer than two
    beats; beats, downbeats: seconds; beat_positions: 1 for a downbeat, then 2, 3, ...; segments:
    gap-free from 0 to the end. What follows is None where a result of another program lacks it.
    No part of the JSON are: warnings, a line each about a damaged or doubtful input; activations
    and embeddings, kept only where they were asked for, embeddings (4, T, 24) float32, of an
    ensemble (4, T, 24, 8).
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
    warnings: tuple[str, ...] = field(default=(), compare=False)
    activations: Activations | None = field(default=None, compare=False, repr=False)
    embeddings: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object as plain Python values, keys in their documented order."""
        return {
            "path": self.path,
            "bpm": self.bpm,
            "beats": [round(t, 2) for t in self.beats],
            "downbeats": [round(t, 2) for t in self.downbeats],
            "beat_positions": list(self.beat_positions),
            "segments": [
                {"start": round(s.start, 2), "end": round(s.end, 2), "label": s.label}
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

    def to_json(self) -> str:
        """The JSON text: indented, each array of numbers and each segment on a line of its own."""
        lines = []
        for key, value in self.to_dict().items():
            if key == "segments" and value:
                rows = ",\n".join(f"    {_dumps(segment)}" for segment in value)
                lines.append(f'  "segments": [\n{rows}\n  ]')
            else:
                lines.append(f"  {_dumps(key)}: {_dumps(value)}")
        return "{\n" + ",\n".join(lines) + "\n}\n"

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
            tempo = data.get("tempo")
            analysis = cls(
                path=str(data.get("path", "")),
                bpm=None if data["bpm"] is None else int(data["bpm"]),
                beats=tuple(float(t) for t in data["beats"]),
                downbeats=tuple(float(t) for t in data["downbeats"]),
                beat_positions=tuple(int(p) for p in data["beat_positions"]),
                segments=tuple(
                    Segment(float(s["start"]), float(s["end"]), str(s["label"]))
                    for s in data["segments"]
                ),
                duration=None if data.get("duration") is None else float(data["duration"]),
                tempo=None if tempo is None else Tempo(tempo["bpm"], float(tempo["confidence"])),
                meter=None if data.get("meter") is None else int(data["meter"]),
                model=data.get("model"),
                demix=data.get("demix"),
                program=data.get("program"),
                audio_sha256=data.get("audio_sha256"),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as e:
            detail = f"the key {e} is missing" if isinstance(e, KeyError) else str(e)
            raise ResultError(f"{name}: not a result of a structure analysis: {detail}") from e
        analysis._check(name)
        return analysis

    def _check(self, name: str) -> None:
        """Raise ResultError unless times are finite and increasing and lengths agree."""
        if len(self.beats) != len(self.beat_positions):
            raise ResultError(
                f"{name}: {len(self.beats)} beats but {len(self.beat_positions)} beat positions"
            )
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


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
