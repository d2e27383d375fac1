"""The network's nonlinearities and their gradients agree with the exact ones."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from allin1_mlx.network import layers
from allin1_mlx.network.backend import mx, nn
from allin1_mlx.network.products import Conv2d, Linear

AROUND_ZERO = np.geomspace(1e-8, 1, 500)
X = np.concatenate([np.linspace(-40, 40, 8001), AROUND_ZERO, -AROUND_ZERO]).astype(np.float32)


def exact_gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def exact_elu(x: float) -> float:
    return x if x > 0 else math.expm1(x)


@pytest.mark.parametrize(
    ("curve", "exact"), [(layers.gelu, exact_gelu), (layers.elu, exact_elu)], ids=["gelu", "elu"]
)
def test_the_approximations_are_as_exact_as_single_precision_allows(curve, exact):
    expected = np.array([exact(float(x)) for x in X])
    np.testing.assert_allclose(
        np.array(curve(mx.array(X), training=False)), expected, rtol=2e-7, atol=7e-7
    )


def test_huge_numbers_give_the_limits_of_the_functions():
    x = mx.array([-1e30, 1e30])
    np.testing.assert_allclose(
        np.array(layers.gelu(x, training=False)), [0, 1e30], rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(np.array(layers.elu(x, training=False)), [-1, 1e30], rtol=1e-6)


@pytest.mark.parametrize("spread", [0.1, 5, 500])
def test_softmax_equals_that_of_mlx(spread):
    x = mx.array(np.random.default_rng(1).normal(0, spread, (20, 25, 30)).astype(np.float32))
    found, expected = layers.softmax(x, axis=1, training=False), mx.softmax(x, axis=1, precise=True)
    np.testing.assert_allclose(np.array(found), np.array(expected), atol=2e-6)
    np.testing.assert_allclose(np.array(found.sum(axis=1)), 1, atol=1e-6)


@pytest.mark.parametrize("curve", [layers.gelu, layers.elu], ids=["gelu", "elu"])
def test_training_uses_the_same_functions(curve):
    x = mx.array(X)
    found, trained = (np.array(curve(x, training=training)) for training in (False, True))
    np.testing.assert_allclose(found, trained, rtol=2e-7, atol=7e-7)


def both_ways(layer: nn.Module, compute: Callable[[], mx.array]) -> tuple[np.ndarray, np.ndarray]:
    """The result of NumPy's products, and that of MLX's, which training uses."""
    layer.eval()
    by_numpy = np.array(compute())
    layer.train()
    return by_numpy, np.array(compute())


def test_products_by_numpy_equal_those_of_mlx():
    x = mx.random.normal((2, 3, 40, 8))
    layer = Linear(8, 5)
    for compute in (lambda: layer(x), lambda: layer.to_columns(x)):
        found, expected = both_ways(layer, compute)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1)])
def test_convolutions_by_numpy_equal_those_of_mlx(stride, padding):
    x = mx.random.normal((2, 30, 9, 4))
    layer = Conv2d(4, 6, (4, 3), stride=(stride, 1), padding=(padding, 0))
    found, expected = both_ways(layer, lambda: layer(x))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)
