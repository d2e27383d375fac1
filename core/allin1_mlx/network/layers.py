"""Layers whose parameters may be those of several folds.

With parameters stacked along a first axis of E folds, the batch of N = E M items belongs to the
folds in turn: M items each. So an ensemble runs as one network, in few, large steps.
"""

from __future__ import annotations

from .backend import mx, nn

LAYER_NORM_EPS = 1e-5


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
