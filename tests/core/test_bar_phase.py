"""The first beat of the bar, by where the music changes."""

import numpy as np
import pytest

from allin1_mlx.decoding.bar_phase import align_bars, block_edges, constant_meter, phase_changes
from allin1_mlx.decoding.beats import Beats
from allin1_mlx.types import FPS

BEAT = 50  # frames


def a_song(form="AABBAACC", *, meter=4, bars=8, seed=0):
    """Spectrum (T, 81) and times of beats; each letter is a bar of its own, played `bars` times."""
    rng = np.random.default_rng(seed)
    bar = meter * BEAT
    parts = {}
    for name in sorted(set(form)):
        pattern = np.repeat(rng.uniform(0, 1, (bar // 10, 81)), 10, axis=0)
        parts[name] = np.tile(pattern + rng.uniform(0, 2, 81), (bars, 1))
    music = np.concatenate([parts[name] for name in form])
    music = np.maximum(music + rng.normal(0, 0.05, music.shape), 0).astype(np.float32)
    return music, np.arange(len(music) // BEAT) * BEAT / FPS


def counted(times, *, meter, late):
    """The beats, with bars that begin `late` beats after the true ones."""
    return Beats(times, (np.arange(len(times)) - late) % meter + 1)


def heard(beats, T, *, strength, every=0.1):
    """A downbeat probability (T,) that agrees with the beats' positions."""
    downbeat = np.zeros(T, np.float32)
    frames = np.round(beats.times * FPS).astype(int)
    downbeat[frames] = np.where(beats.positions == 1, strength, every)
    return downbeat


@pytest.mark.parametrize(("meter", "late"), [(4, 1), (4, 2), (4, 3), (3, 1), (3, 2), (5, 2)])
def test_bars_begin_where_the_music_changes_if_the_network_is_not_sure(meter, late):
    mix, times = a_song(meter=meter)
    wrong = counted(times, meter=meter, late=late)
    found = align_bars(wrong, mix, heard(wrong, len(mix), strength=0.12))
    assert np.array_equal(found.positions, counted(times, meter=meter, late=0).positions)
    assert np.array_equal(found.times, times)


def test_bars_that_agree_with_the_music_are_not_changed():
    mix, times = a_song()
    right = counted(times, meter=4, late=0)
    assert align_bars(right, mix, heard(right, len(mix), strength=0.12)) is right


@pytest.mark.parametrize("seed", range(5))
def test_a_certain_network_decides_where_the_music_does_not_change(seed):
    rng = np.random.default_rng(seed)
    times = np.arange(200) * BEAT / FPS
    mix = rng.uniform(0, 1, (200 * BEAT, 81)).astype(np.float32)
    beats = counted(times, meter=4, late=1)
    assert align_bars(beats, mix, heard(beats, len(mix), strength=0.95, every=0.02)) is beats


def test_bars_of_different_lengths_are_not_changed():
    mix, times = a_song()
    positions = (np.arange(len(times)) - 2) % 4 + 1
    positions[100:] = (np.arange(len(times) - 100)) % 3 + 1
    beats = Beats(times, positions)
    assert constant_meter(beats) is None
    assert align_bars(beats, mix, heard(beats, len(mix), strength=0.12)) is beats


def test_short_songs_and_silence_are_not_changed():
    mix, times = a_song("AB", bars=4)
    short = counted(times, meter=4, late=1)
    assert align_bars(short, mix, heard(short, len(mix), strength=0.12)) is short
    mix, times = a_song()
    silent = counted(times, meter=4, late=1)
    assert align_bars(silent, mix * 0, heard(silent, len(mix), strength=0.12)) is silent
    none = Beats(np.zeros(0), np.zeros(0, np.int64))
    assert align_bars(none, mix, np.zeros(len(mix), np.float32)) is none


def test_the_meter_is_that_of_all_bars():
    times = np.arange(12.0)
    assert constant_meter(Beats(times, np.arange(12) % 4 + 1)) == 4
    assert constant_meter(Beats(times, (np.arange(12) + 2) % 3 + 1)) == 3
    assert constant_meter(Beats(times, np.arange(12) % 2 + 1)) is None


def test_shares_of_changes_are_between_0_and_1():
    mix, times = a_song()
    shares = phase_changes(times, mix, 4)
    assert shares.shape == (4,)
    assert shares.sum() == pytest.approx(1)
    assert shares.argmax() == 0


def test_blocks_change_between_two_sounds():
    sound = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)
    edges = block_edges(sound, 8)
    assert edges.argmax() == 20
    assert edges[20] == pytest.approx(2)
