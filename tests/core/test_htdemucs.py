"""The separator: equal to the authors' program, for any division into chunks."""

import json
import random
from fractions import Fraction

import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

from allin1_mlx.demix.htdemucs import HTDemucs
from allin1_mlx.demix.htdemucs.config import SOURCES, HTDemucsConfig
from allin1_mlx.demix.htdemucs.network import HTDemucsNetwork
from allin1_mlx.demix.htdemucs.segments import (
    DelayedMix,
    average_streams,
    segment_offsets,
    separate_segments,
)
from allin1_mlx.demix.htdemucs.separator import MAX_DELAY, STEMS
from allin1_mlx.demix.htdemucs.state import arrange, load_network, rename
from allin1_mlx.demix.htdemucs.transform import to_signals, to_spectrum
from allin1_mlx.demix.htdemucs.unet import Grow, JointNorm, Shrink
from allin1_mlx.errors import Cancelled, CheckpointError
from allin1_mlx.log_spectrogram import magnitudes, stream_magnitudes
from allin1_mlx.network.backend import mx

from ..support.torch_files import Global, write_torch

TO_OURS = [SOURCES.index(name) for name in STEMS]
SMALL = HTDemucsConfig(
    channels=8, depth=4, bottom=32, layers=3, heads=4, residual_decoder=True, segment=12_000
)
KWARGS = {
    "sources": list(SOURCES),
    "channels": 8,
    "bottom_channels": 32,
    "t_layers": 3,
    "t_heads": 4,
    "segment": Fraction(1, 2),
}


BOTTOMLESS = [[]]  # a few bytes in a file that refers to itself, and endless to write out
for _ in range(60):
    BOTTOMLESS = [BOTTOMLESS, BOTTOMLESS]


def separate(separator: HTDemucs, mix: np.ndarray, **options) -> np.ndarray:
    """A mix (2, S) to its stems (4, 2, S)."""
    chunks = [np.asarray(chunk) for chunk in separator.stream(mix, **options)]
    return np.concatenate([np.zeros((len(STEMS), 2, 0), np.float32), *chunks], axis=-1)


def random_arrays(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return {key: rng.standard_normal(s, dtype=np.float32) * 0.1 for key, s in shapes.items()}


def save(path, state, kwargs=KWARGS):
    """Write a checkpoint with the keys of the published one."""
    klass = Global("demucs.htdemucs", "HTDemucs")
    values = {"klass": klass, "args": (), "kwargs": kwargs, "state": state, "training_args": {}}
    return write_torch(path, values)


def file_shapes(*, decoder_residual):
    """Names and shapes in the authors' file for the network of KWARGS, from their layers."""
    shapes = {}

    def linear(name, out, *kernel):
        shapes[f"{name}.weight"] = (out, *kernel)
        shapes[f"{name}.bias"] = (out,)

    def residual(name, dim):
        for k in range(2):
            step = f"{name}.dconv.layers.{k}"
            linear(f"{step}.0", dim // 8, dim, 3)
            linear(f"{step}.1", dim // 8)
            linear(f"{step}.3", 2 * dim, dim // 8, 1)
            linear(f"{step}.4", 2 * dim)
            shapes[f"{step}.6.scale"] = (dim,)

    widths = [8, 16, 32, 64]
    for prefix, tail, inputs, outputs in (("", (1,), 4, 16), ("t", (), 2, 8)):
        for k, dim in enumerate(widths):
            before = widths[k - 1] if k else inputs
            linear(f"{prefix}encoder.{k}.conv", dim, before, 8, *tail)
            linear(f"{prefix}encoder.{k}.rewrite", 2 * dim, dim, 1, *tail)
            residual(f"{prefix}encoder.{k}", dim)
        for k, dim in enumerate(widths[::-1]):
            after = widths[2 - k] if k < 3 else outputs
            kernel = (3, 3) if tail else (3,)
            linear(f"{prefix}decoder.{k}.rewrite", 2 * dim, dim, *kernel)
            shapes[f"{prefix}decoder.{k}.conv_tr.weight"] = (dim, after, 8, *tail)
            shapes[f"{prefix}decoder.{k}.conv_tr.bias"] = (after,)
            if decoder_residual:
                residual(f"{prefix}decoder.{k}", dim)
    shapes["freq_emb.embedding.weight"] = (512, 8)
    for suffix in ("", "_t"):
        linear(f"channel_upsampler{suffix}", 32, 64, 1)
        linear(f"channel_downsampler{suffix}", 64, 32, 1)
        linear(f"crosstransformer.norm_in{suffix}", 32)
        for k in range(3):
            layer = f"crosstransformer.layers{suffix}.{k}"
            attention = f"{layer}.{'cross' if k % 2 else 'self'}_attn"
            shapes[f"{attention}.in_proj_weight"] = (96, 32)
            shapes[f"{attention}.in_proj_bias"] = (96,)
            linear(f"{attention}.out_proj", 32, 32)
            linear(f"{layer}.linear1", 128, 32)
            linear(f"{layer}.linear2", 32, 128)
            for name in ("norm1", "norm2", "norm_out") + (("norm3",) if k % 2 else ()):
                linear(f"{layer}.{name}", 32)
            for name in ("gamma_1", "gamma_2"):
                shapes[f"{layer}.{name}.scale"] = (32,)
    return shapes


@pytest.fixture(scope="module")
def small():
    """A narrow separator with random weights and segments of 0.27 s."""
    mx.random.seed(5)
    network = HTDemucsNetwork(SMALL)
    network.update(tree_map(lambda x: 0.1 * mx.random.normal(x.shape), network.parameters()))
    return HTDemucs(network)


@pytest.fixture(scope="module")
def mix():
    rng = np.random.default_rng(2)
    envelope = np.repeat(rng.uniform(0.05, 0.6, 8), 5000)
    return (rng.standard_normal((2, 40_000)) * envelope + 0.01).astype(np.float32)


# --- against the authors' program ------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(shared):
    return HTDemucs.from_checkpoint(shared / "golden/htdemucs/tiny-htdemucs.th")


def test_one_segment_equals_the_reference(tiny, shared):
    golden = np.load(shared / "golden/htdemucs/forward.npz")
    stems = np.array(tiny.network(mx.array(golden["mix"][None]))[0])
    np.testing.assert_allclose(stems, golden["stems"], rtol=0, atol=1e-5)


def test_a_song_equals_the_reference(tiny, shared):
    golden = np.load(shared / "golden/htdemucs/apply.npz")
    song, segment = DelayedMix(golden["mix"]), tiny.network.config.segment  # not normalised there
    pieces = separate_segments(
        tiny.network, song, segment=segment, batch=1, on_batch=lambda count: None
    )
    stems = np.concatenate([np.asarray(piece) for piece in pieces], axis=-1)
    np.testing.assert_allclose(stems, golden["stems"], rtol=0, atol=1e-5)


def test_all_389_names_and_shapes_of_the_full_network_fit(shared, tmp_path):
    """The default network at full width: saved, loaded, run once on half a second."""
    lines = (shared / "golden/htdemucs/state_dict_full.txt").read_text().splitlines()
    pairs = (line.split("\t") for line in lines)
    shapes = {name: tuple(json.loads(f"[{shape.strip('(),')}]")) for name, shape in pairs}
    assert len(shapes) == 389
    state = {key: array.astype(np.float16) for key, array in random_arrays(shapes).items()}
    kwargs = {"sources": list(SOURCES), "bottom_channels": 512, "segment": Fraction(1, 2)}
    network = load_network(save(tmp_path / "full.th", state, kwargs))
    ours = dict(tree_flatten(network.parameters()))
    assert sorted(ours) == sorted(map(rename, shapes))
    assert sum(array.size for array in ours.values()) == 41_473_616
    for name in ("encoder.3.conv.weight", "tdecoder.0.conv_tr.weight", "decoder.1.rewrite.weight"):
        expected = arrange(name, state[name].astype(np.float32))
        np.testing.assert_array_equal(np.array(ours[rename(name)]), expected)
    stems = network(mx.random.normal((1, 2, network.config.segment)))
    assert stems.shape == (1, 4, 2, 22_050)
    assert np.isfinite(np.array(stems)).all()


# --- the checkpoint --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [1, 3])
def test_names_and_shapes_of_a_checkpoint_fit_one_to_one(tmp_path, mode):
    shapes = file_shapes(decoder_residual=mode == 3)
    state = random_arrays(shapes)
    network = load_network(save(tmp_path / "a.th", state, {**KWARGS, "dconv_mode": mode}))
    ours = dict(tree_flatten(network.parameters()))
    assert sorted(ours) == sorted(map(rename, shapes))
    for name, array in state.items():
        found = np.array(ours[rename(name)])
        assert found.size == array.size
        np.testing.assert_array_equal(np.sort(found, axis=None), np.sort(array, axis=None))


def test_a_missing_and_a_surplus_array_are_named(tmp_path):
    state = random_arrays(file_shapes(decoder_residual=False))
    state["tencoder.1.dconv.layers.0.7.weight"] = state.pop("tencoder.1.dconv.layers.0.4.weight")
    state["channel_upsampler.bias"] = np.zeros(31, np.float32)
    with pytest.raises(CheckpointError) as caught:
        load_network(save(tmp_path / "a.th", state))
    message = str(caught.value)
    assert message.startswith("a.th: the arrays do not fit the model; ")
    assert "1 missing: tencoder.1.dconv.layers.0.expand_norm.weight" in message
    assert "1 left over: tencoder.1.dconv.layers.0.7.weight" in message
    assert "1 of another shape: channel_upsampler.bias (31,) instead of (32,)" in message


def test_weights_with_nan_or_infinity_are_refused(tmp_path):
    state = random_arrays(file_shapes(decoder_residual=False))
    state["freq_emb.embedding.weight"][3, 1] = np.nan
    with pytest.raises(CheckpointError, match=r"freq_emb\.embedding\.weight holds NaN"):
        load_network(save(tmp_path / "a.th", state))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sources", ["drums", "bass", "other", "vocals", "guitar", "piano"]),
        ("samplerate", 48_000),
        ("depth", 6),
        ("depth", True),
        ("channels", 10**9),
        ("channels", "48"),
        ("channels", 12),
        ("bottom_channels", 0),
        ("bottom_channels", 33),
        ("t_heads", 2.5),
        ("nfft", -4096),
        ("t_layers", float("nan")),
        ("sources", 5),
        ("growth", BOTTOMLESS),
        ("t_heads", BOTTOMLESS),
        ("segment", 10**12),
        ("segment", "x"),
        ("t_group_norm", True),
        ("multi_freqs", [0.5]),
    ],
)
def test_arguments_of_another_network_are_refused(key, value):
    with pytest.raises(CheckpointError, match=r"^a\.th: "):
        HTDemucsConfig.from_kwargs({**KWARGS, key: value}, name="a.th")


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    path = write_torch(tmp_path / "a.th", {"state": {"w": np.zeros(1, np.float32)}})
    with pytest.raises(CheckpointError, match="does not say how its network is built"):
        HTDemucs.from_checkpoint(path)


def test_arguments_of_the_published_checkpoint_are_read():
    kwargs = {
        "sources": list(SOURCES),
        "segment": Fraction(39, 5),
        "bottom_channels": 512,
        "dconv_mode": 3,
        "multi_freqs": [],
        "t_dropout": 0.02,
        "t_sparse_attn_window": 400,
        "channels_time": None,
    }
    config = HTDemucsConfig.from_kwargs(kwargs, name="a.th")
    assert config.segment == 343_980
    assert config.residual_decoder
    parameters = tree_flatten(HTDemucsNetwork(config).parameters())
    assert len(parameters) == 533
    assert sum(array.size for _, array in parameters) == 41_984_456


# --- the layers, against their definitions ---------------------------------------------------


def test_shrink_is_a_strided_convolution():
    layer = Shrink(3, 5)
    kernel = mx.random.normal((5, 8, 3))
    layer.weight, layer.bias = kernel.reshape(5, 24), mx.random.normal((5,))
    x = mx.random.normal((2, 20, 3))
    expected = mx.conv1d(x, kernel, stride=4, padding=2) + layer.bias
    np.testing.assert_allclose(np.array(layer(x)), np.array(expected), rtol=0, atol=1e-5)
    image = mx.random.normal((2, 20, 7, 3))
    expected = mx.conv2d(image, kernel[:, :, None], stride=(4, 1), padding=(2, 0)) + layer.bias
    np.testing.assert_allclose(np.array(layer(image)), np.array(expected), rtol=0, atol=1e-5)


def test_grow_is_a_transposed_convolution():
    layer = Grow(3, 5)
    kernel = mx.random.normal((5, 8, 3))
    layer.weight = kernel.transpose(2, 1, 0).reshape(3, 40)
    layer.bias = mx.random.normal((5,))
    x = mx.random.normal((2, 6, 3))
    expected = mx.conv_transpose1d(x, kernel, stride=4)[:, 2:-2] + layer.bias
    np.testing.assert_allclose(np.array(layer(x)), np.array(expected), rtol=0, atol=1e-5)
    image = mx.random.normal((2, 6, 7, 3))
    expected = mx.conv_transpose2d(image, kernel[:, :, None], stride=(4, 1))[:, 2:-2] + layer.bias
    np.testing.assert_allclose(np.array(layer(image)), np.array(expected), rtol=0, atol=1e-5)


def test_joint_norm_leaves_mean_0_and_deviation_1():
    x = 100 + 3 * np.random.default_rng(0).standard_normal((2, 500, 6)).astype(np.float32)
    y = np.array(JointNorm(6)(mx.array(x)), np.float64)
    np.testing.assert_allclose(y.mean(axis=(1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(axis=(1, 2)), 1, atol=1e-4)


def test_joint_norm_is_precise_over_millions_of_values():
    x = 0.2 + 0.7 * np.random.default_rng(0).standard_normal((1, 40_000, 48), dtype=np.float32)
    exact = (x - x.mean(dtype=np.float64)) / np.sqrt(x.var(dtype=np.float64) + 1e-5)
    np.testing.assert_allclose(np.array(JointNorm(48)(mx.array(x))), exact, rtol=0, atol=2e-5)


def test_a_spectrogram_becomes_the_signal_again():
    times = np.arange(30_000) / 44_100
    wave = np.stack([np.sin(2 * np.pi * 440 * times), np.cos(2 * np.pi * 3000 * times)])
    spectrum = to_spectrum(mx.array(wave[None].astype(np.float32)), 4096)
    assert spectrum.shape == (1, 2048, 30, 4)
    back = np.array(to_signals(spectrum, 4096, 30_000))[0]
    inner = slice(4096, -4096)  # frames beyond the ends are missing
    np.testing.assert_allclose(back[:, inner], wave[:, inner], rtol=0, atol=1e-5)


# --- whole songs -----------------------------------------------------------------------------


def faded(network, mix, delay):
    """The definition, with everything in memory: what `separate_segments` must equal."""
    segment = network.config.segment
    stride = int(0.75 * segment)
    padded = np.pad(mix, ((0, 0), (segment + delay, 2 * segment)))
    length = mix.shape[1] + delay
    weight = 1 - np.abs(np.arange(segment) - (segment - 1) / 2) / (segment / 2) + 1 / segment
    sums, weights = np.zeros((4, 2, length)), np.zeros(length)
    for offset in range(0, length, stride):
        size = min(segment, length - offset)
        begin = offset - (segment - size) // 2 + segment
        seen = padded[:, begin : begin + segment]
        stems = np.array(network(mx.array(seen[None])))[0]
        first = (segment - size) // 2
        sums[..., offset : offset + size] += stems[..., first : first + size] * weight[:size]
        weights[offset : offset + size] += weight[:size]
    return (sums / weights)[..., delay:]


@pytest.mark.parametrize("samples", [1, 3_000, 12_000, 12_001, 25_000, 40_000])
@pytest.mark.parametrize("delay", [0, 700])
def test_chunks_equal_the_definition(small, mix, samples, delay):
    song = mix[:, :samples]
    done = []
    pieces = separate_segments(
        small.network, DelayedMix(song, delay=delay), segment=12_000, batch=2, on_batch=done.append
    )
    found = np.concatenate([np.asarray(piece) for piece in pieces], axis=-1)
    np.testing.assert_allclose(found, faded(small.network, song, delay), rtol=0, atol=1e-4)
    assert sum(done) == len(segment_offsets(samples + delay, 12_000))


def test_stems_have_the_order_of_this_program(small, mix):
    song = (mix - mix.mean()) / mix.mean(axis=0).std(ddof=1)
    expected = faded(small.network, song, 0)[TO_OURS]
    found = separate(small, song, shifts=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)
    assert STEMS == ("bass", "drums", "other", "vocals")


def test_loudness_and_offset_of_the_mix_are_kept(small, mix):
    stems = separate(small, mix, shifts=0)
    louder = separate(small, mix * 8 + 0.25, shifts=0)
    np.testing.assert_allclose(louder, stems * 8 + 0.25, rtol=0, atol=2e-3)


def test_a_seed_gives_the_same_stems_again(small, mix):
    first = separate(small, mix, seed=4)
    np.testing.assert_array_equal(separate(small, mix, seed=4), first)
    assert np.abs(separate(small, mix, seed=5) - first).max() > 1e-4


def test_the_delay_is_the_one_that_the_reference_draws(small, mix):
    delay = MAX_DELAY - random.Random(4).randint(0, MAX_DELAY)
    mono = mix.mean(axis=0, dtype=np.float64)
    song = ((mix - mono.mean()) / mono.std(ddof=1)).astype(np.float32)
    expected = faded(small.network, song, delay)[TO_OURS] * mono.std(ddof=1) + mono.mean()
    np.testing.assert_allclose(separate(small, mix, seed=4), expected, rtol=0, atol=1e-4)


def test_several_shifts_are_averaged(small, mix):
    draws = random.Random(9)
    seeds = [draws.randint(0, MAX_DELAY) for _ in range(3)]
    songs = [DelayedMix(mix, 0.01, 0.3, delay=MAX_DELAY - draw) for draw in seeds]
    keep = {"segment": 12_000, "batch": 1, "on_batch": lambda count: None}
    single = [list(separate_segments(small.network, song, **keep)) for song in songs]
    mean = np.mean([np.concatenate(pieces, axis=-1) for pieces in single], axis=0)
    streams = [separate_segments(small.network, song, **keep) for song in songs]
    found = np.concatenate([np.asarray(p) for p in average_streams(streams)], axis=-1)
    np.testing.assert_allclose(found, mean, rtol=0, atol=1e-5)
    assert separate(small, mix, shifts=3, seed=9).shape == (4, 2, 40_000)


def joined(blocks):
    return np.concatenate([np.array(block) for block in blocks], axis=1)


def test_spectrograms_are_those_of_the_mono_stems(small, mix):
    def stream(samples, backend):
        mono = (piece.mean(axis=1) for piece in small.stream(samples))
        return joined(stream_magnitudes(mono, signals=4, backend=backend))

    stems = separate(small, mix).mean(axis=1)
    for backend in ("mlx_fast", "mlx"):
        expected = np.array(magnitudes(stems, backend=backend))
        np.testing.assert_allclose(stream(mix, backend), expected, rtol=0, atol=1e-5)
    assert stream(np.zeros((2, 0), np.float32), "mlx_fast").shape == (4, 0, 81)


@pytest.mark.parametrize("sizes", [[1], [441], [1024, 1, 1], [5000] * 7, [0, 3, 20_000, 17, 900]])
def test_magnitudes_do_not_depend_on_how_signals_arrive(mix, sizes):
    ends = np.cumsum(sizes)
    whole = mix[:, : ends[-1]]
    pieces = [mx.array(piece) for piece in np.split(whole, ends[:-1], axis=1)]
    found = joined(stream_magnitudes(pieces, signals=2))
    np.testing.assert_allclose(found, np.array(magnitudes(whole)), rtol=0, atol=1e-5)


def test_the_number_of_segments_at_once_changes_nothing(small, mix):
    expected = separate(small, mix)
    several = HTDemucs(small.network)
    several.batch = 3
    np.testing.assert_allclose(separate(several, mix), expected, rtol=0, atol=1e-4)


def test_progress_grows_to_1_and_can_cancel(small, mix):
    shares = []
    separate(small, mix, shifts=2, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 4

    def stop(share):
        shares.append(share)
        raise Cancelled

    shares.clear()
    with pytest.raises(Cancelled):
        separate(small, mix, on_progress=stop)
    assert len(shares) == 1


def test_silence_stays_silent(small):
    stems = separate(small, np.zeros((2, 20_000), np.float32))
    assert np.abs(stems).max() < 1e-5


def test_an_empty_mix_gives_empty_stems(small):
    assert separate(small, np.zeros((2, 0), np.float32)).shape == (4, 2, 0)


def test_a_mix_that_is_not_stereo_is_refused(small):
    with pytest.raises(ValueError, match=r"expected \(2, samples\)"):
        separate(small, np.zeros((1, 100), np.float32))


def test_memory_does_not_grow_with_the_song():
    """Chunks are returned when they are finished: the memory does not depend on the length."""

    def copy(windows):
        return mx.stack([windows] * 4, axis=1)

    def peak(samples):
        mx.clear_cache()
        mx.reset_peak_memory()
        song = DelayedMix(np.zeros((2, samples), np.float32))
        keep = {"segment": 12_000, "batch": 2, "on_batch": lambda count: None}
        for piece in separate_segments(copy, song, **keep):
            mx.eval(piece)
        return mx.get_peak_memory()

    peak(50_000)
    assert peak(2_000_000) < 1.2 * peak(100_000)
