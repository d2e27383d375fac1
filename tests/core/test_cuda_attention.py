"""The CUDA kernels against the attention by slices, on NVIDIA GPUs."""

import pytest

from allin1_mlx.network import layers
from allin1_mlx.network.attention_cuda import attend
from allin1_mlx.network.backend import has_cuda, mx

pytestmark = pytest.mark.skipif(not has_cuda(), reason="the kernels need an NVIDIA GPU")


def both_ways(layer, monkeypatch, *arguments):
    """Output and gradients by the kernels, then by slices."""

    def objective(parameters, x):
        layer.update(parameters)
        out = layer(x, *arguments[1:])
        return (out * mx.sin(mx.arange(out.size).reshape(out.shape))).sum(), out

    results = []
    parameters = layer.parameters()
    for available in (True, False):
        monkeypatch.setattr(layers, "has_cuda", lambda available=available: available)
        (_, out), slopes = mx.value_and_grad(objective, argnums=(0, 1))(parameters, arguments[0])
        results.append([out, slopes[1], slopes[0]["rpb"], slopes[0]["qkv"]["weight"]])
    return results


@pytest.mark.parametrize(("length", "dilation"), [(57, 3), (40, 8), (1000, 1), (25, 5)])
def test_time_attention_equals_that_by_slices(length, dilation, monkeypatch):
    mx.random.seed(1)
    layer = layers.NeighbourhoodAttention1d(24, 2)
    layer.rpb = mx.random.normal(layer.rpb.shape)
    x = mx.random.normal((3, length, 24))
    for fused, plain in zip(*both_ways(layer, monkeypatch, x, dilation), strict=True):
        assert mx.allclose(fused, plain, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("stems", [1, 4, 5])
def test_instrument_attention_equals_that_by_slices(stems, monkeypatch):
    mx.random.seed(1)
    layer = layers.NeighbourhoodAttention2d(24, 2)
    layer.rpb = mx.random.normal(layer.rpb.shape)
    x = mx.random.normal((2, stems, 31, 24))
    for fused, plain in zip(*both_ways(layer, monkeypatch, x), strict=True):
        assert mx.allclose(fused, plain, rtol=2e-3, atol=2e-3)


def test_the_biases_of_several_folds_are_each_for_their_items():
    mx.random.seed(1)
    qkv, bias = mx.random.normal((6, 1, 50, 72)), mx.random.normal((3, 2, 1, 9))
    together = attend(qkv, bias, heads=2, dilation=4)
    for fold in range(3):
        items = qkv[2 * fold : 2 * fold + 2]
        alone = attend(items, bias[fold : fold + 1], heads=2, dilation=4)
        assert mx.array_equal(together[2 * fold : 2 * fold + 2], alone)
