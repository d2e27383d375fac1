"""The rows of the timeline do not overlap, and show tempos and times as musicians read them."""

from itertools import pairwise

import numpy as np
import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pictures.palette import LIGHT
from allin1_mlx.display.pictures.rows import HEIGHTS, lay_out, place_rows, trace_tempo


def beating(beats: tuple[float, ...]) -> Analysis:
    return Analysis("", 120, beats, beats, (1,) * len(beats), ())


def test_a_steady_tempo_is_the_same_everywhere() -> None:
    _, tempo = trace_tempo(beating(tuple((0.5 * np.arange(30)).tolist())))
    assert tempo.tolist() == pytest.approx([120.0] * 30)


def test_tempo_follows_a_ritardando() -> None:
    beats = tuple(np.cumsum(60 / np.linspace(140, 70, 80)).tolist())
    _, tempo = trace_tempo(beating(beats))
    assert tempo[0] > 130
    assert tempo[-1] < 80
    assert (np.diff(tempo) < 0).all()


def test_below_two_beats_there_is_no_tempo() -> None:
    assert trace_tempo(beating((1.0,)))[1].size == 0


def test_tempos_are_marked_within_their_row() -> None:
    for period in (0.25, 0.5, 1.3):
        layout = lay_out(beating(tuple((period * np.arange(30)).tolist())), 60.0, LIGHT)
        low, high = layout["yaxis3"]["range"]
        marks = layout["yaxis3"]["tickvals"]
        assert 1 <= len(marks) <= 4
        assert all(low < mark < high for mark in marks)


def test_rows_do_not_overlap() -> None:
    for room in HEIGHTS:
        for activations in (False, True):
            rows, height = place_rows(room, activations=activations)
            edges = list(rows.values())
            assert all(one[1] <= other[0] for one, other in pairwise(edges))
            assert edges[-1][1] <= height
