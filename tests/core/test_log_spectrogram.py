"""The log filterbank spectrogram, compared with the reference programs and its definition."""

import numpy as np
import pytest
import soundfile

from allin1_mlx.log_spectrogram import (
    BLOCK,
    FRAME,
    band_edges,
    band_frequencies,
    filterbank,
    frame_count,
    magnitudes,
    spectrogram,
)
from allin1_mlx.types import HOP, SAMPLE_RATE

STEMS = ("bass", "drums", "other", "vocals")


def tone(frequency: float, seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * frequency * t)).astype(np.float32)[None]


@pytest.mark.parametrize("song", ["potassium", "francium"])
@pytest.mark.parametrize("backend", ["mlx_fast", "mlx"])
def test_spectrogram_equals_the_reference_up_to_its_16_bit_rounding(shared, song, backend):
    folder = shared / "golden" / song
    stems = [soundfile.read(folder / f"{stem}.flac", always_2d=True)[0].mean(1) for stem in STEMS]
    found = np.array(spectrogram(np.stack(stems).astype(np.float32), backend=backend))
    difference = np.abs(found - np.load(folder / "reference.npz")["spectrogram"])
    assert difference.max() <= 5e-3
    assert difference.mean() <= 2e-4


def test_both_backends_agree():
    noise = np.random.default_rng(1).uniform(-1, 1, (2, 3 * SAMPLE_RATE)).astype(np.float32)
    fast = np.array(spectrogram(noise, backend="mlx_fast"))
    reference = np.array(spectrogram(noise, backend="mlx"))
    assert np.abs(fast - reference).max() <= 1e-4


def test_there_are_81_filters_of_sum_one_between_the_neighbouring_edges():
    filters, edges = filterbank(), band_edges()
    assert filters.shape == (1024, 81)
    np.testing.assert_allclose(filters.sum(axis=0), 1, atol=1e-6)
    for band in range(81):
        used = np.flatnonzero(filters[:, band])
        assert used.min() >= edges[band]
        assert used.max() < edges[band + 2]


def test_values_equal_a_direct_fourier_transform():
    signal = np.random.default_rng(2).uniform(-1, 1, (1, 10 * HOP)).astype(np.float32)
    frame = 4
    padded = np.pad(signal[0].astype(float), FRAME)
    at = FRAME + frame * HOP
    windowed = padded[at - FRAME // 2 : at + FRAME // 2] * np.hanning(FRAME)
    phase = np.outer(np.arange(1024), np.arange(FRAME)) * (-2j * np.pi / FRAME)
    expected = np.log10(1 + np.abs(np.exp(phase) @ windowed) @ filterbank())
    np.testing.assert_allclose(np.array(spectrogram(signal))[0, frame], expected, atol=1e-5)


def test_a_tone_is_loudest_in_the_band_of_its_pitch():
    found = np.array(spectrogram(tone(440, 1.0)))[0, 50]
    assert abs(band_frequencies()[found.argmax()] - 440) < 25


def test_a_click_appears_in_the_frame_centred_on_it():
    click = np.zeros((1, SAMPLE_RATE), np.float32)
    click[0, 30 * HOP] = 1
    assert np.array(magnitudes(click))[0].sum(axis=1).argmax() == 30


@pytest.mark.parametrize("samples", [0, 1, HOP, HOP + 1, BLOCK * HOP + 5])
def test_every_started_hop_has_a_frame(samples):
    frames = -(-samples // HOP)
    assert frame_count(samples) == frames
    assert spectrogram(np.zeros((2, samples), np.float32)).shape == (2, frames, 81)


def test_blocks_give_the_same_as_the_whole_signal():
    noise = np.random.default_rng(3).uniform(-1, 1, (1, (BLOCK + 20) * HOP)).astype(np.float32)
    whole = np.array(magnitudes(noise))[0]
    start = BLOCK - 10
    part = np.array(magnitudes(noise[:, start * HOP :]))[0]
    np.testing.assert_allclose(part[5:], whole[start + 5 :], atol=1e-4)
