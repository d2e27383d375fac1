"""The layers that multiply by weights: on a CPU, by the BLAS of NumPy.

MLX's CPU wheel for Linux contains the reference BLAS. On one core it reached 3 GFLOP/s where the
OpenBLAS in NumPy's wheel reached 80. So on a CPU a product leaves MLX, except in training, which
needs its gradient: the array is read in place, and the result is copied back.

Axes: B batch, T frames, F frequencies, L length, C channels, H x W a kernel.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .backend import chunk_edges, chunk_length, has_gpu, map_parallel, mx, nn


class Linear(nn.Linear):
    """(N, ..., in) -> (N, ..., out), with weights (out, in) or (E, out, in)."""

    def __call__(self, x: mx.array) -> mx.array:
        if self.weight.ndim == 2 and not by_numpy(self):
            return super().__call__(x)
        if self.weight.ndim == 2:
            products = np.matmul(np.asarray(x), np.asarray(self.weight).T)
            products += np.asarray(self.bias)
            return mx.array(products)
        E, outputs, inputs = self.weight.shape
        y = x.reshape(E, -1, inputs) @ self.weight.swapaxes(1, 2) + self.bias[:, None]
        return y.reshape(*x.shape[:-1], outputs)

    def to_columns(self, x: mx.array) -> mx.array:
        """(N, R, L, in) -> (N, R, out, L), the transpose of the layer's output."""
        N, R, L, inputs = x.shape
        if self.weight.ndim > 2 or not by_numpy(self):
            outputs = self.weight.shape[-2]
            weight = self.weight.reshape(-1, 1, 1, outputs, inputs)
            items = x.swapaxes(-1, -2).reshape(len(weight), -1, R, inputs, L)
            y = weight @ items + self.bias.reshape(-1, 1, 1, outputs, 1)
            return y.reshape(N, R, outputs, L)
        matrix, bias = np.asarray(self.weight), np.asarray(self.bias)[:, None]

        def multiply(span: tuple[int, int]) -> mx.array:
            columns = np.matmul(matrix, np.asarray(x[..., slice(*span), :]).swapaxes(-1, -2))
            columns += bias
            return mx.array(columns)

        edges = chunk_edges(L, chunk_length(N * R * len(matrix), training=False))
        return mx.concatenate(map_parallel(multiply, list(pairwise(edges)), x), axis=-1)


class Conv2d(nn.Conv2d):
    """(B, T, F, in) -> (B, T', F', out), with stride and padding along T only."""

    def __call__(self, x: mx.array) -> mx.array:
        if not by_numpy(self):
            return super().__call__(x)
        outputs, H, W, _ = self.weight.shape
        padding = self.padding[0]
        frames = np.pad(np.asarray(x), [(0, 0), (padding, padding), (0, 0), (0, 0)])
        windows = sliding_window_view(frames, (H, W), axis=(1, 2))[:, :: self.stride[0]]
        B, T, F, C, _, _ = windows.shape
        columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(B, T * F, H * W * C)
        y = np.matmul(columns, np.asarray(self.weight).reshape(outputs, -1).T)
        y += np.asarray(self.bias)
        return mx.array(y.reshape(B, T, F, outputs))


def by_numpy(layer: nn.Module) -> bool:
    """Whether NumPy computes the products of a layer: on a CPU, where no gradient is needed."""
    return not (layer.training or has_gpu())
