"""Spectrograms of stems made from the mix: which sound goes where, and exact medians."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from allin1_mlx.demix.spectral import load_shares, part, spectral_stems
from allin1_mlx.network.backend import mx
from allin1_mlx_training.shares import fit_shares

BASS, DRUMS, OTHER, VOCALS = range(4)


def split(mix: np.ndarray) -> np.ndarray:
    return np.array(spectral_stems(mx.array(mix.astype(np.float32))))


def running_median(m: np.ndarray, size: int, axis: int) -> np.ndarray:
    widths = [(size // 2, size // 2) if i == axis else (0, 0) for i in range(2)]
    windows = sliding_window_view(np.pad(m, widths, mode="symmetric"), size, axis=axis)
    return np.median(windows, axis=-1)


def by_definition(m: np.ndarray) -> np.ndarray:
    """Median masks divide the mix; each stem has its shares of both parts."""
    harmonic, percussive = running_median(m, 31, 0), running_median(m, 15, 1)
    g = percussive**2 / (percussive**2 + harmonic**2 + 1e-10)
    shares = load_shares()
    return shares[0][:, None] * (m * g) + shares[1][:, None] * (m * (1 - g))


def test_masks_equal_their_definition():
    mix = np.random.default_rng(1).gamma(1.0, 1.0, (300, 81))
    np.testing.assert_allclose(split(mix), by_definition(mix), atol=1e-5)


def test_short_songs_are_mirrored_at_their_ends():
    for frames in (1, 2, 9, 20):
        mix = np.random.default_rng(frames).gamma(1.0, 1.0, (frames, 81))
        np.testing.assert_allclose(split(mix), by_definition(mix), atol=1e-5)


def test_a_hit_goes_to_the_drums_and_a_low_tone_to_the_bass():
    mix = np.zeros((200, 81))
    mix[100] = 5.0
    mix[:, 2] = 3.0
    stems = split(mix)
    assert stems[:, 100, 40].argmax() == DRUMS
    assert stems[:, 50, 2].argmax() == BASS


def test_shares_are_fitted_back_from_stems_that_were_made_with_them():
    rng = np.random.default_rng(5)
    percussive, harmonic = rng.gamma(1, 1, (2, 400, 81)).astype(np.float32)
    truth = np.full((2, 4, 81), [[[0.2], [1.0], [0.4], [0.0]], [[0.7], [0.0], [0.5], [0.3]]])
    stems = truth[0][:, None] * percussive + truth[1][:, None] * harmonic
    fitted = fit_shares(percussive, harmonic, stems.astype(np.float32))
    np.testing.assert_allclose(fitted, truth, atol=0.02)


def test_both_parts_sum_to_the_mix():
    mix = np.random.default_rng(6).gamma(1.0, 1.0, (90, 81)).astype(np.float32)
    percussive, harmonic = part(mx.array(mix))
    np.testing.assert_allclose(np.array(percussive + harmonic), mix, rtol=1e-5)


def test_silence_stays_silent():
    assert not split(np.zeros((50, 81))).any()
