"""Neighbourhood attention (Hassani et al. 2023), one- and two-dimensional, by slices.

Every position attends to the five nearest positions of its own residue class modulo the dilation
d. Near the ends the window is shifted, never cut: always five keys. A learned bias depends on the
distance between query and key.

So the keys of position t are t + (j - n) d, j = 0 .. 4, of which n lie before it: two, but 0 for
the first d positions, 1 for the next d, and at the end 3, then 4. Between these bounds the keys
of all positions are five slices of one array: no gather, no padding to multiples of d. NVIDIA
GPUs, for which this is too many kernels, use three kernels in `attention_cuda`.

Axes: E folds that share the batch (`layers`), N batch, R rows of keys (stems; 1 where time is the
only axis), Q <= R rows of queries, L length, H heads, D channels of a head, C = H D. Time is
the last axis inside, so that a slice is a few long runs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from . import attention_cuda as cuda_attention
from .backend import chunk_edges, chunk_length, has_cuda, map_parallel, mx, nn
from .layers import Linear, softmax

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
        self.qkv = Linear(dim, 3 * dim)
        self.rpb = mx.zeros((heads, BIASES))

    def __call__(self, x: mx.array, dilation: int) -> mx.array:
        bias = self.rpb.reshape(-1, self.heads, 1, BIASES)
        if has_cuda():
            return cuda_attention.attend(
                self.qkv(x)[:, None], bias, heads=self.heads, dilation=dilation
            )[:, 0]
        qkv = _project(self.qkv, x[:, None], self.heads)
        chunk = chunk_length(2 * x.shape[0] * x.shape[2], training=self.training)
        return _attend(qkv, bias, dilation, queries=1, chunk=chunk)[:, 0]


class NeighbourhoodAttention2d(nn.Module):
    """Attention over instruments and time: (N, K, L, C) -> (N, K, L, C), dilation 1.

    K is at most 5, so that every instrument sees all of them; missing ones up to 5 are zeros. L is
    at least 5.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = Linear(dim, 3 * dim)
        self.rpb = mx.zeros((heads, BIASES, BIASES))

    def __call__(self, x: mx.array) -> mx.array:
        N, K, _, C = x.shape
        x = mx.pad(x, [(0, 0), (0, KERNEL - K), (0, 0), (0, 0)])
        bias = self.rpb.reshape(-1, self.heads, BIASES, BIASES)
        if has_cuda():
            return cuda_attention.attend(self.qkv(x), bias, heads=self.heads, queries=K)
        chunk = chunk_length(N * K * KERNEL * C, training=self.training)
        return _attend(_project(self.qkv, x, self.heads), bias, 1, queries=K, chunk=chunk)


def _project(qkv: Linear, x: mx.array, heads: int) -> mx.array:
    """Queries, keys and values of x (N, R, L, C): (3, N, R, H, D, L)."""
    N, R, L, C = x.shape
    weight, bias = qkv.weight.reshape(-1, 1, 1, 3 * C, C), qkv.bias.reshape(-1, 1, 1, 3 * C, 1)
    items = x.swapaxes(-1, -2).reshape(len(weight), -1, R, C, L)
    projected = weight @ items + bias
    return projected.reshape(N, R, 3, heads, C // heads, L).transpose(2, 0, 1, 3, 4, 5)


def _attend(qkv: mx.array, bias: mx.array, dilation: int, *, queries: int, chunk: int) -> mx.array:
    """Attention of the first rows to all rows: (3, N, R, H, D, L) -> (N, Q, L, C).

    bias: (E, H, 2 R - 1, 9) by distance of the rows and in time.
    """
    _, N, R, H, D, L = qkv.shape
    Q = queries
    q, k, v = qkv[0, :, :Q, None] * D**-0.5, qkv[1, :, None], qkv[2, :, None]
    rows = R - 1 + np.arange(R) - np.arange(Q)[:, None]
    near = bias.transpose(0, 2, 3, 1)[:, mx.array(rows)].swapaxes(2, 3)[..., None]
    near = mx.repeat(near, N // len(bias), axis=0)  # (N, Q, 9, R, H, 1)

    def attend(stretch: tuple[int, int, int]) -> mx.array:
        start, stop, before = stretch
        first = [start + (j - before) * dilation for j in range(KERNEL)]
        keys, values = ([x[..., begin : begin + stop - start] for begin in first] for x in (k, v))
        asked = q[..., start:stop]
        scores = mx.stack([(asked * key).sum(axis=-2) for key in keys], axis=2)
        scores = scores + near[:, :, KERNEL - 1 - before : BIASES - before]
        weights = softmax(scores.flatten(2, 3), axis=2).reshape(scores.shape)
        return _weighted_sum(weights, values).reshape(N, Q, H * D, stop - start)

    stretches = _stretches(L, dilation, chunk)
    if chunk < L:
        chunks = map_parallel(attend, stretches, q, k, v, near)
    else:
        chunks = [attend(stretch) for stretch in stretches]
    return mx.concatenate(chunks, axis=-1).swapaxes(-1, -2)


def _weighted_sum(weights: mx.array, values: list[mx.array]) -> mx.array:
    """Sum over keys in time (list) and rows: weights (N, Q, 5, R, H, L), (N, 1, R, H, D, L)."""
    total = weights[:, :, 0, :, :, None] * values[0]
    for j, value in enumerate(values[1:], start=1):
        total = total + weights[:, :, j, :, :, None] * value
    return total.sum(axis=2)


def _stretches(length: int, dilation: int, chunk: int) -> list[tuple[int, int, int]]:
    """Runs of positions (start, stop, number of keys before them), cut into chunks."""
    d = dilation
    bounds = [0, d, 2 * d, length - 2 * d, length - d, length]
    return [
        (low + start, low + stop, before)
        for before, (low, high) in enumerate(pairwise(bounds))
        if low < high
        for start, stop in pairwise(chunk_edges(high - low, chunk))
    ]
