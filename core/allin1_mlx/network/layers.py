"""Layers and nonlinearities of the network.

The parameters of a layer may be those of several folds, stacked along a first axis of E folds. Then
the batch of N = E M items belongs to the folds in turn, M items each. So an ensemble runs as one
network, in few, large steps.

MLX's CPU backend computes exp and erf number by number, about ten times slower than it multiplies
and adds whole arrays. So on a CPU, GELU, ELU and softmax use a power of a polynomial, which takes a
few products and sums. It is within 7e-7 of the exact value, as close as single precision. The
polynomials were fitted to the least maximum error. On a GPU MLX's own functions are used.
"""

from __future__ import annotations

from .backend import has_gpu, mx, nn

LAYER_NORM_EPS = 1e-5

# exp(x) for x in [-20, 0], to the power 1/8: coefficients of x^0 .. x^6.
_EXP = (
    1.0,
    0.12499994493392233,
    0.007812285426802961,
    0.0003252764614348489,
    1.0058783507319751e-05,
    2.3019006387733215e-07,
    2.9606183242839035e-09,
)
_EXP_SQUARINGS = 3
_EXP_LEAST = -20.0  # below, exp(x) is treated as 0

# 1 / erfc(x / sqrt 2) for x in [0, 6], to the power 1/16: coefficients of x^0 .. x^6.
_TAIL = (
    1.0,
    0.049864141102119036,
    0.02115728083897318,
    0.003249342382297398,
    5.969835861526114e-05,
    4.1390433738028656e-05,
    6.332156938952671e-06,
)
_TAIL_SQUARINGS = 4
_TAIL_MOST = 6.0  # above, GELU is the identity


class Linear(nn.Linear):
    """(N, ..., in) -> (N, ..., out), with weights (out, in) or (E, out, in)."""

    def __call__(self, x: mx.array) -> mx.array:
        if self.weight.ndim == 2:
            return super().__call__(x)
        E, outputs, inputs = self.weight.shape
        y = x.reshape(E, -1, inputs) @ self.weight.swapaxes(1, 2) + self.bias[:, None]
        return y.reshape(*x.shape[:-1], outputs)


class LayerNorm(nn.LayerNorm):
    """(N, ..., C) -> (N, ..., C), with weights (C,) or (E, C)."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim, eps=LAYER_NORM_EPS)

    def __call__(self, x: mx.array) -> mx.array:
        if self.weight.ndim == 1:
            return super().__call__(x)
        E, C = self.weight.shape
        normed = mx.fast.layer_norm(x, None, None, self.eps).reshape(E, -1, C)
        return (normed * self.weight[:, None] + self.bias[:, None]).reshape(x.shape)


def gelu(x: mx.array) -> mx.array:
    """x times the probability that a standard normal value is below x."""
    if has_gpu():
        return nn.gelu(x)
    size = mx.abs(x)
    near = mx.minimum(size, _TAIL_MOST)
    return 0.5 * (x + size - near / _power(near, _TAIL, _TAIL_SQUARINGS))


def elu(x: mx.array) -> mx.array:
    """x where it is positive, else exp(x) - 1."""
    if has_gpu():
        return nn.elu(x)
    return mx.where(x > 0, x, _exp(mx.minimum(x, 1)) - 1)


def softmax(x: mx.array, *, axis: int) -> mx.array:
    """exp(x), divided by its sum along the axis."""
    if has_gpu():
        return mx.softmax(x, axis=axis)
    exponents = _exp(x - mx.stop_gradient(x.max(axis=axis, keepdims=True)))
    return exponents / exponents.sum(axis=axis, keepdims=True)


def _exp(x: mx.array) -> mx.array:
    """exp(x) for x <= 0; where x is at most 1, it does not overflow."""
    return _power(mx.maximum(x, _EXP_LEAST), _EXP, _EXP_SQUARINGS)


def _power(x: mx.array, coefficients: tuple[float, ...], squarings: int) -> mx.array:
    """A polynomial of x, squared `squarings` times."""
    *rest, value = coefficients
    y = x * value + rest.pop()
    while rest:
        y = y * x + rest.pop()
    for _ in range(squarings):
        y = mx.square(y)
    return y
