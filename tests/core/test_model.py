"""The network, compared with reference outputs of the published checkpoints, and its properties."""

import numpy as np
import pytest

from allin1_mlx.checkpoint import read_arrays, read_config
from allin1_mlx.errors import CheckpointError
from allin1_mlx.network.backend import mx
from allin1_mlx.network.loading import Network, load_arrays, load_network, to_published
from allin1_mlx.network.model import AllInOne, Config
from allin1_mlx.network.predict import READ_OUT, Prediction, activations, predict, predict_group
from allin1_mlx.types import LABELS, TEMPO_FRAMES
from allin1_mlx.weights import Access, find_model

SMALL = Config(dim=8, depth=3)


def published(shared, fold: int) -> AllInOne:
    return load_network(find_model(f"harmonix-fold{fold}", Access(shared / "weights"))).folds[0]


def random_model(config: Config, seed: int = 1) -> AllInOne:
    mx.random.seed(seed)
    return AllInOne(config)


def random_spectrogram(config: Config, frames: int) -> mx.array:
    values = np.random.default_rng(frames).gamma(1, 0.2, (1, config.stems, frames, config.bands))
    return mx.array(values.astype(np.float32))


@pytest.mark.parametrize(
    ("song", "fold"),
    [*(("francium", i) for i in range(8)), *(("potassium", i) for i in range(8)), ("lithium", 0)],
)
def test_logits_equal_the_reference(shared, song, fold):
    reference = np.load(shared / "golden" / song / "reference.npz")
    x = mx.array(reference["spectrogram"])[None]
    found = np.array(published(shared, fold)(x))[0]
    assert np.abs(found - reference[f"logits_fold{fold}"]).max() <= 1e-4


@pytest.mark.parametrize("song", ["francium", "potassium"])
def test_embeddings_equal_the_reference(shared, song):
    reference = np.load(shared / "golden" / song / "reference.npz")
    network = load_network(find_model("harmonix-fold0", Access(shared / "weights")))
    x = mx.array(reference["spectrogram"])
    found = predict(x, network, embeddings=True).embeddings
    assert found.shape == reference["embeddings_fold0"].shape
    assert np.abs(found - reference["embeddings_fold0"]).max() <= 2e-3


def test_an_ensemble_is_the_mean_of_its_folds_logits():
    folds = tuple(random_model(SMALL, seed) for seed in (1, 2, 3))
    x = random_spectrogram(SMALL, 120)
    together = predict(x[0], Network("three", folds), embeddings=True)
    alone = [np.array(fold(x))[0] for fold in folds]
    np.testing.assert_allclose(together.logits, np.mean(alone, axis=0), atol=1e-6)
    assert together.embeddings.shape == (4, 120, 8, 3)
    np.testing.assert_allclose(
        together.embeddings[..., 1], np.array(folds[1].embed(x))[0], atol=1e-6
    )


@pytest.mark.parametrize("frames", [1, 39, 80, 300, 2500])
def test_training_computes_the_same_as_prediction(frames):
    model, x = random_model(SMALL), random_spectrogram(SMALL, frames)
    whole, cut = np.array(model(x)), np.array(model.eval()(x))
    np.testing.assert_allclose(whole, cut, atol=1e-5)


@pytest.mark.parametrize("frames", [30, 3000])
@pytest.mark.parametrize(
    "config", [SMALL, Config(stems=1, dim=8, depth=3, step=2, instrument_attention=False)]
)
def test_folds_as_one_network_give_what_they_give_one_after_the_other(config, frames):
    folds = tuple(random_model(config, seed).eval() for seed in (1, 2, 3))
    songs = [random_spectrogram(config, frames)[0] * loud for loud in (1, 2)]
    apart = predict_group(songs, Network("three", folds), embeddings=True)
    together = predict_group(songs, Network("three", folds, together=True), embeddings=True)
    for one, other in zip(apart, together, strict=True):
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-5)
        np.testing.assert_allclose(one.embeddings, other.embeddings, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 4, 5, 20, 39, 40, 41, 300])
@pytest.mark.parametrize("step", [1, 2])
def test_every_length_has_a_logit_for_every_frame(frames, step):
    config = Config(dim=8, depth=3, step=step)
    found = np.array(random_model(config)(random_spectrogram(config, frames)))
    assert found.shape == (1, 3 + len(LABELS), frames)
    assert np.isfinite(found).all()


def test_songs_of_one_batch_do_not_influence_each_other():
    model = random_model(SMALL)
    first, second = random_spectrogram(SMALL, 90), random_spectrogram(SMALL, 90) * 2
    both = np.array(model(mx.concatenate([first, second])))
    np.testing.assert_allclose(both[:1], np.array(model(first)), atol=1e-6)
    np.testing.assert_allclose(both[1:], np.array(model(second)), atol=1e-6)


def test_a_network_for_the_mix_needs_no_instrument_layers():
    config = Config(stems=1, dim=8, depth=2, step=2, instrument_attention=False)
    model = random_model(config)
    assert not any("instrument" in name for name in to_published(model))
    assert model(random_spectrogram(config, 33)).shape == (1, 13, 33)


def test_a_short_song_equals_the_same_song_before_silence():
    config = Config(stems=1, dim=8, depth=3, shortest=200, instrument_attention=False)
    model = random_model(config)
    song = random_spectrogram(config, 120)
    padded = mx.pad(song, [(0, 0), (0, 0), (0, 80), (0, 0)])
    np.testing.assert_allclose(np.array(model(song)), np.array(model(padded))[..., :120], atol=1e-6)


@pytest.mark.parametrize("step", [1, 2])
def test_a_network_is_the_same_after_saving_and_loading(tmp_path, step):
    config = Config(dim=8, depth=2, step=step)
    model, other = random_model(config, 1), random_model(config, 2)
    mx.save_safetensors(str(tmp_path / "model.safetensors"), to_published(model))
    load_arrays(other, read_arrays(tmp_path / "model.safetensors"), name="model.safetensors")
    x = random_spectrogram(config, 50)
    assert np.array_equal(np.array(model(x)), np.array(other(x)))


def test_a_configuration_is_the_same_after_conversion_to_a_dictionary():
    config = Config(stems=1, dim=16, step=2, shortest=1024, threshold=0.1)
    assert Config.from_dict(config.to_dict()) == config


def test_published_configurations_are_understood(shared):
    values = read_config(shared / "weights" / "harmonix-fold0_mlx.yaml")
    assert Config.from_dict(values) == Config(threshold=0.22)


def test_a_checkpoint_of_another_network_is_refused():
    arrays = {name: np.array(a) for name, a in to_published(random_model(SMALL)).items()}
    with pytest.raises(CheckpointError, match=r"other\.npz.*shape"):
        load_arrays(random_model(Config(dim=16, depth=3)), arrays, name="other.npz")


def test_progress_is_reported_after_every_block_and_can_stop_the_computation():
    network = Network("two", (random_model(SMALL, 1), random_model(SMALL, 2)))
    x = random_spectrogram(SMALL, 60)[0]
    reported: list[float] = []
    predict(x, network, on_progress=reported.append)
    np.testing.assert_allclose(reported, np.arange(1, 7) / 6)

    def stop(fraction: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        predict(x, network, on_progress=stop)


def test_classifying_in_chunks_equals_classifying_the_whole_song():
    config = Config(1, dim=8, depth=1, instrument_attention=False, voice=True, tempo_classes=9)
    model = random_model(config)
    x = random_spectrogram(config, READ_OUT + 130)
    found = predict(x[0], Network("one", (model,)))
    whole = Prediction.of(np.array(model(x)[0]))
    assert found.logits.shape == (14, READ_OUT + 130)
    assert found.tempo.shape == (9, -(-(READ_OUT + 130) // TEMPO_FRAMES))
    np.testing.assert_allclose(found.logits, whole.logits, atol=1e-5)
    np.testing.assert_allclose(found.tempo, whole.tempo, atol=1e-5)


def test_activations_are_probabilities_even_of_extreme_logits():
    logits = np.random.default_rng(1).normal(0, 200, (13, 500)).astype(np.float32)
    found = activations(Prediction(logits))
    np.testing.assert_allclose(found.label.sum(axis=0), 1, atol=1e-5)
    for values in (found.beat, found.downbeat, found.segment, found.label):
        assert values.dtype == np.float32
        assert (values >= 0).all()
        assert (values <= 1).all()
