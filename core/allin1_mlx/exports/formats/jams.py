"""JAMS, the JSON Annotated Music Specification: beats, tempo and sections in one file.

After Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR research"
(ISMIR 2014), in the namespaces beat, tempo and segment_open of version 0.3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...types import Result, find_bpm, find_duration
from ..format import File, Format, Options
from ..text import one_line, song_title

VERSION = "0.3.5"


def render(result: Result, options: Options) -> bytes:
    """The JAMS file."""
    end = find_duration(result)
    beats = [
        _observe(time, 0.0, position)
        for time, position in zip(result.beats, result.beat_positions, strict=True)
    ]
    sections = [_observe(s.start, s.end - s.start, one_line(s.label)) for s in result.segments]
    bpm = find_bpm(result)
    confidence = None if result.tempo is None else result.tempo.confidence
    tempo = [] if bpm is None else [_observe(0.0, end, bpm, confidence)]
    by: dict[str, Any] = {
        "annotation_tools": result.program or "",
        "data_source": "program, corrected by hand" if result.edits else "program",
        "annotator": {},
    }
    annotations = (("beat", beats), ("tempo", tempo), ("segment_open", sections))
    file = {
        "file_metadata": {
            "title": song_title(result),
            "artist": one_line(result.tags.artist),
            "release": "",
            "duration": end,
            "identifiers": {},
            "jams_version": VERSION,
        },
        "annotations": [_annotate(namespace, data, end, by) for namespace, data in annotations],
        "sandbox": {},
    }
    return json.dumps(file, ensure_ascii=False, allow_nan=False, indent=1).encode()


def _annotate(
    namespace: str, data: Sequence[dict[str, Any]], end: float, by: dict[str, Any]
) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "annotation_metadata": by,
        "data": data,
        "time": 0.0,
        "duration": end,
        "sandbox": {},
    }


def _observe(
    time: float, duration: float, value: float | str, confidence: float | None = None
) -> dict[str, Any]:
    return {"time": time, "duration": duration, "value": value, "confidence": confidence}


FORMAT = Format(
    description="beats, tempo and sections for music research",
    title="Music research",
    hint="mir_eval, JAMS",
    files=(File(".jams", ".jams", render),),
)
