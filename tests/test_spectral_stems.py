"""Stems' spectrograms from the mix's own: what goes where, and that the medians are medians."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from allin1_mlx.backend import mx
from allin1_mlx.demix.spectral import spectral_stems
from allin1_mlx.filterbank import band_frequencies

BASS, DRUMS, OTHER, VOCALS = range(4)


def split(mix: np.ndarray) -> np.ndarray:
    return np.array(spectral_stems(mx.array(mix.astype(np.float32))))


def running_median(m: np.ndarray, size: int, axis: int) -> np.ndarray:
    widths = [(size // 2, size // 2) if i == axis else (0, 0) for i in range(2)]
    windows = sliding_window_view(np.pad(m, widths, mode="symmetric"), size, axis=axis)
    return np.median(windows, axis=-1)


def by_definition(m: np.ndarray) -> np.ndarray:
    """REFERENCE: median masks, then shares of the harmonic part by frequency."""
    harmonic, percussive = running_median(m, 31, 0), running_median(m, 15, 1)
    g = percussive**2 / (percussive**2 + harmonic**2 + 1e-10)
    f = band_frequencies()
    low, mid = 1 / (1 + (f / 180) ** 4), ((f > 200) & (f < 5000)).astype(float)
    h = m * (1 - g)
    rest = h * (1 - low)
    return np.stack([h * low, m * g, rest * (1 - 0.3 * mid), rest * mid * 0.7])


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
    assert stems[DRUMS, 100, 40] > 4.9
    assert stems[:, 50, 2].argmax() == BASS


def test_silence_stays_silent():
    assert not split(np.zeros((50, 81))).any()
