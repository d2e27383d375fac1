"""The result file: a Result as JSON. Only this module reads and writes such files.

The first six keys are those of Kim & Nam's all-in-one, whose files can be read too.
`analysis.schema.json` documents all keys and limits. A file may come from a stranger. It is checked
against the schema first, then for rules that a schema cannot express: times increase, sections have
no gaps, and the edits lead to the values in the file. Errors name the file and the field.

Times are written with three decimals. Files of version 1 can be read too: their times have two
decimals unless the song was corrected, and they have no details of the tempo.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from os import PathLike
from typing import Any, TypeVar

import numpy as np

from .edits import parse_edit, replay
from .errors import EditError, ResultError, show_value
from .files import printable_name, storable
from .schema import check_numbers, check_schema, load_json
from .tags import Tags
from .types import Detection, Loop, Result, Segment, Steady, Tempo, TempoLevel

SCHEMA_VERSION = 2

DIGITS = 3  # decimals of times

R = TypeVar("R", bound=Result)
T = TypeVar("T", str, None, str | None)


def read_result(path: str | PathLike[str], kind: type[R]) -> R:
    """Read a result file as an object of class `kind`: Result or a class derived from it.

    Raises ResultError if the file is not a valid result, OSError if it cannot be read.
    """
    return parse_result(load_json(path), kind, name=printable_name(path))


def parse_result(data: Any, kind: type[R], *, name: str = "result") -> R:
    """Build a result from parsed JSON. Errors (ResultError) begin with `name`."""
    try:
        return _parse(data, kind)
    except ResultError as e:
        raise ResultError(f"{name}: {e}") from e


def _parse(data: Any, kind: type[R]) -> R:
    if not isinstance(data, dict):
        raise ResultError(f"expected a JSON object, found {show_value(data)}")
    version = data.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise ResultError(
            f"written in format {show_value(version)}, this program reads up to "
            f"{SCHEMA_VERSION}; update it to open this file"
        )
    check_schema(data)
    result = kind(
        path=_read_path(data["path"]),
        **_read_structure(data),
        duration=_float(data.get("duration")),
        model=_text(data.get("model"), "model"),
        demix=_text(data.get("demix"), "demix"),
        program=_text(data.get("program"), "program"),
        audio_sha256=data.get("audio_sha256"),
        section_method=data.get("section_method"),
        tags=Tags.of(data.get("title"), data.get("artist")),
        loops=read_loops(data.get("loops", [])),
    )
    check_numbers(result)
    if not data.get("edits"):
        return result
    if "detection" not in data:
        raise ResultError("detection is missing, which edits need")
    detection = Detection(**_read_structure(data["detection"], "detection."))
    check_numbers(replace(result, **vars(detection)), "detection.")
    return _replay_edits(replace(result, detection=detection), data["edits"])


def write_result(result: Result) -> str:
    """The JSON text, indented. Each array of numbers and each object in a list is on one line."""
    return "\n".join(_layout(to_values(result))) + "\n"


def to_values(result: Result) -> dict[str, Any]:
    """The JSON object as plain Python values, keys in their documented order."""
    values = {
        "path": storable(result.path),
        "bpm": result.bpm,
        "beats": [round(t, DIGITS) for t in result.beats],
        "downbeats": [round(t, DIGITS) for t in result.downbeats],
        "beat_positions": list(result.beat_positions),
        "segments": [_segment_values(s, DIGITS) for s in result.segments],
        "schema_version": SCHEMA_VERSION,
        "duration": result.duration,
        "tempo": None if result.tempo is None else _tempo_values(result.tempo),
        "meter": result.meter,
        "model": result.model,
        "demix": result.demix,
        "program": result.program,
        "audio_sha256": result.audio_sha256,
    }
    values |= {key: text for key, text in vars(result.tags).items() if text}
    if result.section_method is not None:
        values["section_method"] = result.section_method
    if result.bar_one is not None:
        values["bar_one"] = round(result.bar_one, DIGITS)
    if result.loops:
        values["loops"] = [
            {"name": p.name, "start": round(p.start, DIGITS), "end": round(p.end, DIGITS)}
            for p in result.loops
        ]
    if result.edits and result.detection is not None:
        values["edits"] = [edit.to_dict() for edit in result.edits]
        detection = asdict(result.detection)
        detection["segments"] = [_segment_values(s) for s in result.detection.segments]
        if detection["tempo"] is not None:
            known = {k: v for k, v in detection["tempo"].items() if v not in ((), None)}
            detection["tempo"] = {"bpm": None} | known
        values["detection"] = detection
    return values


def _segment_values(segment: Segment, digits: int | None = None) -> dict[str, Any]:
    """The tempo as a JSON object without unknown values. digits: decimals of times; None: all."""
    values = {key: value for key, value in asdict(segment).items() if value is not None}
    if digits is not None:
        values |= {"start": round(segment.start, digits), "end": round(segment.end, digits)}
    return values


def _tempo_values(tempo: Tempo) -> dict[str, Any]:
    """The section as a JSON object without unknown values."""
    bpm = None if tempo.bpm is None else max(round(tempo.bpm, 2), 0.01)
    values: dict[str, Any] = {"bpm": bpm, "confidence": round(tempo.confidence, 2)}
    if tempo.jitter is not None:
        values["jitter"] = round(tempo.jitter, 4)
    if tempo.steady:
        values["steady"] = [
            {"start": round(p.start, 3), "end": round(p.end, 3), "bpm": round(p.bpm, 4)}
            for p in tempo.steady
        ]
    if tempo.alternatives:
        values["alternatives"] = [
            {"bpm": round(a.bpm, 2), "change": a.change, "confidence": round(a.confidence, 2)}
            for a in tempo.alternatives
        ]
    return values


def _read_tempo(tempo: dict[str, Any]) -> Tempo:
    return Tempo(
        bpm=_float(tempo["bpm"]),
        confidence=float(tempo["confidence"]),
        steady=tuple(
            Steady(float(p["start"]), float(p["end"]), float(p["bpm"]))
            for p in tempo.get("steady", ())
        ),
        alternatives=tuple(
            TempoLevel(float(a["bpm"]), a["change"], float(a["confidence"]))
            for a in tempo.get("alternatives", ())
        ),
        jitter=_float(tempo.get("jitter")),
    )


def _read_structure(data: dict[str, Any], where: str = "") -> dict[str, Any]:
    """Read the fields that Result and Detection share, from JSON that follows the schema."""
    tempo = data.get("tempo")
    return {
        "bpm": None if data["bpm"] is None else int(data["bpm"]),
        "beats": tuple(map(float, data["beats"])),
        "downbeats": tuple(map(float, data["downbeats"])),
        "beat_positions": tuple(map(int, data["beat_positions"])),
        "segments": tuple(
            Segment(
                float(s["start"]),
                float(s["end"]),
                _text(s["label"], f"{where}segments[{index}].label"),
                group=_text(s.get("group"), f"{where}segments[{index}].group"),
                confidence=_float(s.get("confidence")),
            )
            for index, s in enumerate(data["segments"])
        ),
        "tempo": tempo and _read_tempo(tempo),
        "meter": None if data.get("meter") is None else int(data["meter"]),
    }


def read_loops(values: list[dict[str, Any]]) -> tuple[Loop, ...]:
    """Loops from JSON that follows the schema.

    Raises ResultError if one ends before it starts, or its name cannot be stored.
    """
    loops = []
    for index, value in enumerate(values):
        name = _text(value["name"], f"loops[{index}].name")
        loop = Loop(name, float(value["start"]), float(value["end"]))
        if loop.end <= loop.start:
            raise ResultError(f"loops[{index}].end must lie after its start, found {loop.end}")
        loops.append(loop)
    return tuple(loops)


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _read_path(path: str) -> str:
    """The path. In older results, undecodable bytes of names are U+DC80 to U+DCFF."""
    return _text(re.sub("[\udc80-\udcff]", "\ufffd", path), "path")


def _text(text: T, field: str) -> T:
    if text is not None and storable(text) != text:
        raise ResultError(f"{field} must be text without lone surrogates, found {show_value(text)}")
    return text


def _replay_edits(result: R, edits: list[Any]) -> R:
    """The corrected result with the exact times that the edits give.

    Raises ResultError if the edits lead to other beats or sections than the file has.
    """
    parsed = []
    for index, edit in enumerate(edits):
        try:
            parsed.append(parse_edit(edit))
        except EditError as e:
            raise ResultError(f"edits[{index}]: {e}") from e
    try:
        corrected = replay(result, parsed)
    except EditError as e:
        raise ResultError(f"edits cannot be applied to the detection: {e}") from e
    if not _same_structure(result, corrected):
        raise ResultError(
            "beats or segments do not follow from the detection and the edits; remove the keys "
            "edits and detection to keep them as they are"
        )
    return corrected


def _same_structure(first: Result, second: Result) -> bool:
    """Whether two results have the same beats and sections, apart from rounding to 10 ms."""
    if first.beat_positions != second.beat_positions:
        return False
    if [s.label for s in first.segments] != [s.label for s in second.segments]:
        return False
    ours = [*first.beats, *(t for s in first.segments for t in (s.start, s.end))]
    theirs = [*second.beats, *(t for s in second.segments for t in (s.start, s.end))]
    return bool(np.allclose(ours, theirs, rtol=0, atol=0.0051))


def _layout(value: dict[str, Any], indent: str = "") -> Iterator[str]:
    """The lines of a JSON object: one for each key, and one for each object in a list."""
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
