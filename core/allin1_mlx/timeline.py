"""The interactive figure of a song's structure, drawn by Plotly.

Times are seconds from the first sample, on every x axis. From top to bottom: the whole song as
an overview, bar numbers, sections, the waveform with bar lines and beats, tempo, and the
network's activations where they were kept. `timeline.js` beside this file thins lines and
numbers to what the width can carry; it works alike in a saved page and in the user interface.

Plotly is imported when a figure is made: it takes longer to load than the command line may.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .bars import count_bars, name_places, number_bars, write_bars
from .envelope import Envelope, pool
from .palette import DARK, LIGHT, SECTION_INK, Ground, section_colour
from .types import FPS, Analysis

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = 1600  # points of a curve over the whole song; more than a screen is wide
OVERVIEW_COLUMNS = 400
BAR_STEPS = (64, 32, 16, 8, 4, 2, 1)  # every how many bars there is a line, coarse to fine
TEMPO_BEATS = 8  # beats over which a tempo is taken: a time is only known to 1 / FPS
MARGIN = 16  # pixels left and right of the plot
GAP = 6  # pixels between rows
HEIGHTS = {
    "overview": 36,
    "ruler": 16,
    "sections": 30,
    "wave": 190,
    "tempo": 72,
    "activations": 84,
    "times": 18,
}  # pixels, from top to bottom


def find_duration(analysis: Analysis) -> float:
    """Seconds that the song lasts; of a result that does not tell, as far as it reaches."""
    if analysis.duration is not None:
        return analysis.duration
    return max([s.end for s in analysis.segments] + list(analysis.beats), default=0.0)


def trace_tempo(analysis: Analysis) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The tempo around each beat: times (B,) and beats per minute (B,), empty below 2 beats."""
    beats = np.asarray(analysis.beats)
    if beats.size < 2:
        return np.zeros(0), np.zeros(0)
    middle = np.arange(beats.size)
    first = np.maximum(middle - TEMPO_BEATS // 2, 0)
    last = np.minimum(middle + TEMPO_BEATS // 2, beats.size - 1)
    return beats, 60 * (last - first) / (beats[last] - beats[first])


def draw_timeline(
    analysis: Analysis, *, envelope: Envelope | None = None, dark: bool = False
) -> go.Figure:
    """The figure of `analysis`; with its activations, where they were kept."""
    import plotly.graph_objects as go

    ground = DARK if dark else LIGHT
    duration = max(find_duration(analysis), 1.0)
    traces = [
        *_sections(analysis, ground),
        *_wave(envelope, ground),
        *_bars(analysis, ground),
        *_tempo(analysis, ground),
        _hover(analysis, duration),
        *_activations(analysis, ground),
    ]
    return go.Figure(data=traces, layout=_layout(analysis, duration, ground))


def write_timeline(
    analysis: Analysis, *, envelope: Envelope | None = None, dark: bool = False
) -> str:
    """The figure as a page of its own, which needs nothing from anywhere."""
    figure = draw_timeline(analysis, envelope=envelope, dark=dark)
    figure.update_layout(dragmode="pan")
    script = files("allin1_mlx").joinpath("timeline.js").read_text(encoding="utf-8")
    body = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        post_script=script.replace("export ", "") + "\nattachThinning(Plotly, '{plot_id}');",
        config={"scrollZoom": True, "displaylogo": False, "responsive": True},
    )
    ground = DARK if dark else LIGHT
    title = escape(analysis.path or "timeline")
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>\n'
        f'<body style="margin:0;background:{ground.paper};color:{ground.ink};'
        f'font-family:system-ui,sans-serif"><h1 style="font-size:1.1rem;margin:1rem">{title}</h1>\n'
        f"{body}\n</body>\n</html>\n"
    )


def _trace(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "hoverinfo": "skip", **more}


def _sections(analysis: Analysis, ground: Ground) -> list[dict[str, Any]]:
    """Sections as labelled blocks, as a tint behind the waveform, and in the overview."""
    segments = analysis.segments
    starts = np.array([s.start for s in segments])
    widths = np.array([s.end - s.start for s in segments])
    texts = []
    for segment in segments:
        bars = write_bars(count_bars(analysis, segment))
        texts.append(escape(segment.label) + (f" · {bars}" if bars else ""))
    blocks = {
        "x": starts + widths / 2,
        "width": widths,
        "y": np.ones(len(segments)),
        "marker": {
            "color": [section_colour(s.label) for s in segments],
            "line": {"width": 1, "color": ground.paper},  # tells neighbours of one label apart
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
    """The waveform's outline twice over, its highest peaks and its power, and in small."""
    if envelope is None or not envelope.peak.size:
        return []
    peak, rms = envelope.peak, envelope.rms
    return [
        _outline("peak", pool(peak, COLUMNS), len(peak), ground.peak, "x", "y"),
        _outline("rms", pool(rms, COLUMNS), len(rms), ground.rms, "x", "y"),
        _outline("overview wave", pool(rms, OVERVIEW_COLUMNS), len(rms), ground.ink, "x3", "y7"),
    ]


def _outline(
    name: str, values: NDArray[Any], frames: int, colour: str, xaxis: str, yaxis: str
) -> dict[str, Any]:
    """A closed shape around the time axis, 1 for 255."""
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
    """Lines at downbeats, one trace for each step of BAR_STEPS, and short ones at beats."""
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
    return traces + beat_traces


def _lines(
    name: str, times: NDArray[np.float64], low: float, high: float, line: Any, *, step: int
) -> dict[str, Any]:
    x = np.repeat(times, 3)
    y = np.tile(np.array([low, high, np.nan], np.float32), len(times))
    return _trace(
        "scatter", name, mode="lines", line=line, x=x, y=y, opacity=0.6, meta={"step": step}
    )


def _tempo(analysis: Analysis, ground: Ground) -> list[dict[str, Any]]:
    times, tempo = trace_tempo(analysis)
    row = {"xaxis": "x2", "yaxis": "y3", "line": {"color": ground.tempo, "width": 2}}
    return [_trace("scatter", "tempo", mode="lines", x=times, y=tempo, **row)]


def _hover(analysis: Analysis, duration: float) -> dict[str, Any]:
    """An invisible line that says where one is: time, bar.beat and section."""
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
    """Each time (N,) as "0:12.34 · bar 7.2 · chorus"."""
    starts = np.array([s.start for s in analysis.segments])
    texts = []
    for time, place in zip(times, name_places(analysis, times), strict=True):
        parts = [write_time(float(time))]
        if place:
            parts.append(f"bar {place}")
        index = int(np.searchsorted(starts, time, side="right")) - 1
        if index >= 0 and time <= analysis.segments[index].end:
            parts.append(escape(analysis.segments[index].label))
        texts.append(" · ".join(parts))
    return texts


def write_time(seconds: float) -> str:
    """Minutes and seconds to the hundredth: 83.456 is "1:23.46"."""
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


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


def place_rows(*, activations: bool) -> tuple[dict[str, tuple[int, int]], int]:
    """Top and bottom of each row in pixels from above, and the height of all."""
    rows = {}
    top = 0
    for name, height in HEIGHTS.items():
        if name == "activations" and not activations:
            continue
        rows[name] = (top, top + height)
        # Numbers and labels belong to the row beside them.
        top += height + (0 if name in ("ruler", "tempo", "activations") else GAP)
    return rows, top


def _layout(analysis: Analysis, duration: float, ground: Ground) -> dict[str, Any]:
    """Axes and rows; x and x2 are one axis seen twice, with bar numbers and with times."""
    shown = analysis.activations is not None
    rows, height = place_rows(activations=shown)

    def axis(row: str, low: float, high: float, **more: Any) -> dict[str, Any]:
        top, bottom = rows[row]
        domain = [1 - bottom / height, 1 - top / height]
        plain = {"visible": False, "fixedrange": True, "range": [low, high], "domain": domain}
        return {**plain, **more}

    time_axis = {
        "range": [0, duration],
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "ticklabeloverflow": "allow",
    }
    numbers = {"tickmode": "array", "tickfont": {"color": ground.muted, "size": 11}}
    down = np.asarray(analysis.downbeats)
    every = max(1, 2 ** int(np.ceil(np.log2(max(len(down) / 16, 1)))))
    minute = next(s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1e9) if duration / s <= 12)
    ticks = np.arange(0, duration, minute)
    lowest = "y4" if shown else "y3"
    tempo_range = _tempo_range(analysis)
    marks = _tempo_marks(*tempo_range) if len(analysis.beats) > 1 else []
    layout: dict[str, Any] = {
        "height": height,
        "margin": {"l": MARGIN, "r": MARGIN, "t": 0, "b": 0, "autoexpand": False},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": ground.ink, "family": "system-ui, sans-serif"},
        "template": "none",
        "showlegend": False,
        "hovermode": "x",
        "hoverdistance": -1,
        "hoverlabel": {"bgcolor": ground.ink, "font": {"color": ground.paper, "size": 13}},
        "dragmode": False,
        "bargap": 0,
        "barmode": "overlay",
        "meta": {"rows": rows, "margin": MARGIN, "duration": duration},
        "xaxis": {
            **time_axis,
            **numbers,
            "side": "top",
            "anchor": "y2",
            "tickvals": down[::every],
            "ticktext": [str(n) for n in range(1, len(down) + 1, every)],
        },
        "xaxis2": {
            **time_axis,
            **numbers,
            "matches": "x",
            "anchor": lowest,
            "tickvals": ticks,
            "ticktext": [write_time(t)[:-3] for t in ticks],
        },
        "xaxis3": {"range": [0, duration], "visible": False, "fixedrange": True, "anchor": "y6"},
        "yaxis": axis("wave", -1, 1),
        "yaxis2": axis("sections", 0, 1),
        "yaxis3": axis("tempo", *tempo_range, **_tempo_axis(marks), anchor="x2"),
        "yaxis5": axis("wave", 0, 1, overlaying="y"),
        "yaxis6": axis("overview", 0, 1, anchor="x3"),
        "yaxis7": axis("overview", -1, 1, anchor="x3", overlaying="y6"),
        "annotations": _notes(rows, height, ground, marks, tempo_range),
    }
    if shown:
        layout["yaxis4"] = axis("activations", 0, 1.35, anchor="x2")
    return layout


def _tempo_range(analysis: Analysis) -> tuple[float, float]:
    """From at least a tenth below to a tenth above, so that a steady tempo looks steady."""
    _, tempo = trace_tempo(analysis)
    if not tempo.size:
        return 0.0, 1.0
    middle = float(np.median(tempo))
    low, high = min(0.9 * middle, tempo.min()), max(1.1 * middle, tempo.max())
    return float(low), float(high + 0.35 * (high - low))  # room for the row's title


def _tempo_marks(low: float, high: float) -> list[float]:
    """Two to four round tempos within a range."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1e9) if (high - low) / s <= 4)
    return [mark for k in range(1, 5) if (mark := (low // step + k) * step) < high - step / 4]


def _tempo_axis(marks: list[float]) -> dict[str, Any]:
    return {
        "visible": True,
        "tickvals": marks,
        # Plotly would hide the times below labels that lie within the plot.
        "showticklabels": False,
        "ticks": "",
        "showgrid": True,
        "gridcolor": "rgba(128,128,128,0.25)",
        "zeroline": False,
    }


def _note(text: str, y: float, height: int, ground: Ground, *, side: str) -> dict[str, Any]:
    """Writing that stays where it is; y: pixels from above."""
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0 if side == "left" else 1,
        "y": 1 - y / height,
        "xanchor": side,
        "yanchor": "bottom" if side == "left" else "top",
        "borderpad": 0,
        "showarrow": False,
        "font": {"color": ground.muted, "size": 10 if side == "left" else 11},
    }


def _notes(
    rows: dict[str, tuple[int, int]],
    height: int,
    ground: Ground,
    marks: list[float],
    tempo_range: tuple[float, float],
) -> list[dict[str, Any]]:
    """What the rows below the waveform show, and tempos beside their lines."""
    top, bottom = rows["tempo"]
    low, high = tempo_range
    notes = [_note("tempo (beats per minute)", top, height, ground, side="right")]
    for mark in marks:
        y = bottom - (bottom - top) * (mark - low) / (high - low)
        notes.append(_note(f"{mark:g}", y, height, ground, side="left"))
    if "activations" in rows:
        text = "activations: beat (solid), downbeat (dotted), section (dashed)"
        notes.append(_note(text, rows["activations"][0], height, ground, side="right"))
    return notes
