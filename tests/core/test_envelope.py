"""The envelope: what it shows is what is there."""

import numpy as np

from allin1_mlx.display.pictures.envelope import pool
from allin1_mlx.types import FPS, HOP, SAMPLE_RATE

from ..support.small import measure_envelope


def test_the_highest_peak_is_255_wherever_it_is() -> None:
    samples = np.zeros((2, 3 * SAMPLE_RATE), np.float32)
    samples[1, SAMPLE_RATE] = -0.25
    envelope = measure_envelope(samples)
    assert envelope.peak[FPS] == 255
    assert np.flatnonzero(envelope.peak).tolist() == [FPS]


def test_rms_of_a_square_wave_is_its_peak() -> None:
    samples = np.where(np.arange(SAMPLE_RATE) % 100 < 50, 0.5, -0.5).astype(np.float32)
    envelope = measure_envelope(np.stack([samples, samples]))
    assert (envelope.rms == 255).all()


def test_a_long_song_is_measured_as_a_short_one() -> None:
    rng = np.random.default_rng(0)
    samples = rng.uniform(-1, 1, (2, 61 * SAMPLE_RATE + 17)).astype(np.float32)
    samples[:, 0] = 1
    last = samples[:, 6100 * HOP :]
    envelope = measure_envelope(samples)
    assert len(envelope.peak) == 6101
    assert envelope.peak[-1] == np.rint(np.abs(last).max() * 255)
    short = measure_envelope(samples[:, : 30 * SAMPLE_RATE])
    assert (envelope.peak[:3000] == short.peak).all()


def test_silence_and_an_empty_song_are_flat() -> None:
    assert not measure_envelope(np.zeros((2, 1000), np.float32)).peak.any()
    assert measure_envelope(np.zeros((2, 0), np.float32)).peak.shape == (0,)


def test_pooling_keeps_every_peak() -> None:
    values = np.zeros(10_001, np.uint8)
    values[[3, 5000, 10_000]] = 9
    pooled = pool(values, 1000)
    assert len(pooled) <= 1000
    assert (pooled == 9).sum() == 3
    assert pool(values[:5], 1000).tolist() == values[:5].tolist()
