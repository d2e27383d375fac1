"""Features that are extracted while a song is decoded equal those of its whole sound."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from allin1_mlx.audio import load_audio, stream_audio
from allin1_mlx.decoding.onsets import measure_onsets
from allin1_mlx.demix.features import FeatureOptions, extract_features
from allin1_mlx.demix.spectral import spectral_stems
from allin1_mlx.errors import Cancelled
from allin1_mlx.log_spectrogram import logarithm, magnitudes, spectrogram
from allin1_mlx.types import SAMPLE_RATE

from ..support.small import measure_envelope


def write(path: Path, *, seconds: float, channels: int = 2, scale: float = 0.3, **options) -> Path:
    rng = np.random.default_rng(1)
    frames = round(seconds * SAMPLE_RATE)
    loudness = np.abs(np.sin(np.arange(frames) / 9000))[:, None] * scale
    samples = (rng.uniform(-1, 1, (frames, channels)) * loudness).astype(np.float32)
    soundfile.write(path, samples, SAMPLE_RATE, **options)
    return path


@pytest.mark.parametrize("seconds", [0.01, 1.0, 13.7])
@pytest.mark.parametrize(("suffix", "channels"), [("flac", 2), ("wav", 1), ("mp3", 2)])
def test_features_from_blocks_equal_those_of_the_whole_song(tmp_path, suffix, channels, seconds):
    song = write(tmp_path / f"song.{suffix}", seconds=seconds, channels=channels)
    features = extract_features(song, FeatureOptions(1, envelope=True, samples=True))
    audio = load_audio(song)
    mix = audio.samples.mean(axis=0, keepdims=True)
    np.testing.assert_array_equal(features.samples, audio.samples)
    np.testing.assert_allclose(features.spectrograms, np.array(spectrogram(mix)), atol=1e-6)
    np.testing.assert_array_equal(features.onsets.levels, measure_onsets([audio.samples]).levels)
    whole = measure_envelope(audio.samples)
    np.testing.assert_array_equal(features.envelope.peak, whole.peak)
    np.testing.assert_array_equal(features.envelope.low, whole.low)
    assert features.info.frames == audio.samples.shape[1]
    assert features.info.sha256 == audio.sha256


def test_four_spectrograms_are_those_of_spectral_stems(tmp_path):
    song = write(tmp_path / "song.flac", seconds=2.5)
    features = extract_features(song, FeatureOptions(4))
    mix = magnitudes(load_audio(song).samples.mean(axis=0, keepdims=True))[0]
    expected = np.array(logarithm(spectral_stems(mix)))
    np.testing.assert_allclose(features.spectrograms, expected, atol=1e-6)
    assert [stage.stage for stage in features.stages] == ["decode", "spectrogram"]


def test_features_that_are_not_requested_are_not_kept(tmp_path):
    features = extract_features(write(tmp_path / "song.wav", seconds=1), FeatureOptions(0))
    assert features.spectrograms is features.envelope is features.samples is None
    assert [stage.stage for stage in features.stages] == ["decode"]
    assert features.onsets.levels.any()


def test_integers_stored_as_floats_are_decoded_again_at_full_scale(tmp_path):
    song = write(tmp_path / "loud.wav", seconds=1, scale=30_000, subtype="FLOAT")
    passes = []

    def through(blocks, expected):
        passes.append(expected)
        return blocks

    features = extract_features(song, FeatureOptions(1, samples=True), through=through)
    assert len(passes) == 2
    assert np.abs(features.samples).max() == pytest.approx(1)
    np.testing.assert_array_equal(features.samples, load_audio(song).samples)
    assert "scaled down" in features.info.warnings[0]


def test_extraction_can_be_cancelled_in_the_middle_of_a_song(tmp_path):
    song = write(tmp_path / "song.flac", seconds=30)
    seen = []

    def leave(blocks, expected):
        for block in blocks:
            seen.append(len(block))
            raise Cancelled
            yield block

    with pytest.raises(Cancelled):
        extract_features(song, FeatureOptions(1), through=leave)
    assert sum(seen) < 10 * SAMPLE_RATE


def test_few_blocks_of_a_long_song_are_in_memory_at_once(tmp_path):
    song = write(tmp_path / "song.wav", seconds=60)
    import gc
    import weakref

    alive: list[weakref.ref] = []

    def count(blocks, hint):
        most = 0
        for block in blocks:
            alive.append(weakref.ref(block))
            gc.collect()
            most = max(most, sum(ref() is not None for ref in alive))
        return most, len(alive)

    (most, blocks), _ = stream_audio(song, count)
    assert blocks > 30
    assert most <= 4
