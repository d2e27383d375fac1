"""Bars: where a time lies, and how long a section is."""

import numpy as np
import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.bars import count_bars, name_places, number_bars, write_bars
from allin1_mlx.types import Segment


def grid(positions: list[int], *, beat: float = 0.5, first: float = 1.0) -> Analysis:
    beats = tuple(first + beat * i for i in range(len(positions)))
    downbeats = tuple(t for t, p in zip(beats, positions, strict=True) if p == 1)
    return Analysis("", 120, beats, downbeats, tuple(positions), (), meter=4)


def test_the_pickup_is_bar_0() -> None:
    assert number_bars(grid([3, 4, 1, 2, 3, 4, 1])).tolist() == [0, 0, 1, 1, 1, 1, 2]


def test_a_place_is_the_latest_beat_before_it() -> None:
    analysis = grid([4, 1, 2, 3, 4, 1])
    places = name_places(analysis, np.array([0.2, 1.0, 1.5, 1.99, 2.0, 99.0]))
    assert places == ["", "0.4", "1.1", "1.1", "1.2", "2.1"]


def test_four_bars_of_four_are_four() -> None:
    analysis = grid([1, 2, 3, 4] * 8)
    assert count_bars(analysis, [Segment(1.0, 9.0, "verse")])[0] == pytest.approx(4)


def test_a_pickup_counts_as_its_part_of_a_bar() -> None:
    analysis = grid([3, 4, 1, 2, 3, 4, 1, 2, 3, 4])
    assert count_bars(analysis, [Segment(1.0, 4.0, "intro")])[0] == pytest.approx(1.5)


def test_bars_of_three_and_four_count_alike() -> None:
    analysis = grid([1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 1])
    start, end = analysis.downbeats[0], analysis.downbeats[3]
    assert count_bars(analysis, [Segment(start, end, "verse")])[0] == pytest.approx(3)


def test_bars_continue_after_the_last_beat() -> None:
    analysis = grid([1, 2, 3, 4])
    assert count_bars(analysis, [Segment(0.0, 5.0, "drone")])[0] == pytest.approx(2.5)


def test_without_beats_there_are_no_bars() -> None:
    assert count_bars(grid([]), [Segment(0.0, 5.0, "drone")]) == [0]
    assert count_bars(grid([1]), [Segment(0.0, 5.0, "drone")]) == [0]
    assert name_places(grid([]), np.array([1.0])) == [""]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (8.0, "8 bars"),
        (1.02, "1 bar"),
        (7.9, "8 bars"),
        (7.5, "7.5 bars"),
        (4.2, "4 bars"),
        (0.1, ""),
        (-1, ""),
    ],
)
def test_numbers_of_bars_are_written_as_people_say_them(count: float, text: str) -> None:
    assert write_bars(count) == text
