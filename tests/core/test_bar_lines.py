"""Sections are moved to bar lines, and only there."""

from itertools import pairwise

from allin1_mlx.decoding.section_peaks import snap_to_bars
from allin1_mlx.types import Segment

BARS = [1.0, 3.0, 5.0, 7.0, 9.0]


def cut(*edges):
    return tuple(Segment(a, b, f"part {a}") for a, b in pairwise(edges))


def edges(segments):
    return [segments[0].start, *(s.end for s in segments)]


def test_sections_begin_on_the_nearest_downbeat():
    assert edges(snap_to_bars(cut(0, 0.93, 5.3, 8.6, 12), BARS)) == [0, 1, 5, 9, 12]


def test_labels_stay():
    before = cut(0, 2.9, 12)
    assert [s.label for s in snap_to_bars(before, BARS)] == [s.label for s in before]


def test_a_boundary_far_from_all_bars_stays():
    assert edges(snap_to_bars(cut(0, 3.1, 11.0, 15), BARS)) == [0, 3, 11.0, 15]


def test_two_boundaries_at_one_downbeat_stay_two_sections():
    assert edges(snap_to_bars(cut(0, 4.9, 5.4, 12), BARS)) == [0, 5, 5.4, 12]


def test_the_ends_of_the_song_stay():
    assert edges(snap_to_bars(cut(0, 9.1), [0.2, 2.2, 9.0])) == [0, 9.1]


def test_a_song_without_bars_is_not_changed():
    assert snap_to_bars(cut(0, 4.9, 12), [3.0]) == cut(0, 4.9, 12)
    assert snap_to_bars((), BARS) == ()
