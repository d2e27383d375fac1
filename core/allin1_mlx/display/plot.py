"""A static picture of a song's structure, to print and to share.

From top to bottom: bar numbers, sections, the waveform with bar lines and beats, tempo, and the
network's activations if they were kept. All x axes are seconds; sizes are inches. Matplotlib loads
slowly, so it is imported when a picture is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..analysis import Analysis
from ..files import printable_name
from ..types import FPS, find_bpm, find_duration
from .bars import count_bars, number_bars, write_bars
from .pictures.envelope import Envelope, pool
from .pictures.figure import save_figure
from .pictures.palette import LIGHT, SECTION_INK, section_colours
from .pictures.rows import trace_tempo
from .section_names import name_sections
from .times import clock_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 13.0
MARGIN = 0.45  # left and right
ROWS = {"sections": 0.5, "wave": 1.9, "tempo": 0.75, "activations": 0.85}
HEAD, RULER, GAP, FOOT = 0.55, 0.24, 0.1, 0.42
COLUMNS = 2400  # of the waveform

BAR_STEPS = (1, 2, 4, 8, 16, 32, 64, 128)  # bars between two lines or numbers
LINE_ROOM, NUMBER_ROOM, BEAT_ROOM = 0.05, 0.36, 0.045  # smallest distances between two
TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)  # seconds
TIME_ROOM = 0.6


def plot_analysis(
    analysis: Analysis, path: str | PathLike[str], *, envelope: Envelope | None = None
) -> None:
    """Draw a song as PDF, PNG or SVG, depending on the suffix of `path`.

    envelope: for the waveform; without it that row shows bars and beats only.
    Raises UsageError at another suffix, OSError if the file cannot be written.
    """
    save_figure(draw_analysis(analysis, envelope=envelope), path)


def draw_analysis(analysis: Analysis, *, envelope: Envelope | None = None) -> Figure:
    """The picture as a Matplotlib figure."""
    from matplotlib.figure import Figure

    shown = [row for row in ROWS if row != "activations" or analysis.activations is not None]
    height = HEAD + RULER + sum(ROWS[row] + GAP for row in shown) + FOOT
    figure = Figure(figsize=(WIDTH, height), facecolor=LIGHT.paper)
    duration = max(find_duration(analysis), 0.1)
    top = height - HEAD - RULER
    rows: dict[str, Axes] = {}
    for row in shown:
        rows[row] = _add_row(figure, top, ROWS[row], duration)
        top -= ROWS[row] + GAP
    _draw_head(figure, analysis)
    _draw_sections(rows["sections"], analysis, duration)
    _draw_bar_numbers(rows["sections"], analysis, duration)
    _draw_wave(rows["wave"], analysis, envelope, duration)
    _draw_tempo(rows["tempo"], analysis)
    if "activations" in rows:
        _draw_activations(rows["activations"], analysis)
    _draw_times(rows[shown[-1]], duration)
    return figure


def _add_row(figure: Figure, top: float, height: float, duration: float) -> Axes:
    """Axes `height` inches high, their upper edge `top` inches above the end of the picture."""
    whole = figure.get_figheight()
    box = (MARGIN / WIDTH, (top - height) / whole, 1 - 2 * MARGIN / WIDTH, height / whole)
    axes = figure.add_axes(box)
    axes.set_xlim(0, duration)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")
    return axes


def _inches(duration: float) -> float:
    """Inches per second."""
    return (WIDTH - 2 * MARGIN) / duration


def _draw_head(figure: Figure, analysis: Analysis) -> None:
    """The name of the song on the left; tempo, meter, length and model on the right."""
    y = 1 - 0.3 / figure.get_figheight()
    name = _fitted(analysis.tags.name or printable_name(analysis.path), 0.105, WIDTH / 2)
    figure.text(
        MARGIN / WIDTH, y, name, fontsize=14, fontweight="bold", va="center", color=LIGHT.ink
    )
    bpm = find_bpm(analysis)
    facts = [
        "" if bpm is None else f"{bpm:g} BPM",
        "" if analysis.meter is None else f"{analysis.meter} beats a bar",
        clock_time(find_duration(analysis)),
        analysis.model or "",
    ]
    text = "  ·  ".join(fact for fact in facts if fact)
    figure.text(
        1 - MARGIN / WIDTH, y, text, fontsize=10, va="center", ha="right", color=LIGHT.muted
    )


def _draw_sections(axes: Axes, analysis: Analysis, duration: float) -> None:
    """Sections as coloured blocks with their label and length in bars."""
    axes.set_ylim(0, 1)
    segments = analysis.segments
    counted, colours = count_bars(analysis, segments), section_colours(segments)
    names = name_sections(segments)
    for segment, name, bars, colour in zip(segments, names, counted, colours, strict=True):
        axes.axvspan(
            segment.start, segment.end, facecolor=colour, edgecolor=LIGHT.paper, linewidth=1.2
        )
        room = (segment.end - segment.start) * _inches(duration) - 0.06
        _write_label(axes, (segment.start + segment.end) / 2, name, write_bars(bars), room)


def _write_label(axes: Axes, middle: float, name: str, bars: str, room: float) -> None:
    """Write what fits of a section's name and length into `room` inches."""
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": SECTION_INK, "clip_on": True}
    if bars and max(0.092 * len(name), 0.066 * len(bars)) <= room:
        axes.text(middle, 0.66, name, fontsize=11, **style)
        axes.text(middle, 0.27, bars, fontsize=8, **style)
    elif 0.092 * len(name) <= room:
        axes.text(middle, 0.5, name, fontsize=11, **style)
    elif 0.066 * len(name) <= room:
        axes.text(middle, 0.5, name, fontsize=8, **style)
    elif room >= 0.06:  # upright
        short = _fitted(name, 0.075, ROWS["sections"])
        axes.text(middle, 0.5, short, fontsize=7.5, rotation=90, **style)


def _draw_bar_numbers(axes: Axes, analysis: Analysis, duration: float) -> None:
    """Bar numbers above the sections, as many as there is room for."""
    times, numbers = _bars(analysis)
    step = _step(times, NUMBER_ROOM, duration)
    for time, number in zip(times, numbers, strict=True):
        if (number - 1) % step == 0:
            axes.annotate(
                str(number),
                (time, 1),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=LIGHT.muted,
                annotation_clip=True,
            )


def _draw_wave(axes: Axes, analysis: Analysis, envelope: Envelope | None, duration: float) -> None:
    """The waveform by band on the colours of the sections, with bar lines and beats."""
    axes.set_ylim(-1, 1)
    tints = section_colours(analysis.segments)
    for segment, tint in zip(analysis.segments, tints, strict=True):
        axes.axvspan(segment.start, segment.end, color=tint, alpha=0.2, linewidth=0)
    if envelope is not None and len(envelope.peak):
        colours = {"peak": LIGHT.low, "mid": LIGHT.mid, "high": LIGHT.high}
        for name, curve in envelope.divide().items():
            height = 0.9 * pool(curve, COLUMNS) / 255
            x = np.linspace(0, len(curve) / FPS, len(height))
            axes.fill_between(x, -height, height, color=colours[name], linewidth=0)
    times, numbers = _bars(analysis)
    here = (numbers - 1) % _step(times, LINE_ROOM, duration) == 0
    axes.vlines(times[here], -1, 1, color=LIGHT.bar, linewidth=0.6, alpha=0.4)
    beats = np.asarray(analysis.beats)
    if beats.size > 1 and np.median(np.diff(beats)) * _inches(duration) >= BEAT_ROOM:
        for low, high in ((-1, -0.93), (0.93, 1)):
            axes.vlines(beats, low, high, color=LIGHT.beat, linewidth=0.7)
    starts = [s.start for s in analysis.segments if s.start > 0]
    axes.vlines(starts, -1, 1, color=LIGHT.ink, linewidth=0.9)


def _draw_tempo(axes: Axes, analysis: Analysis) -> None:
    """The tempo around each beat; the axis reaches at least a tenth below and above the median."""
    from matplotlib.ticker import MaxNLocator

    times, tempo = trace_tempo(analysis)
    _write_title(axes, "tempo, beats per minute")
    if not tempo.size:
        axes.set_ylim(0, 1)
        axes.text(0.5, 0.4, "too few beats", transform=axes.transAxes, ha="center",
                  va="center", fontsize=9, color=LIGHT.muted)  # fmt: skip
        return
    middle = float(np.median(tempo))
    low, high = min(0.9 * middle, tempo.min()), max(1.1 * middle, tempo.max())
    room = 0.3 * (high - low)  # for the title above, and the times below
    axes.set_ylim(low - room / 2, high + room)
    ticks = MaxNLocator(3, integer=True).tick_values(low, high)
    axes.set_yticks([tick for tick in ticks if low <= tick <= high])
    axes.plot(times, tempo, color=LIGHT.tempo, linewidth=1.6, solid_joinstyle="round")
    axes.tick_params(axis="y", labelsize=8, labelcolor=LIGHT.muted, length=0, pad=2)
    axes.grid(axis="y", color=LIGHT.muted, alpha=0.25, linewidth=0.6)


def _draw_activations(axes: Axes, analysis: Analysis) -> None:
    """The network's probabilities, in different colours and dashes."""
    kept = analysis.activations
    if kept is None:
        return
    axes.set_ylim(0, 1.35)
    _write_title(axes, "activations: beat (solid), downbeat (dotted), section (dashed)")
    for values, colour, dashes in (
        (kept.beat, LIGHT.beat_activation, "-"),
        (kept.downbeat, LIGHT.downbeat_activation, ":"),
        (kept.segment, LIGHT.section_activation, "--"),
    ):
        curve = pool(values, COLUMNS)
        x = np.linspace(0, len(values) / FPS, len(curve))
        axes.plot(x, curve, dashes, color=colour, linewidth=0.8)


def _draw_times(axes: Axes, duration: float) -> None:
    """Minutes and seconds below the lowest row."""
    step = _first_step(TIME_STEPS, TIME_ROOM / _inches(duration))
    ticks = np.arange(0, duration, step)
    axes.set_xticks(ticks, [clock_time(float(t))[:-2] for t in ticks], fontsize=9)
    axes.tick_params(axis="x", length=3, color=LIGHT.muted, labelcolor=LIGHT.muted)


def _write_title(axes: Axes, text: str) -> None:
    axes.text(1, 1, text, transform=axes.transAxes, ha="right", va="top", fontsize=8,
              color=LIGHT.muted)  # fmt: skip


def _bars(analysis: Analysis) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Time and number of each bar with a downbeat."""
    down = np.asarray(analysis.beat_positions, dtype=np.int64) == 1
    return np.asarray(analysis.beats, dtype=np.float64)[down], number_bars(analysis)[down]


def _step(times: NDArray[np.float64], room: float, duration: float) -> int:
    """The number of bars between two items that are `room` inches wide."""
    if times.size < 2:
        return 1
    bar = float(np.median(np.diff(times))) * _inches(duration)
    return _first_step(BAR_STEPS, room / bar)


def _first_step(steps: Sequence[int], least: float) -> int:
    """The first of `steps` that is at least `least`, or the last."""
    return next((step for step in steps if step >= least), steps[-1])


def _fitted(text: str, letter: float, room: float) -> str:
    """The text, shortened with an ellipsis to `room` inches; a letter is `letter` inches wide."""
    count = max(int(room / letter), 1)
    return text if len(text) <= count else text[: count - 1] + "…"
