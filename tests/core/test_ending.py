"""Endings that slow down."""

import numpy as np
import pytest

from allin1_mlx.decoding.beats import Beats
from allin1_mlx.decoding.ending import follow_ending
from allin1_mlx.decoding.meters import find_beats
from allin1_mlx.types import Activations


def song(times, *, heights=0.8):
    """The network's probabilities for beats in bars of four."""
    frames = np.rint(np.asarray(times) * 100).astype(int)
    beat = np.full(frames[-1] + 100, 0.01, np.float32)
    beat[frames] = heights
    downbeat = beat * 0.02
    downbeat[frames[::4]] = beat[frames[::4]] * 0.9
    return Activations(beat, downbeat, np.zeros(len(beat)), np.zeros((10, len(beat))))


def find(found):
    return find_beats(found, threshold=0.05, steady=True)


@pytest.mark.parametrize("slower", [1.25, 1.5])
def test_beats_follow_an_ending_that_slows_down(slower):
    gaps = np.concatenate([np.full(120, 0.5), 0.5 * np.linspace(1, slower, 17)[1:]])
    times = 0.5 + np.concatenate([[0], np.cumsum(gaps)])
    beats = find(song(times))
    np.testing.assert_allclose(beats.times, times, rtol=0, atol=0.011)
    np.testing.assert_array_equal(beats.positions, np.arange(len(times)) % 4 + 1)


def steady(count):
    return Beats(0.5 + np.arange(count) * 0.5, np.arange(count) % 4 + 1)


def test_an_ending_that_fades_out_keeps_its_tempo():
    beats = steady(137)
    heights = np.append(np.full(117, 0.8), np.linspace(0.8, 0.06, 20))
    assert follow_ending(beats, song(beats.times, heights=heights), threshold=0.05) is beats


def test_an_ending_in_which_only_every_other_beat_is_played_keeps_its_tempo():
    beats = steady(141)
    found = song(np.append(beats.times[:121], beats.times[122::2]))
    assert follow_ending(beats, found, threshold=0.05) is beats


def test_an_ending_of_random_peaks_keeps_its_tempo():
    beats = steady(141)
    rng = np.random.default_rng(0)
    found = song(
        np.append(beats.times[:121], beats.times[121] + np.cumsum(rng.uniform(0.2, 0.8, 20)))
    )
    assert follow_ending(beats, found, threshold=0.05) is beats


def test_short_songs_are_left_as_they_are():
    beats = steady(30)
    assert follow_ending(beats, song(beats.times + 0.2), threshold=0.05) is beats
