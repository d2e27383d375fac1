"""The rows of a timeline figure: their places, axes and texts.

Lengths are pixels from the top; x axes are seconds. x and x2 show the same range, x above with bar
numbers and x2 below with times; x3 belongs to the overview, which always shows the whole song.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...analysis import Analysis
from ..bars import number_bars
from ..times import write_time
from .palette import Ground

Room = Literal["low", "middle", "high"]

MARGIN = 28  # pixels left and right of the plot, for the tempo figures
GAP = 6  # pixels between rows
# Pixels, from top to bottom, for each height of the window; in a low one there is no tempo.
HEIGHTS: dict[Room, dict[str, int]] = {
    "low": {
        **{"overview": 24, "ruler": 16, "sections": 32, "wave": 84},
        **{"activations": 60, "times": 18},
    },
    "middle": {
        **{"overview": 34, "ruler": 16, "sections": 34, "wave": 160},
        **{"tempo": 64, "activations": 84, "times": 18},
    },
    "high": {
        **{"overview": 44, "ruler": 16, "sections": 40, "wave": 300},
        **{"tempo": 96, "activations": 110, "times": 18},
    },
}
TEMPO_BEATS = 8  # beats over which a tempo is measured: one interval is too coarse


def place_rows(room: Room, *, activations: bool) -> tuple[dict[str, tuple[int, int]], int]:
    """Top and bottom of each row in pixels from the top, and the total height."""
    rows = {}
    top = 0
    lowest = "tempo" if "tempo" in HEIGHTS[room] else "wave"
    for name, height in HEIGHTS[room].items():
        if name == "activations" and not activations:
            continue
        rows[name] = (top, top + height)
        # Numbers and labels have no gap to the row they belong to.
        top += height + (0 if name in ("ruler", lowest, "activations") else GAP)
    return rows, top


def lay_out(
    analysis: Analysis, duration: float, ground: Ground, room: Room = "middle"
) -> dict[str, Any]:
    """Plotly's layout of the figure."""
    shown = analysis.activations is not None
    rows, height = place_rows(room, activations=shown)
    first_bar = _first_bar(analysis)
    lowest = "y4" if shown else "y3" if "tempo" in rows else "y"
    tempo_range = _tempo_range(analysis)
    marks = _tempo_marks(*tempo_range) if "tempo" in rows and len(analysis.beats) > 1 else []
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
        "meta": {
            "rows": rows,
            "margin": MARGIN,
            "duration": duration,
            "firstBar": first_bar,
        },
        "annotations": _notes(rows, height, ground, marks, tempo_range),
        **_time_axes(analysis.downbeats, first_bar, duration, ground, lowest),
    }

    def axis(row: str, low: float, high: float, **more: Any) -> dict[str, Any]:
        top, bottom = rows[row]
        domain = [1 - bottom / height, 1 - top / height]
        plain = {"visible": False, "fixedrange": True, "range": [low, high], "domain": domain}
        return {**plain, **more}

    layout["yaxis"] = axis("wave", -1, 1)
    layout["yaxis2"] = axis("sections", 0, 1)
    layout["yaxis5"] = axis("wave", 0, 1, overlaying="y")
    layout["yaxis6"] = axis("overview", 0, 1, anchor="x3")
    layout["yaxis7"] = axis("overview", -1, 1, anchor="x3", overlaying="y6")
    if "tempo" in rows:
        layout["yaxis3"] = axis("tempo", *tempo_range, **_tempo_axis(marks), anchor="x2")
    if shown:
        layout["yaxis4"] = axis("activations", 0, 1.35, anchor="x2")
    return layout


def _first_bar(analysis: Analysis) -> int:
    """The number of the bar at the first downbeat."""
    numbers = number_bars(analysis)[np.asarray(analysis.beat_positions) == 1]
    return int(numbers[0]) if numbers.size else 1


def _time_axes(
    downbeats: Sequence[float], first_bar: int, duration: float, ground: Ground, lowest: str
) -> dict[str, Any]:
    """The axes of bar numbers (x), of times (x2) and of the overview (x3).

    lowest: the y axis of the lowest row.
    """
    every = max(1, 2 ** int(np.ceil(np.log2(max(len(downbeats) / 16, 1)))))
    minute = next(s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1e9) if duration / s <= 12)
    ticks = np.arange(0, duration, minute)
    shared = {
        "range": [0, duration],
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "ticklabeloverflow": "allow",
        "tickmode": "array",
        "tickfont": {"color": ground.muted, "size": 11},
    }
    bars = {
        "side": "top",
        "anchor": "y2",
        "tickvals": np.asarray(downbeats)[::every],
        "ticktext": [str(first_bar + n) for n in range(0, len(downbeats), every)],
    }
    times = {
        "matches": "x",
        "anchor": lowest,
        "tickvals": ticks,
        "ticktext": [write_time(t)[:-3] for t in ticks],
    }
    overview = {"range": [0, duration], "visible": False, "fixedrange": True, "anchor": "y6"}
    return {"xaxis": {**shared, **bars}, "xaxis2": {**shared, **times}, "xaxis3": overview}


def _tempo_range(analysis: Analysis) -> tuple[float, float]:
    """At least a tenth below and above the median, so that a steady tempo appears steady."""
    _, tempo = trace_tempo(analysis)
    if not tempo.size:
        return 0.0, 1.0
    middle = float(np.median(tempo))
    low, high = min(0.9 * middle, tempo.min()), max(1.1 * middle, tempo.max())
    return float(low), float(high + 0.35 * (high - low))  # room for the title of the row


def _tempo_marks(low: float, high: float) -> list[float]:
    """Two to four round values within a range of tempos."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1e9) if (high - low) / s <= 4)
    return [mark for k in range(1, 5) if (mark := (low // step + k) * step) < high - step / 4]


def _tempo_axis(marks: list[float]) -> dict[str, Any]:
    return {
        "visible": True,
        "tickvals": marks,
        # Plotly would hide the times below labels inside the plot.
        "showticklabels": False,
        "ticks": "",
        "showgrid": True,
        "gridcolor": "rgba(128,128,128,0.25)",
        "zeroline": False,
    }


def _note(text: str, y: float, height: int, ground: Ground, *, side: str) -> dict[str, Any]:
    """A text at a fixed place. y: pixels from the top."""
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0 if side == "left" else 1,
        "y": 1 - y / height,
        "xanchor": "right",
        "xshift": -4 if side == "left" else 0,  # beside the plot, not on the curve
        "yanchor": "middle" if side == "left" else "top",
        "borderpad": 0,
        "bgcolor": ground.paper,  # not crossed by a line of the grid
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
    """The titles of the rows below the waveform, and the values of the tempo lines."""
    notes = []
    if "tempo" in rows:
        top, bottom = rows["tempo"]
        low, high = tempo_range
        notes.append(_note("tempo (beats per minute)", top, height, ground, side="right"))
        for mark in marks:
            y = bottom - (bottom - top) * (mark - low) / (high - low)
            notes.append(_note(f"{mark:g}", y, height, ground, side="left"))
    if "activations" in rows:
        text = "confidence: beat (solid), downbeat (dotted), section (dashed)"
        notes.append(_note(text, rows["activations"][0], height, ground, side="right"))
    return notes


def trace_tempo(analysis: Analysis) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The tempo around each beat: times (B,) and beats per minute (B,), empty below 2 beats."""
    beats = np.asarray(analysis.beats)
    if beats.size < 2:
        return np.zeros(0), np.zeros(0)
    middle = np.arange(beats.size)
    first = np.maximum(middle - TEMPO_BEATS // 2, 0)
    last = np.minimum(middle + TEMPO_BEATS // 2, beats.size - 1)
    return beats, 60 * (last - first) / (beats[last] - beats[first])
