"""The result file: JSON that holds a Result.

The first six keys are those of Kim & Nam's all-in-one, whose files can be read too.
`analysis.schema.json` documents all keys. Detected times are multiples of 10 ms and are written
with two decimals, times of a corrected song with three.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .edits import parse_edit, replay
from .errors import ResultError
from .types import Detection, Result, Segment, Tempo

SCHEMA_VERSION = 1

R = TypeVar("R", bound=Result)


def read_result(path: str | PathLike[str], kind: type[R]) -> R:
    """Read a result file as an object of a class, Result or one derived from it.

    Raises ResultError where the file is not a valid result, OSError where it cannot be read.
    """
    name = Path(path).name
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as e:
        raise ResultError(f"{name}: not a JSON file ({e})") from e
    return parse_result(data, kind, name=name)


def parse_result(data: Any, kind: type[R], *, name: str = "result") -> R:
    """Build a result from parsed JSON. Errors (ResultError) begin with `name`."""
    if not isinstance(data, dict):
        raise ResultError(f"{name}: expected a JSON object, found {type(data).__name__}")
    version = data.get("schema_version", SCHEMA_VERSION)
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise ResultError(
            f"{name}: written in format {version!r}, this program reads up to "
            f"{SCHEMA_VERSION}; update it to open this file"
        )
    try:
        result = kind(
            path=str(data.get("path", "")),
            **_read_structure(data),
            duration=None if data.get("duration") is None else float(data["duration"]),
            model=data.get("model"),
            demix=data.get("demix"),
            program=data.get("program"),
            audio_sha256=data.get("audio_sha256"),
        )
        _check(result, name)
        if not data.get("edits"):
            return result
        detection = Detection(**_read_structure(data["detection"]))
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as e:
        detail = f"the key {e} is missing" if isinstance(e, KeyError) else str(e)
        raise ResultError(f"{name}: not a result of a structure analysis: {detail}") from e
    _check(replace(result, **vars(detection)), f"{name}: detection")
    return _replay_edits(replace(result, detection=detection), data["edits"], name)


def write_result(result: Result) -> str:
    """The JSON text: indented, each array of numbers and each object of a list on one line."""
    return "\n".join(_layout(to_values(result), "")) + "\n"


def to_values(result: Result) -> dict[str, Any]:
    """The JSON object as plain Python values, keys in their documented order."""
    digits = 3 if result.edits else 2
    values = {
        "path": result.path,
        "bpm": result.bpm,
        "beats": [round(t, digits) for t in result.beats],
        "downbeats": [round(t, digits) for t in result.downbeats],
        "beat_positions": list(result.beat_positions),
        "segments": [
            {"start": round(s.start, digits), "end": round(s.end, digits), "label": s.label}
            for s in result.segments
        ],
        "schema_version": SCHEMA_VERSION,
        "duration": result.duration,
        "tempo": None if result.tempo is None else _tempo_values(result.tempo),
        "meter": result.meter,
        "model": result.model,
        "demix": result.demix,
        "program": result.program,
        "audio_sha256": result.audio_sha256,
    }
    if result.bar_one is not None:
        values["bar_one"] = round(result.bar_one, digits)
    if result.edits and result.detection is not None:
        values["edits"] = [edit.to_dict() for edit in result.edits]
        values["detection"] = asdict(result.detection)
    return values


def _tempo_values(tempo: Tempo) -> dict[str, float | None]:
    bpm = None if tempo.bpm is None else round(tempo.bpm, 2)
    return {"bpm": bpm, "confidence": round(tempo.confidence, 2)}


def _replay_edits(result: R, edits: Any, name: str) -> R:
    """The corrected result with the exact times that the edits give.

    Raises ResultError where they do not give what the file says.
    """
    try:
        if not isinstance(edits, list):
            raise ResultError(f"edits must be a list, found {type(edits).__name__}")
        corrected = replay(result, tuple(parse_edit(edit) for edit in edits))
    except ResultError as e:
        raise ResultError(f"{name}: its edits cannot be carried out: {e}") from e
    if not _same_structure(result, corrected):
        raise ResultError(
            f"{name}: its beats or sections are not those that its edits make of its "
            "detection; remove the keys edits and detection to keep them as they are"
        )
    return corrected


def _check(result: Result, name: str) -> None:
    """Raise ResultError unless times are finite and increasing and lengths agree."""
    if len(result.beats) != len(result.beat_positions):
        raise ResultError(
            f"{name}: {len(result.beats)} beats but {len(result.beat_positions)} beat positions"
        )
    if min(result.beat_positions, default=1) < 1:
        raise ResultError(f"{name}: beat positions must count from 1")
    for key, times in (("beats", result.beats), ("downbeats", result.downbeats)):
        values = np.asarray(times)
        if values.size and not (np.isfinite(values).all() and values[0] >= 0):
            raise ResultError(f"{name}: {key} must be finite times from 0 on")
        if (np.diff(values) <= 0).any():
            raise ResultError(f"{name}: {key} must increase")
    edges = np.array([(s.start, s.end) for s in result.segments]).reshape(-1, 2)
    if not np.isfinite(edges).all() or (edges[:, 1] < edges[:, 0]).any():
        raise ResultError(f"{name}: segments must end after they start")
    if (np.diff(edges[:, 0]) < 0).any():
        raise ResultError(f"{name}: segments must be in the order of time")


def _read_structure(data: dict[str, Any]) -> dict[str, Any]:
    """Read the fields that Result and Detection share from a JSON object."""
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


def _same_structure(first: Result, second: Result) -> bool:
    """Whether two results have the same beats and sections apart from rounding to 10 ms."""
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
