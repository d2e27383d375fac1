"""A song chart: sections, bars and tempo on one sheet of paper, to print and to write on.

Each section begins a new line, with an empty box for each bar. The number of bars per line and the
height of lines are chosen so that a song fits on one page of A4 or Letter. Lengths are millimetres.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np

from ...types import Result, Segment, find_bpm, find_duration
from ..bars import count_bars, number_bars, write_bars
from ..pictures.palette import SECTION_INK, section_colours
from ..section_names import name_sections
from ..times import clock_time

ROOM = 222.0  # height of a page without margins and heading
GAP = 0.15  # gap between two sections, as a share of a line's height
BARS_PER_LINE = (4, 8, 16, 32)  # the smallest with lines of a good height is chosen
GOOD, TALLEST, LOWEST = 7.0, 12.0, 2.5  # heights of a line
OTHER_TEMPO = 0.01  # relative difference from which a section shows its own tempo


@dataclass(frozen=True)
class ChartBar:
    """A bar: its number; beats is their number if it is unusual, else 0."""

    number: int
    beats: int


@dataclass(frozen=True)
class ChartSection:
    """A section of the chart. tempo: beats per minute if it differs from the song's, else None."""

    name: str
    colour: str
    start: float
    end: float
    length: str
    bars: tuple[ChartBar, ...]
    tempo: float | None


def write_chart(result: Result) -> str:
    """The chart as a complete HTML page with a button that prints it."""
    title = escape(song_name(result))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title} · song chart</title>\n<style>\n{chart_style()}</style>\n</head>\n<body>\n"
        '<button type="button" class="print" onclick="print()">Print</button>\n'
        f"{draw_chart(result)}\n</body>\n</html>\n"
    )


def chart_style() -> str:
    """The style sheet of a chart."""
    return files(__package__).joinpath("chart.css").read_text(encoding="utf-8")


def draw_chart(result: Result) -> str:
    """The chart as an HTML element."""
    parts = list_parts(result)
    per_line, height = _fit(parts)
    drawn = "\n".join(_draw_part(part, per_line) for part in parts)
    nothing = "" if parts else '<p class="facts">No sections were found.</p>'
    return (
        f'<main class="chart" style="--per-line: {per_line}; --line: {height:.2f}mm">\n'
        f"<h1>{escape(song_name(result))}</h1>\n"
        f'<p class="facts">{escape(describe_song(result))}</p>\n{drawn}{nothing}\n</main>'
    )


def song_name(result: Result) -> str:
    """Artist and title if the file names them, else its name without folder and suffix."""
    return result.tags.name or PurePosixPath(result.path.replace("\\", "/")).stem or "song"


def describe_song(result: Result) -> str:
    """Tempo, meter and length: "120 BPM · 4 beats per bar · 3:25"."""
    bpm = find_bpm(result)
    facts = [
        "" if bpm is None else f"{bpm:.4g} BPM",
        "" if result.meter is None else f"{result.meter} beats per bar",
        clock_time(find_duration(result))[:-2],
    ]
    return " · ".join(fact for fact in facts if fact)


def list_parts(result: Result) -> list[ChartSection]:
    """The sections of a song; silence at its start and end is left out."""
    counted = count_bars(result, result.segments)
    named = name_sections(result.segments)
    colours = section_colours(result.segments)
    bars, middles = _list_bars(result)
    parts = []
    for segment, count, name, colour in zip(result.segments, counted, named, colours, strict=True):
        first, after = np.searchsorted(middles, (segment.start, segment.end))
        inside = bars[first:after]
        if segment.label in ("start", "end") and not inside:
            continue
        length, tempo = write_bars(count), _own_tempo(result, segment)
        parts.append(ChartSection(name, colour, segment.start, segment.end, length, inside, tempo))
    return parts


def _list_bars(result: Result) -> tuple[tuple[ChartBar, ...], list[float]]:
    """All bars and their middles; a bar belongs to the section that contains its middle."""
    beats, positions = result.beats, result.beat_positions
    down = [index for index, position in enumerate(positions) if position == 1]
    numbers = number_bars(result).tolist()
    bars, middles = [], []
    for first, after in pairwise([*down, len(beats)]):
        is_last = after == len(beats)
        usual = is_last or result.meter in (None, after - first)
        bars.append(ChartBar(numbers[first], 0 if usual else after - first))
        middles.append((beats[first] + beats[-1 if is_last else after]) / 2)
    return tuple(bars), middles


def _own_tempo(result: Result, segment: Segment) -> float | None:
    """The tempo of a section that is played slower or faster than the song."""
    beats = np.asarray(result.beats)
    inside = beats[(beats >= segment.start) & (beats < segment.end)]
    usual = find_bpm(result)
    if usual is None or inside.size < 5:
        return None
    tempo = 60 * (inside.size - 1) / float(inside[-1] - inside[0])
    return tempo if abs(tempo / usual - 1) > OTHER_TEMPO else None


def _fit(parts: Sequence[ChartSection]) -> tuple[int, float]:
    """Bars per line and the height of a line, so that all parts fit on one page."""
    for per_line in BARS_PER_LINE:
        lines = sum(max(-(-len(part.bars) // per_line), 1) for part in parts)
        height = ROOM / max(lines + GAP * len(parts), 1)
        if height >= GOOD:
            break
    return per_line, min(max(height, LOWEST), TALLEST)


def _draw_part(part: ChartSection, per_line: int) -> str:
    facts = [part.length, clock_time(part.start)[:-2]]
    if part.tempo is not None:
        facts.append(f"{part.tempo:.4g} BPM")
    boxes = "".join(_draw_bars(part.bars, per_line))
    return (
        f'<section><div class="name" style="background:{part.colour};color:{SECTION_INK}">'
        f"<h2>{escape(part.name)}</h2>"
        f"<p>{escape(' · '.join(fact for fact in facts if fact))}</p></div>"
        f'<div class="bars">{boxes}</div></section>'
    )


def _draw_bars(bars: Sequence[ChartBar], per_line: int) -> Iterable[str]:
    """A box for each bar, with its number at the start of a line."""
    for index, bar in enumerate(bars):
        number = f"<b>{bar.number}</b>" if index % per_line == 0 else ""
        beats = f"<i>{bar.beats} beat{'s' if bar.beats > 1 else ''}</i>" if bar.beats else ""
        yield f"<span>{number}{beats}</span>"
