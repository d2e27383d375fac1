"""Neighbourhood attention (Hassani et al. 2023), one- and two-dimensional, by slices.

Every position attends to the five nearest positions of its own residue class modulo the dilation
d. Near the ends the window is shifted, never cut: always five keys. A learned bias depends on the
distance between query and key.

Away from the ends the five keys of position t are t - 2d, t - d, ..., t + 2d, so that the keys of
all positions are five slices of one array. The first 2d positions, two rows of d, look at the
first 5d, five rows of d; the last 2d positions likewise. No gather, no padding to multiples of d.
NVIDIA GPUs, for which this is too many kernels, have three of their own: `cuda_attention`.

Axes: N batch, L length, H heads, D channels of a head, C = H D.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import cuda_attention
from .backend import mx, nn

KERNEL = 5
SIDE = KERNEL // 2  # neighbours on either side
BIASES = 2 * KERNEL - 1  # of the distances -4 .. 4


class NeighbourhoodAttention1d(nn.Module):
    """Attention along time: (N, L, C) -> (N, L, C), before the output projection.

    L is at least five times the dilation.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.rpb = mx.zeros((heads, BIASES))

    def __call__(self, x: mx.array, dilation: int) -> mx.array:
        N, L, C = x.shape
        H, D, d = self.heads, C // self.heads, dilation
        if cuda_attention.is_available():
            bias = self.rpb[None, :, None]
            return cuda_attention.attend(self.qkv(x)[:, None], bias, heads=H, dilation=d)[:, 0]
        q, k, v = (part.reshape(N, L, H, D) for part in mx.split(self.qkv(x), 3, axis=-1))
        q = q * D**-0.5
        edge, inner = SIDE * d, L - 2 * SIDE * d

        def middle_slice(x: mx.array, j: int) -> mx.array:
            return x[:, j * d : j * d + inner]

        middle = _attend(
            q[:, edge : edge + inner],
            [middle_slice(k, j) for j in range(KERNEL)],
            [middle_slice(v, j) for j in range(KERNEL)],
            [self.rpb[:, SIDE + j] for j in range(KERNEL)],
        )
        # The tail mirrors the head: its keys end where the song ends.
        head = self._edge(q[:, :edge], k[:, : KERNEL * d], v[:, : KERNEL * d], d, KERNEL - 1)
        tail = self._edge(q[:, -edge:], k[:, -KERNEL * d :], v[:, -KERNEL * d :], d, 1)
        return mx.concatenate([head, middle, tail], axis=1).reshape(N, L, C)

    def _edge(self, q: mx.array, k: mx.array, v: mx.array, d: int, first_bias: int) -> mx.array:
        """Two rows of d queries on five rows of d keys; the bias of (row i, key j) is at
        first_bias + j - i."""
        N, _, H, D = q.shape
        keys = k.reshape(N, KERNEL, 1, d, H, D)
        values = v.reshape(N, KERNEL, 1, d, H, D)
        bias = self.rpb[:, mx.array(_edge_biases(first_bias))]  # (H, 2, 5)
        out = _attend(
            q.reshape(N, SIDE, d, H, D),
            [keys[:, j] for j in range(KERNEL)],
            [values[:, j] for j in range(KERNEL)],
            [bias[:, :, j].T[:, None] for j in range(KERNEL)],
        )
        return out.reshape(N, SIDE * d, H, D)


class NeighbourhoodAttention2d(nn.Module):
    """Attention over instruments and time: (N, K, L, C) -> (N, K, L, C), dilation 1.

    K is at most 5, so that every instrument sees all of them, and those that are missing up to 5
    as zeros; L is at least 5.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.rpb = mx.zeros((heads, BIASES, BIASES))

    def __call__(self, x: mx.array) -> mx.array:
        N, K, L, C = x.shape
        H, D = self.heads, C // self.heads
        x = mx.pad(x, [(0, 0), (0, KERNEL - K), (0, 0), (0, 0)])
        qkv = self.qkv(x)
        if cuda_attention.is_available():
            return cuda_attention.attend(qkv, self.rpb[None], heads=H, queries=K)
        qkv = qkv.reshape(N, KERNEL, L, 3, H, D)
        q, k, v = (qkv[:, :, :, part] for part in range(3))
        q = q[:, :K] * D**-0.5
        # (H, K rows of queries, 5 rows of keys, distances in time)
        bias = self.rpb[:, mx.array(_row_biases()[:K])]

        def part(start: int, stop: int, key: int, columns: list[list[int]]) -> mx.array:
            """Queries start .. stop; their j-th key in time begins at key + j (all of one length,
            or the same key for all); columns[j] are the bias columns of the queries."""
            width = stop - start if len(columns[0]) == 1 else 1
            keys, values, biases = [], [], []
            for row in range(KERNEL):
                for j, column in enumerate(columns):
                    keys.append(k[:, row : row + 1, key + j : key + j + width])
                    values.append(v[:, row : row + 1, key + j : key + j + width])
                    biases.append(bias[:, :, row][:, :, mx.array(column)].transpose(1, 2, 0))
            return _attend(q[:, :, start:stop], keys, values, biases)

        middle = part(SIDE, L - SIDE, 0, [[SIDE + j] for j in range(KERNEL)])
        head = part(0, SIDE, 0, _edge_biases(KERNEL - 1).T.tolist())
        tail = part(L - SIDE, L, L - KERNEL, _edge_biases(1).T.tolist())
        return mx.concatenate([head, middle, tail], axis=2).reshape(N, K, L, C)


def _attend(
    q: mx.array, keys: list[mx.array], values: list[mx.array], biases: list[mx.array]
) -> mx.array:
    """Softmax attention to one key of each list: q (..., H, D), a bias (..., H) for each key."""
    scores = [(q * k).sum(axis=-1) + bias for k, bias in zip(keys, biases, strict=True)]
    weights = mx.softmax(mx.stack(scores), axis=0)[..., None]
    total = weights[0] * values[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total = total + weight * value
    return total


@lru_cache(maxsize=4)
def _edge_biases(first: int) -> NDArray[np.int32]:
    """Bias of each of an edge's two rows of queries (0, 1) and five keys: (2, 5)."""
    return (first + np.arange(KERNEL) - np.arange(SIDE)[:, None]).astype(np.int32)


@lru_cache(maxsize=1)
def _row_biases() -> NDArray[np.int32]:
    """Bias of each of five rows of queries and five rows of keys: (5, 5)."""
    rows = np.arange(KERNEL)
    return (KERNEL - 1 + rows - rows[:, None]).astype(np.int32)
