"""Everything that the page needs to draw and play one song, except its sound.

Times are seconds. layers: curves with `fps` values per second, one byte each, in base64, from which
the page draws the visible range.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.bars import count_bars, number_bars, write_bars
from allin1_mlx.display.pictures.palette import section_colours
from allin1_mlx.display.pictures.rows import Room, trace_tempo
from allin1_mlx.display.section_names import name_sections
from allin1_mlx.display.timeline import draw_timeline
from allin1_mlx.types import FPS, SAMPLE_RATE, find_duration

from .corrections import describe_corrections, describe_sections
from .exports import describe_offers
from .offers import TITLES
from .song import Song
from .song_file import ACTIVATIONS, read_activations

MOSTLY = (5, 95)  # percentiles of the tempo curve


def write_sheet(
    song: Song, analysis: Analysis, *, dark: bool, activations: bool, room: Room = "middle"
) -> str:
    """Return the sheet of a song as JSON text."""
    shown = replace(analysis, activations=read_activations(song) if activations else None)
    figure = draw_timeline(shown, envelope=song.envelope, dark=dark, room=room)
    sheet = {
        "id": song.id,
        "revision": song.revision,
        "name": song.title,
        "duration": find_duration(analysis),
        "frames": song.frames,
        "hasSource": song.source is not None,
        "rate": SAMPLE_RATE,
        "bpm": analysis.bpm,
        "tempo": _tempo(analysis),
        "meter": analysis.meter,
        "model": analysis.model,
        "network": TITLES.get(analysis.model or "", analysis.model),
        "demix": analysis.demix,
        "warnings": song.warnings,
        "notice": song.notice,
        "beats": analysis.beats,
        "positions": analysis.beat_positions,
        "bars": number_bars(analysis).tolist(),
        "sections": _sections(analysis),
        "loops": [vars(loop) for loop in analysis.loops],
        "hasActivations": (song.home / ACTIVATIONS).is_file(),
        "fps": FPS,
        "layers": _layers(song, shown),
        "corrections": describe_corrections(song, analysis),
        "exports": describe_offers(),
    }
    text = json.dumps(sheet, ensure_ascii=False, allow_nan=False)
    return f'{text[:-1]}, "figure": {figure.to_json()}}}'


def _tempo(analysis: Analysis) -> dict[str, Any] | None:
    """The tempo, and the range in whole BPM in which it stays most of the time."""
    tempo = analysis.tempo
    if tempo is None:
        return None
    curve = trace_tempo(analysis)[1]
    ends = np.rint(np.percentile(curve, MOSTLY)) if curve.size else [0, 0]
    return asdict(tempo) | {"constant": tempo.constant, "range": [int(end) for end in ends]}


def _sections(analysis: Analysis) -> list[dict[str, Any]]:
    sections = []
    counted = count_bars(analysis, analysis.segments)
    described = describe_sections(analysis)
    names = name_sections(analysis.segments)
    colours = section_colours(analysis.segments)
    parts = zip(analysis.segments, names, colours, counted, described, strict=True)
    for segment, name, colour, bars, edited in parts:
        sections.append(
            {
                "start": segment.start,
                "end": segment.end,
                "label": segment.label,
                "name": name,
                "group": segment.group,
                "confidence": segment.confidence,
                "bars": write_bars(bars),
                "colour": colour,
                **edited,
            }
        )
    return sections


def _layers(song: Song, analysis: Analysis) -> dict[str, str]:
    layers: dict[str, NDArray[np.uint8]] = {}
    if song.envelope is not None:
        layers |= song.envelope.divide()
    kept = analysis.activations
    if kept is not None:
        curves = {"beat": kept.beat, "downbeat": kept.downbeat, "section": kept.segment}
        for name, values in curves.items():
            layers[f"{name} activation"] = np.rint(values * 255).astype(np.uint8)
    return {name: base64.b64encode(values.tobytes()).decode() for name, values in layers.items()}
