"""The layers of the network: norm, nonlinearities and neighbourhood attention.

The parameters of a layer may be those of E folds, stacked along a first axis. Then the batch of N =
E M items holds M items for each fold. So an ensemble runs as one network, in few, large steps.

MLX's CPU backend computes exp and erf number by number, ten times slower than NumPy computes exp.
So on a CPU, GELU, ELU and softmax leave MLX, except in training, which needs their gradients.

Neighbourhood attention (Hassani et al. 2023) in one and two dimensions: every position attends to
the five nearest positions of its residue class modulo the dilation d. Near the ends the window is
shifted, not cut: there are always five keys. A learned bias depends on the distance between query
and key. So the keys of position t are t + (j - n) d, j = 0 .. 4. The number n of keys before t is
2; for the first d positions it is 0, for the next d it is 1, and near the end it is 3, then 4.
Between these bounds, the keys of all positions are five slices of one array: no gather is needed,
and no padding to multiples of d. On NVIDIA GPUs this would take too many kernels: see
`attention_cuda`.

Axes: E folds, N batch, R rows of keys (stems; 1 if time is the only axis), Q <= R rows of queries,
L length, H heads, D channels of a head, C = H D. Inside the attention, time is the last axis, so
that slices are contiguous.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ..files import printable
from . import attention_cuda
from .backend import chunk_edges, chunk_length, has_cuda, has_gpu, map_parallel, mx, nn
from .products import Linear

KERNEL = 5
SIDE = KERNEL // 2  # neighbours on each side
BIASES = 2 * KERNEL - 1  # for the distances -4 .. 4

SMALL = 40  # length of the input on which kernels are compared
CLOSE = 1e-3  # largest difference of their values, which are about 1

_log = logging.getLogger("allin1_mlx")

LAYER_NORM_EPS = 1e-5

# log(erfc(x / sqrt 2) / 2) for x >= 0: coefficients of x^0 .. x^5, fitted to the smallest maximum
# error of GELU, which is 7e-7, about the precision of float32.
_LOG_TAIL = (
    -0.693173265,
    -0.797665299,
    -0.318842605,
    -0.0359238562,
    0.00491057444,
    -0.000328062428,
)
LARGEST = 1e4  # in GELU, whose tail is 0 long before; larger numbers would overflow


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


def gelu(x: mx.array, *, training: bool) -> mx.array:
    """x times the probability that a standard normal value is below x."""
    if training or has_gpu():
        return nn.gelu(x)
    values = np.asarray(x)
    size = np.minimum(np.abs(values), LARGEST)
    *rest, last = _LOG_TAIL
    tail = size * last
    tail += rest.pop()
    while rest:
        tail *= size
        tail += rest.pop()
    np.exp(tail, out=tail)
    tail *= size
    result = np.maximum(values, 0, out=size)
    result -= tail
    return mx.array(result)


def elu(x: mx.array, *, training: bool) -> mx.array:
    """x if it is positive, else exp(x) - 1."""
    if training or has_gpu():
        return nn.elu(x)
    values = np.asarray(x)
    below = np.minimum(values, 0)
    np.exp(below, out=below)
    below -= 1
    return mx.array(np.maximum(values, below, out=below))


def softmax(x: mx.array, *, axis: int, training: bool) -> mx.array:
    """exp(x), divided by its sum along the axis."""
    if training or has_gpu():
        return mx.softmax(x, axis=axis)
    values = np.asarray(x)
    exponents = values - values.max(axis=axis, keepdims=True)
    np.exp(exponents, out=exponents)
    exponents /= exponents.sum(axis=axis, keepdims=True)
    return mx.array(exponents)


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
        if uses_cuda_kernels(self.heads, x.shape[-1], rows=1, queries=1):
            return attention_cuda.attend(
                self.qkv(x)[:, None], bias, heads=self.heads, dilation=dilation
            )[:, 0]
        qkv = _project(self.qkv, x[:, None], self.heads)
        chunk = chunk_length(2 * x.shape[0] * x.shape[2], training=self.training)
        attended = _attend(qkv, bias, dilation, queries=1, chunk=chunk, training=self.training)
        return attended[:, 0]


class NeighbourhoodAttention2d(nn.Module):
    """Attention over instruments and time: (N, K, L, C) -> (N, K, L, C), dilation 1.

    K is at most 5, so that every instrument attends to all of them; missing rows up to 5 are zeros.
    L is at least 5.
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
        if uses_cuda_kernels(self.heads, C, rows=x.shape[1], queries=K):
            return attention_cuda.attend(self.qkv(x), bias, heads=self.heads, queries=K)
        chunk = chunk_length(N * K * KERNEL * C, training=self.training)
        qkv = _project(self.qkv, x, self.heads)
        return _attend(qkv, bias, 1, queries=K, chunk=chunk, training=self.training)


def uses_cuda_kernels(heads: int, dim: int, *, rows: int, queries: int) -> bool:
    """Whether attention of this size runs on the kernels for NVIDIA GPUs.

    They are used only on such a GPU, and only after they gave the values of the plain path there.
    """
    return has_cuda() and _kernels_agree(heads, dim, rows, queries)


@lru_cache(maxsize=32)
def _kernels_agree(heads: int, dim: int, rows: int, queries: int) -> bool:
    """Compare the kernels with the plain path on a small input; log a warning if they differ."""
    shape, bias_shape = (1, rows, SMALL, 3 * dim), (1, heads, 2 * rows - 1, BIASES)
    # Irregular numbers between -1 and 1, without touching the state of MLX's random numbers.
    qkv = mx.sin(mx.arange(rows * SMALL * 3 * dim) * 1.7).reshape(shape)
    bias = mx.cos(mx.arange(heads * (2 * rows - 1) * BIASES) * 2.3).reshape(bias_shape)
    parts = qkv.reshape(*shape[:3], 3, heads, dim // heads).transpose(3, 0, 1, 4, 5, 2)
    plain = _attend(parts, bias, 2, queries=queries, chunk=SMALL, training=False)
    try:
        fused = attention_cuda.attend(qkv, bias, heads=heads, dilation=2, queries=queries)
        difference = float(mx.abs(fused - plain).max())
        reason = f"differ by {difference:.1e} from"
    except (RuntimeError, ValueError) as e:
        difference = float("inf")
        reason = f"fail ({printable(str(e))[:200]}) beside"
    agree = difference <= CLOSE  # false for NaN
    if not agree:
        _log.warning("the attention kernels for NVIDIA GPUs %s the plain path: it is used", reason)
    return agree


def _project(qkv: Linear, x: mx.array, heads: int) -> mx.array:
    """Queries, keys and values of x (N, R, L, C): (3, N, R, H, D, L)."""
    N, R, L, C = x.shape
    projected = qkv.to_columns(x)
    return projected.reshape(N, R, 3, heads, C // heads, L).transpose(2, 0, 1, 3, 4, 5)


def _attend(
    qkv: mx.array, bias: mx.array, dilation: int, *, queries: int, chunk: int, training: bool
) -> mx.array:
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
        weights = softmax(scores.flatten(2, 3), axis=2, training=training).reshape(scores.shape)
        return _weighted_sum(weights, values).reshape(N, Q, H * D, stop - start)

    stretches = _stretches(L, dilation, chunk)
    if chunk < L:
        chunks = map_parallel(attend, stretches, q, k, v, near)
    else:
        chunks = [attend(stretch) for stretch in stretches]
    return mx.concatenate(chunks, axis=-1).swapaxes(-1, -2)


def _weighted_sum(weights: mx.array, values: list[mx.array]) -> mx.array:
    """Sum over the keys in time and over the rows.

    weights: (N, Q, 5, R, H, L). values: five arrays (N, 1, R, H, D, L), one per key in time.
    """
    total = weights[:, :, 0, :, :, None] * values[0]
    for j, value in enumerate(values[1:], start=1):
        total = total + weights[:, :, j, :, :, None] * value
    return total.sum(axis=2)


def _stretches(length: int, dilation: int, chunk: int) -> list[tuple[int, int, int]]:
    """Runs of positions (start, stop, number of keys before each position), cut into chunks."""
    d = dilation
    bounds = [0, d, 2 * d, length - 2 * d, length - d, length]
    return [
        (low + start, low + stop, before)
        for before, (low, high) in enumerate(pairwise(bounds))
        if low < high
        for start, stop in pairwise(chunk_edges(high - low, chunk))
    ]
