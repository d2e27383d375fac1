"""Neighbourhood attention (Hassani et al. 2023), one- and two-dimensional.

Every position attends to the five nearest positions of its own residue class modulo the dilation.
Near the ends the window is shifted, never cut: always five keys. A learned bias depends on the
distance between query and key. Axes: N batch, L length, C channels, H heads, D = C / H.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .backend import mx, nn

KERNEL = 5


@lru_cache(maxsize=64)
def neighbours(length: int, dilation: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Keys of each position, and where their bias stands.

    length: at least 5 times the dilation. Returns (length, 5) positions and (length, 5) indices
    into the nine biases: 4 for the position itself, 5 for the next one.
    """
    position = np.arange(length)
    place, residue = np.divmod(position, dilation)
    places = -(-(length - residue) // dilation)  # of the same residue
    start = np.clip(place - KERNEL // 2, 0, places - KERNEL)
    keys = start[:, None] + np.arange(KERNEL)
    return (
        (keys * dilation + residue[:, None]).astype(np.int32),
        (keys - place[:, None] + KERNEL - 1).astype(np.int32),
    )


class NeighbourhoodAttention1d(nn.Module):
    """Attention along time: (N, L, C) -> (N, L, C), before the output projection."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.rpb = mx.zeros((heads, 2 * KERNEL - 1))

    def __call__(self, x: mx.array, dilation: int) -> mx.array:
        N, L, C = x.shape
        H, D = self.heads, C // self.heads
        q, k, v = (part.reshape(N, L, H, D) for part in mx.split(self.qkv(x), 3, axis=-1))
        keys, bias = (mx.array(index) for index in neighbours(L, dilation))
        scores = (q[:, :, None] * k[:, keys]).sum(axis=-1) * D**-0.5  # (N, L, 5, H)
        scores = scores + self.rpb[:, bias].transpose(1, 2, 0)
        weights = mx.softmax(scores, axis=2)
        return (weights[..., None] * v[:, keys]).sum(axis=2).reshape(N, L, C)


class NeighbourhoodAttention2d(nn.Module):
    """Attention over instruments and time: (N, K, L, C) -> (N, K, L, C), dilation 1.

    K and L are at least 5: 25 keys for each position.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.rpb = mx.zeros((heads, 2 * KERNEL - 1, 2 * KERNEL - 1))

    def __call__(self, x: mx.array) -> mx.array:
        N, K, L, C = x.shape
        H, D = self.heads, C // self.heads
        q, k, v = (part.reshape(N, K, L, H, D) for part in mx.split(self.qkv(x), 3, axis=-1))
        rows, row_bias = (mx.array(index) for index in neighbours(K, 1))
        columns, column_bias = (mx.array(index) for index in neighbours(L, 1))
        # (N, K, L, 5 rows, 5 columns, H, D)
        near_k = k[:, rows[:, None, :, None], columns[None, :, None, :]]
        near_v = v[:, rows[:, None, :, None], columns[None, :, None, :]]
        scores = (q[:, :, :, None, None] * near_k).sum(axis=-1) * D**-0.5
        bias = self.rpb[:, row_bias[:, None, :, None], column_bias[None, :, None, :]]
        scores = (scores + bias.transpose(1, 2, 3, 4, 0)).reshape(N, K, L, KERNEL**2, H)
        weights = mx.softmax(scores, axis=3).reshape(N, K, L, KERNEL, KERNEL, H)
        return (weights[..., None] * near_v).sum(axis=(3, 4)).reshape(N, K, L, C)
