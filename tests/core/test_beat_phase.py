"""Passages half a beat off: in music of one tempo, the beats keep one phase."""

import numpy as np
import pytest

from allin1_mlx.decoding.beat_phase import find_slips, unify_phase
from allin1_mlx.decoding.beats import Beats
from allin1_mlx.decoding.steady import find_passages

PERIOD = 0.5
LOW = 0.01


def probabilities(beats, *, beat=0.9, offbeat=0.3):
    """(T,) for a song of constant tempo: beat n at (n + 1) * PERIOD, offbeats between them."""
    likely = np.full(round((beats + 2) * PERIOD * 100), LOW)
    for n in range(beats):
        likely[round((n + 1) * PERIOD * 100)] = beat
        likely[round((n + 1.5) * PERIOD * 100)] = offbeat
    return likely


def decoded(beats, *, off):
    """The beats of that song in bars of four, of which the indices `off` lie half a beat late."""
    numbers = np.arange(beats).astype(float)
    numbers[off] += 0.5
    return Beats((numbers + 1) * PERIOD, np.arange(beats) % 4 + 1)


def unify(beats, likely):
    return unify_phase(beats, find_passages(beats.times), likely)


@pytest.mark.parametrize("off", [slice(0, 60), slice(120, 200), slice(60, 120)])
def test_a_part_half_a_beat_off_moves_to_the_phase_of_the_song(off):
    found = unify(decoded(200, off=off), probabilities(200))
    numbers = np.rint(found.times / PERIOD).astype(int) - 1
    np.testing.assert_allclose(found.times, (numbers + 1) * PERIOD, rtol=0, atol=1e-9)
    assert np.all(np.diff(numbers) == 1)
    assert set(range(1, 199)) <= set(numbers)
    np.testing.assert_array_equal(found.positions, numbers % 4 + 1)


def test_the_more_probable_phase_wins_even_if_it_is_shorter():
    likely = probabilities(200)
    early = slice(0, round(121.2 * PERIOD * 100))
    likely[early] = np.where(likely[early] > 0.5, 0.45, likely[early])
    found = unify(decoded(200, off=slice(0, 120)), likely)
    np.testing.assert_allclose(found.times % PERIOD, 0, rtol=0, atol=1e-9)


def test_a_song_without_jumps_is_returned_as_it_is():
    beats = decoded(200, off=slice(0, 0))
    assert unify(beats, probabilities(200)) is beats


def test_a_new_take_half_a_beat_later_is_no_mistake():
    beats = decoded(200, off=slice(100, 200))
    likely = np.full(round(202 * PERIOD * 100), LOW)
    likely[np.rint(beats.times * 100).astype(int)] = 0.9
    assert unify(beats, likely) is beats


def test_phases_that_are_equally_probable_stay():
    beats = decoded(200, off=slice(100, 200))
    likely = probabilities(200)
    likely[np.rint(beats.times * 100).astype(int)] = 0.9
    late = np.rint(beats.times[100:] * 100 + PERIOD * 50).astype(int)
    likely[late] = 0.3
    assert unify(beats, likely) is beats


def test_the_tempo_may_change_after_a_part_half_a_beat_off():
    beats = decoded(160, off=slice(0, 60))
    faster = beats.times[-1] + np.arange(1, 81) * 0.4
    beats = Beats(np.append(beats.times, faster), np.arange(240) % 4 + 1)
    likely = np.pad(probabilities(160), (0, 3200), constant_values=LOW)
    likely[round(160.5 * PERIOD * 100)] = LOW
    likely[np.rint(faster * 100).astype(int)] = 0.9
    found = unify(beats, likely)
    np.testing.assert_allclose(found.times[-80:], faster)
    slow = found.times[:-80]
    np.testing.assert_allclose(np.rint(slow / PERIOD) * PERIOD, slow, rtol=0, atol=1e-9)


def drifting(beats, *, off):
    """The same for a song whose tempo drifts by 4 %, so that it has no constant passage."""
    periods = PERIOD * (1 + 0.02 * np.sin(np.arange(2 * beats) / 90))
    halves = PERIOD + np.cumsum(periods / 2)
    true, between = halves[::2], halves[1::2]
    likely = np.full(round(halves[-1] * 100) + 100, LOW)
    likely[np.rint(between * 100).astype(int)] = 0.3
    likely[np.rint(true * 100).astype(int)] = 0.9
    times = true.copy()
    times[off] = between[off]
    return true, Beats(times, np.arange(beats) % 4 + 1), likely


@pytest.mark.parametrize("off", [slice(0, 60), slice(120, 200), slice(60, 120)])
def test_a_part_half_a_beat_off_is_found_in_a_song_that_drifts(off):
    true, beats, likely = drifting(200, off=off)
    found = unify_phase(beats, (), likely)
    nearest = np.abs(found.times[:, None] - true).argmin(axis=1)
    np.testing.assert_allclose(found.times, true[nearest], rtol=0, atol=0.005)
    assert np.all(np.diff(nearest) == 1)
    assert len(found.times) >= 199
    np.testing.assert_array_equal(found.positions, nearest % 4 + 1)


def test_a_song_that_drifts_has_no_slips():
    _, beats, likely = drifting(400, off=slice(0, 0))
    assert find_slips(beats.times, (), likely) == []


@pytest.mark.parametrize("count", [0, 1, 2, 30, 60])
def test_few_beats_have_no_slips(count):
    _, beats, likely = drifting(max(count, 1), off=slice(0, 0))
    assert find_slips(beats.times[:count], (), likely) == []
