"""Neighbourhood attention by slices equals its definition, at the ends above all."""

import numpy as np
import pytest

from allin1_mlx.network import layers
from allin1_mlx.network.backend import mx
from allin1_mlx.network.layers import NeighbourhoodAttention1d, NeighbourhoodAttention2d

from ..support.neighbours import attend_1d, attend_2d

DIM, HEADS = 8, 2


def randomised(layer, seed: int):
    mx.random.seed(seed)
    layer.rpb = mx.random.normal(layer.rpb.shape)
    return layer


def parts(layer, x: np.ndarray) -> list[np.ndarray]:
    """q, k, v of an input (..., C): three times (..., H, D)."""
    qkv = x @ np.array(layer.qkv.weight).T + np.array(layer.qkv.bias)
    return [part.reshape(*x.shape[:-1], HEADS, -1) for part in np.split(qkv, 3, axis=-1)]


@pytest.mark.parametrize("dilation", [1, 2, 3, 8])
@pytest.mark.parametrize("surplus", [0, 1, 2, 5, 40])
def test_one_dimension_equals_the_definition_at_every_position(dilation, surplus):
    length = 5 * dilation + surplus
    layer = randomised(NeighbourhoodAttention1d(DIM, HEADS), seed=surplus)
    x = np.random.default_rng(dilation).normal(size=(2, length, DIM)).astype(np.float32)
    found = np.array(layer(mx.array(x), dilation))
    for item in range(2):
        expected = attend_1d(*parts(layer, x[item]), np.array(layer.rpb), dilation)
        np.testing.assert_allclose(found[item], expected.reshape(length, DIM), atol=2e-6)


@pytest.mark.parametrize("instruments", [1, 4, 5])
@pytest.mark.parametrize("length", [5, 6, 23])
def test_two_dimensions_equal_the_definition_with_absent_instruments_as_zeros(instruments, length):
    layer = randomised(NeighbourhoodAttention2d(DIM, HEADS), seed=length)
    x = np.random.default_rng(1).normal(size=(1, instruments, length, DIM)).astype(np.float32)
    padded = np.pad(x[0], ((0, 5 - instruments), (0, 0), (0, 0)))
    expected = attend_2d(*parts(layer, padded), np.array(layer.rpb))[:instruments]
    found = np.array(layer(mx.array(x)))[0]
    np.testing.assert_allclose(found, expected.reshape(instruments, length, DIM), atol=2e-6)


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize(
    ("kernel", "used"),
    [
        (lambda plain: plain, True),
        (lambda plain: plain + 0.01, False),
        (lambda plain: plain * float("nan"), False),
        (None, False),
    ],
    ids=["right", "wrong", "no number", "does not compile"],
)
def test_kernels_for_one_kind_of_gpu_are_used_only_if_they_are_right(
    kernel, used, rows, monkeypatch, caplog
):
    def attend(qkv, bias, *, heads, dilation=1, queries=None):
        if kernel is None:
            raise RuntimeError("nvrtc: error\nin line 1")
        N, R, L, _ = qkv.shape
        parts = qkv.reshape(N, R, L, 3, heads, -1).transpose(3, 0, 1, 4, 5, 2)
        return kernel(
            layers._attend(parts, bias, dilation, queries=queries, chunk=L, training=True)
        )

    monkeypatch.setattr(layers, "has_cuda", lambda: True)
    monkeypatch.setattr(layers.attention_cuda, "attend", attend)
    layers._kernels_agree.cache_clear()
    for _ in range(2):
        assert layers.uses_cuda_kernels(2, 24, rows=rows, queries=rows) == used
    layers._kernels_agree.cache_clear()
    assert len(caplog.records) == (not used)  # one line, and only once
    assert all("\n" not in record.getMessage() for record in caplog.records)
