"""The song chart: every bar of every section once, on one page."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pages.chart import (
    BARS_PER_LINE,
    GAP,
    ROOM,
    draw_chart,
    list_parts,
    write_chart,
)
from allin1_mlx.types import Segment, Tempo


def compose(bars: list[int], *, period: float = 0.5, start: float = 0.5) -> Analysis:
    """Sections of some bars in 4/4, one after the other, and a last beat after them."""
    count = 4 * sum(bars) + 1
    beats = start + period * np.arange(count)
    edges = start + 4 * period * np.cumsum([0, *bars])
    labels = ("verse", "chorus")
    sections = [Segment(a, b, labels[i % 2]) for i, (a, b) in enumerate(pairwise(edges.tolist()))]
    return Analysis(
        path="my <song>.mp3",
        bpm=round(60 / period),
        beats=tuple(beats.tolist()),
        downbeats=tuple(beats[::4].tolist()),
        beat_positions=tuple(i % 4 + 1 for i in range(count)),
        segments=(Segment(0.0, start, "start"), *sections),
        duration=float(beats[-1]),
        tempo=Tempo(60 / period, 1.0),
        meter=4,
    )


def numbers(song: Analysis) -> list[list[int]]:
    return [[bar.number for bar in part.bars] for part in list_parts(song)]


def test_each_bar_is_in_the_section_in_which_it_is_played():
    assert numbers(compose([2, 3])) == [[1, 2], [3, 4, 5]]


def test_a_boundary_near_a_bar_line_moves_no_bar():
    song = compose([2, 3])
    start, first, second = song.segments
    for shift in (-0.2, 0.2):
        edge = first.end + shift
        moved = (start, replace(first, end=edge), replace(second, start=edge))
        assert numbers(replace(song, segments=moved)) == [[1, 2], [3, 4, 5]]


def test_bars_are_counted_from_bar_one():
    song = compose([2, 3])
    assert numbers(replace(song, bar_one=song.downbeats[1])) == [[0, 1], [2, 3, 4]]


def test_silence_at_the_start_is_no_section():
    assert [part.name for part in list_parts(compose([2, 3]))] == ["verse", "chorus"]


def test_a_bar_of_another_length_shows_its_length():
    song = compose([3, 2])
    kept = [i for i in range(len(song.beats)) if i not in (6, 7)]  # bar 2 has two beats
    short = replace(
        song,
        beats=tuple(song.beats[i] for i in kept),
        beat_positions=tuple(song.beat_positions[i] for i in kept),
    )
    bars = [bar for part in list_parts(short) for bar in part.bars]
    assert [bar.beats for bar in bars] == [0, 2, 0, 0, 0]
    assert draw_chart(short).count("<i>2 beats</i>") == 1


def test_a_slower_section_shows_its_tempo():
    song = compose([2, 3])
    assert [part.tempo for part in list_parts(song)] == [None, None]
    edge = song.segments[2].start
    late = tuple(t if t <= edge else edge + 1.25 * (t - edge) for t in song.beats)
    slower = replace(song, beats=late, duration=late[-1])
    sections = (*song.segments[:2], replace(song.segments[2], end=late[-1]))
    slower = replace(slower, segments=sections)
    assert [part.tempo for part in list_parts(slower)] == [None, pytest.approx(96)]
    assert "96 BPM" in draw_chart(slower)


@pytest.mark.parametrize(
    "bars", [[4], [8] * 14, [8, 16] * 10, [16] * 60, [300, 40]], ids=lambda bars: str(sum(bars))
)
def test_a_chart_fits_on_one_page(bars: list[int]):
    chart = draw_chart(compose(bars))
    found = re.search(r"--per-line: (\d+); --line: ([\d.]+)mm", chart)
    assert found is not None
    per_line, height = int(found[1]), float(found[2])
    assert per_line in BARS_PER_LINE
    lines = sum(-(-count // per_line) for count in bars)
    assert (lines + GAP * len(bars)) * (height - 0.01) <= ROOM
    assert chart.count("<span>") == sum(bars)


def test_short_songs_have_few_bars_on_a_line_and_tall_lines():
    assert "--per-line: 4; --line: 12.00mm" in draw_chart(compose([8, 8]))


def test_the_chart_names_song_tempo_meter_and_length():
    page = write_chart(compose([2, 3]))
    assert "<h1>my &lt;song&gt;</h1>" in page
    assert "120 BPM · 4 beats per bar · 0:10" in page
    assert "@media print" in page
    assert "http" not in page
