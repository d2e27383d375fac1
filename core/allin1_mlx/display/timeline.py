"""The interactive figure of a song's structure, drawn by Plotly.

All x axes are seconds from the first sample. From top to bottom: an overview of the whole song, bar
numbers, sections, the waveform with bar lines and beats, tempo, and the network's activations if
they were kept. Corrected beats have a mark at their lower end. `timeline.js` beside this file hides
lines and numbers for which there is no room, in a saved page and in the user interface.

Plotly loads slowly, so it is imported when a figure is made.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..analysis import Analysis
from ..edits import compare
from ..types import FPS, find_duration
from .bars import count_bars, name_places, number_bars, write_bars
from .pictures.envelope import Envelope, pool
from .pictures.palette import DARK, LIGHT, SECTION_INK, Ground, section_colours
from .pictures.rows import HEIGHTS, Room, lay_out, trace_tempo
from .section_names import name_sections
from .times import write_time

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = 1600  # points of a curve over the whole song, more than a screen has
OVERVIEW_COLUMNS = 400
BAR_STEPS = (64, 32, 16, 8, 4, 2, 1)  # bars between two lines, from coarse to fine


def draw_timeline(
    analysis: Analysis,
    *,
    envelope: Envelope | None = None,
    dark: bool = False,
    room: Room = "middle",
) -> go.Figure:
    """The figure of a song, with its activations if they were kept.

    room: how high the figure may be.
    """
    import plotly.graph_objects as go

    ground = DARK if dark else LIGHT
    duration = max(find_duration(analysis), 1.0)
    traces = [
        *_sections(analysis, ground),
        *_wave(envelope, ground),
        *_bars(analysis, ground),
        *(_tempo(analysis, ground) if "tempo" in HEIGHTS[room] else []),
        _hover(analysis, duration),
        *_activations(analysis, ground),
    ]
    return go.Figure(data=traces, layout=lay_out(analysis, duration, ground, room))


def _trace(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "hoverinfo": "skip", **more}


def _sections(analysis: Analysis, ground: Ground) -> list[dict[str, Any]]:
    """Sections as labelled blocks, as a tint behind the waveform and in the overview."""
    segments = analysis.segments
    starts = np.array([s.start for s in segments])
    widths = np.array([s.end - s.start for s in segments])
    texts = []
    for name, count in zip(name_sections(segments), count_bars(analysis, segments), strict=True):
        bars = write_bars(count)
        texts.append(escape(name) + (f" · {bars}" if bars else ""))
    blocks = {
        "x": starts + widths / 2,
        "width": widths,
        "y": np.ones(len(segments)),
        "marker": {
            "color": section_colours(segments),
            "line": {"width": 1, "color": ground.paper},  # separates neighbours with one label
        },
    }
    written = {
        "text": texts,
        "textposition": "inside",
        "insidetextanchor": "middle",
        "constraintext": "none",
        "textangle": 0,
        "insidetextfont": {"color": SECTION_INK, "size": 13},
    }
    return [
        _trace("bar", "sections", xaxis="x", yaxis="y2", **blocks, **written),
        _trace("bar", "section tints", xaxis="x", yaxis="y5", opacity=0.16, **blocks),
        _trace("bar", "overview", xaxis="x3", yaxis="y6", opacity=0.75, **blocks),
    ]


def _wave(envelope: Envelope | None, ground: Ground) -> list[dict[str, Any]]:
    """The outline of the waveform coloured by band, and its power in the overview."""
    if envelope is None or not envelope.peak.size:
        return []
    rms = envelope.rms
    colours = {"peak": ground.low, "mid": ground.mid, "high": ground.high}
    return [
        *(
            _outline(name, pool(values, COLUMNS), len(values), colours[name], "x", "y")
            for name, values in envelope.divide().items()
        ),
        _outline("overview wave", pool(rms, OVERVIEW_COLUMNS), len(rms), ground.ink, "x3", "y7"),
    ]


def _outline(
    name: str, values: NDArray[Any], frames: int, colour: str, xaxis: str, yaxis: str
) -> dict[str, Any]:
    """A closed shape around the time axis; a value of 255 has the height 1."""
    times = (np.linspace(0, frames, len(values), endpoint=False) / FPS).astype(np.float32)
    heights = (values / 255).astype(np.float32)
    return _trace(
        "scatter",
        name,
        mode="lines",
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        x=np.concatenate([times, times[::-1]]),
        y=np.concatenate([heights, -heights[::-1]]),
        xaxis=xaxis,
        yaxis=yaxis,
    )


def _bars(analysis: Analysis, ground: Ground) -> list[dict[str, Any]]:
    """Lines at downbeats, one trace for each of BAR_STEPS, and short lines at beats."""
    beats = np.asarray(analysis.beats)
    numbers = number_bars(analysis)
    down = np.asarray(analysis.beat_positions, dtype=np.int64) == 1
    traces = []
    for step in BAR_STEPS:
        here = down & ((numbers - 1) % step == 0)
        if step != BAR_STEPS[0]:
            here &= (numbers - 1) % (2 * step) != 0
        line = {"color": ground.bar, "width": 1}
        traces.append(_lines(f"bars {step}", beats[here], -1.0, 1.0, line, step=step))
    line = {"color": ground.beat, "width": 1.2}
    beat_traces = [
        _lines("beats", beats[~down], -1.0, -0.72, line, step=0),
        _lines("beats above", beats[~down], 0.72, 1.0, line, step=0),
    ]
    if analysis.edits:
        line = {"color": ground.edited, "width": 3}
        edited = beats[np.array(compare(analysis).beats, dtype=bool)]
        beat_traces.append(_lines("edited beats", edited, -1.0, -0.88, line, step=None))
    return traces + beat_traces


def _lines(
    name: str, times: NDArray[np.float64], low: float, high: float, line: Any, *, step: int | None
) -> dict[str, Any]:
    """Vertical lines. step: bars between two of them; 0 for beats; None for lines that always
    show.
    """
    x = np.repeat(times, 3)
    y = np.tile(np.array([low, high, np.nan], np.float32), len(times))
    meta = {} if step is None else {"meta": {"step": step}}
    return _trace("scatter", name, mode="lines", line=line, x=x, y=y, opacity=0.6, **meta)


def _tempo(analysis: Analysis, ground: Ground) -> list[dict[str, Any]]:
    times, tempo = trace_tempo(analysis)
    row = {"xaxis": "x2", "yaxis": "y3", "line": {"color": ground.tempo, "width": 2}}
    return [_trace("scatter", "tempo", mode="lines", x=times, y=tempo, **row)]


def _hover(analysis: Analysis, duration: float) -> dict[str, Any]:
    """An invisible line with the texts under the pointer: time, bar.beat and section."""
    times = np.linspace(0, duration, COLUMNS)
    texts = describe_times(analysis, times)
    return {
        "type": "scatter",
        "name": "hover",
        "mode": "lines",
        "line": {"color": "rgba(0,0,0,0)"},
        "x": times.astype(np.float32),
        "y": np.zeros(len(times), np.float32),
        "hoverinfo": "text",
        "hovertext": texts,
    }


def describe_times(analysis: Analysis, times: NDArray[np.float64]) -> list[str]:
    """Time, bar.beat and section at each time (N,): "0:12.34 · bar 7.2 · chorus"."""
    starts = np.array([s.start for s in analysis.segments])
    names = name_sections(analysis.segments)
    texts = []
    for time, place in zip(times, name_places(analysis, times), strict=True):
        parts = [write_time(float(time))]
        if place:
            parts.append(f"bar {place}")
        index = int(np.searchsorted(starts, time, side="right")) - 1
        if index >= 0 and time <= analysis.segments[index].end:
            parts.append(escape(names[index]))
        texts.append(" · ".join(parts))
    return texts


def _activations(analysis: Analysis, ground: Ground) -> list[dict[str, Any]]:
    kept = analysis.activations
    if kept is None:
        return []
    rows = (
        ("beat activation", kept.beat, ground.beat_activation, "solid"),
        ("downbeat activation", kept.downbeat, ground.downbeat_activation, "dot"),
        ("section activation", kept.segment, ground.section_activation, "dash"),
    )
    traces = []
    for name, values, colour, dash in rows:
        pooled = pool(values, COLUMNS).astype(np.float32)
        times = (np.linspace(0, len(values), len(pooled), endpoint=False) / FPS).astype(np.float32)
        line = {"color": colour, "width": 1.4, "dash": dash}
        traces.append(
            _trace(
                "scatter", name, mode="lines", line=line, x=times, y=pooled, xaxis="x2", yaxis="y4"
            )
        )
    return traces
