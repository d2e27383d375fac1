"""Boundaries and labels, compared with published results and with the definition."""

import json
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from allin1_mlx.decoding.section_peaks import (
    CONTEXT,
    PEAK,
    pick_boundaries,
    pick_sections,
    sliding_maximum,
)
from allin1_mlx.types import LABELS, Segment


def boundaries_by_definition(section):
    """The definition, frame by frame: maxima of windows and direct means, in double precision."""
    values = section.astype(np.float64)
    around = np.pad(values, PEAK, constant_values=-np.inf)
    peaks = np.where(values == sliding_window_view(around, 2 * PEAK + 1).max(axis=1), values, 0)
    around = np.pad(peaks, CONTEXT)
    found = []
    for frame, peak in enumerate(peaks):
        window = around[frame : frame + 2 * CONTEXT + 1]
        mean = (window[:CONTEXT].mean() + window[CONTEXT + 1 :].mean()) / 2
        if peak > 0 and peak == window.max() and peak - mean > 0:
            found.append(frame)
    return found


def peaks_at(frames, *, length, strength=0.8):
    section = np.zeros(length, np.float32)
    section[frames] = strength
    return section


def labelled(*runs):
    """(10, T) probabilities in which each (label, frames) is certain, one after the other."""
    function = np.full((len(LABELS), sum(n for _, n in runs)), 0.02, np.float32)
    start = 0
    for label, n in runs:
        function[LABELS.index(label), start : start + n] = 0.82
        start += n
    return function


@pytest.mark.parametrize(
    "case",
    ["potassium-fold0", "potassium-all", "francium-fold0", "francium-all", "lithium-fold0"],
)
def test_the_published_sections_are_found(shared, case):
    golden = shared / "golden"
    expected = json.loads((golden / "segments.json").read_text())[case]
    song, kind = case.split("-")
    with np.load(golden / song / "reference.npz") as vectors:
        folds = range(1 if kind == "fold0" else 8)
        logits = np.mean([vectors[f"logits_fold{i}"] for i in folds], axis=0)
    exponents = np.exp(logits[3:])
    found = pick_sections(1 / (1 + np.exp(-logits[2])), exponents / exponents.sum(axis=0))
    assert found == tuple(Segment(*segment) for segment in expected)
    strict = pick_sections(
        1 / (1 + np.exp(-logits[2])), exponents / exponents.sum(axis=0), strict_ends=True
    )
    assert strict == found


@pytest.mark.parametrize("seed", range(12))
def test_boundaries_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    section = rng.random(int(rng.integers(1, 9000))) ** rng.choice([1, 4, 20])
    if seed % 2:
        section = section.astype(np.float32)
    found = pick_boundaries(section)
    assert found.tolist() == boundaries_by_definition(section)


@pytest.mark.parametrize("reach", [0, 1, 2, 5, 48])
@pytest.mark.parametrize("length", [1, 2, 5, 96, 97, 98, 500])
def test_sliding_maximum_is_the_maximum_of_each_window(reach, length):
    values = np.random.default_rng(length).normal(size=length).astype(np.float32)
    around = np.pad(values, reach, constant_values=-np.inf)
    expected = sliding_window_view(around, 2 * reach + 1).max(axis=1)
    np.testing.assert_array_equal(sliding_maximum(values, reach), expected)


def test_a_song_is_cut_at_its_peaks_and_each_part_named():
    section = peaks_at([1500, 4000], length=6000)
    function = labelled(("intro", 1500), ("verse", 2500), ("chorus", 2000))
    assert pick_sections(section, function) == (
        Segment(0.0, 15.0, "intro"),
        Segment(15.0, 40.0, "verse"),
        Segment(40.0, 60.0, "chorus"),
    )


def test_with_strict_ends_a_song_has_one_start_and_one_end():
    section = peaks_at([1500, 3000, 4500], length=6000)
    function = labelled(("end", 1500), ("start", 1500), ("end", 1500), ("start", 1500))
    function[LABELS.index("verse"), :4500] = 0.1
    function[LABELS.index("end"), 4500:] = 0.1
    labels = [s.label for s in pick_sections(section, function, strict_ends=True)]
    assert labels == ["verse", "verse", "verse", "end"]
    plain = [s.label for s in pick_sections(section, function)]
    assert plain == ["end", "start", "end", "start"]  # as in the reference


def test_with_strict_ends_true_starts_and_ends_stay():
    section = peaks_at([1500, 4000], length=6000)
    function = labelled(("start", 1500), ("verse", 2500), ("end", 2000))
    found = pick_sections(section, function, strict_ends=True)
    assert found == pick_sections(section, function)
    assert [s.label for s in found] == ["start", "verse", "end"]
    whole = labelled(("end", 700))
    (only,) = pick_sections(np.zeros(700, np.float32), whole, strict_ends=True)
    assert only.label == "end"


def test_a_peak_next_to_a_greater_one_is_no_boundary():
    section = peaks_at([2000, 2000 + CONTEXT], length=6000)
    section[2000] = 0.9
    assert pick_boundaries(section).tolist() == [2000]
    section = peaks_at([2000, 2001 + CONTEXT], length=6000)
    assert pick_boundaries(section).tolist() == [2000, 2001 + CONTEXT]


def test_a_song_without_boundaries_is_one_section():
    function = labelled(("verse", 700))
    assert pick_sections(np.zeros(700, np.float32), function) == (Segment(0.0, 7.0, "verse"),)


def test_a_song_of_no_frames_has_no_sections():
    assert pick_sections(np.zeros(0, np.float32), np.zeros((10, 0), np.float32)) == ()


def test_one_frame_is_one_section():
    found = pick_sections(np.ones(1, np.float32), labelled(("solo", 1)))
    assert found == (Segment(0.0, 0.01, "solo"),)


def test_a_boundary_in_frame_0_cuts_nothing():
    found = pick_sections(peaks_at([0], length=900), labelled(("intro", 900)))
    assert found == (Segment(0.0, 9.0, "intro"),)


def test_a_boundary_in_the_last_frame_leaves_one_frame():
    found = pick_sections(peaks_at([899], length=900), labelled(("intro", 899), ("end", 1)))
    assert found == (Segment(0.0, 8.99, "intro"), Segment(8.99, 9.0, "end"))


def test_the_most_probable_label_wins_by_any_margin():
    function = np.full((10, 100_000), 0.1)
    function[LABELS.index("chorus"), 70_000] += 1e-9
    (segment,) = pick_sections(np.zeros(100_000), function)
    assert segment.label == "chorus"


def test_equal_peaks_within_one_context_are_one_boundary():
    section = peaks_at([2000, 2001, 2100, 2000 + CONTEXT], length=8000)
    assert pick_boundaries(section).tolist() == [2000]


@pytest.mark.parametrize("value", [1e-6, 0.1, 1 / 3, 1.0])
def test_a_constant_probability_has_no_boundary_inside(value):
    section = np.full(10_000, value, np.float32)
    inside = [f for f in pick_boundaries(section) if CONTEXT <= f < len(section) - CONTEXT]
    assert inside == []


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_nan_in_some_frames_gives_a_valid_result(odd):
    section = peaks_at([1500, 4000], length=6000)
    function = labelled(("intro", 1500), ("verse", 2500), ("chorus", 2000))
    section[3000:3010] = odd
    function[:, 3000:3010] = odd
    found = pick_sections(section, function)
    assert found[0].start == 0
    assert found[-1].end == 60
    assert all(a.end == b.start for a, b in pairwise(found))


@pytest.mark.parametrize("seed", range(5))
def test_sections_leave_no_gap(seed):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(1, 20_000))
    found = pick_sections(rng.random(T), rng.random((10, T)))
    edges = [segment.start for segment in found] + [found[-1].end]
    assert edges[0] == 0
    assert edges[-1] == T / 100
    assert (np.diff(edges) > 0).all()
    assert edges == [round(edge, 2) for edge in edges]


def test_an_hour_takes_little_memory():
    rng = np.random.default_rng(0)
    section, function = rng.random(360_000, np.float32), rng.random((10, 360_000), np.float32)
    assert len(pick_sections(section, function)) > 100
    tracemalloc.start()
    pick_sections(section, function)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


@pytest.mark.parametrize("shapes", [((5,), (10, 6)), ((5,), (9, 5)), ((5, 1), (10, 5, 1))])
def test_arrays_of_wrong_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="segment must be"):
        pick_sections(*(np.zeros(shape) for shape in shapes))
