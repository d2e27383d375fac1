"""The transformer between encoders and decoders, which connects the two branches.

Spectrogram and waveform are two sequences (N, places, C). Layers alternate: in even layers each
sequence attends to itself, in odd layers to the other one. After Rouard, Massa & Défossez 2022
(arXiv 2211.08553), figure 1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...network.backend import mx, nn
from .config import HTDemucsConfig
from .unet import JointNorm

MAX_PERIOD = 10_000.0


class Attention(nn.Module):
    """Attention with several heads; queries from one sequence, keys and values from another."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.in_proj_weight = mx.zeros((3 * dim, dim))  # of queries, keys, values
        self.in_proj_bias = mx.zeros((3 * dim,))
        self.out_proj = nn.Linear(dim, dim)
        self.heads = heads

    def __call__(self, x: mx.array, context: mx.array) -> mx.array:
        """(N, T, C) and (N, S, C) -> (N, T, C)."""
        C = x.shape[-1]
        weight, bias = self.in_proj_weight.T, self.in_proj_bias
        query = mx.addmm(bias[:C], x, weight[:, :C])
        key, value = mx.split(mx.addmm(bias[C:], context, weight[:, C:]), 2, axis=-1)
        seen = mx.fast.scaled_dot_product_attention(
            self._split(query), self._split(key), self._split(value), scale=(C / self.heads) ** -0.5
        )
        return self.out_proj(seen.transpose(0, 2, 1, 3).reshape(x.shape))

    def _split(self, x: mx.array) -> mx.array:
        """(N, T, C) -> (N, heads, T, C / heads)."""
        N, T, C = x.shape
        return x.reshape(N, T, self.heads, C // self.heads).transpose(0, 2, 1, 3)


class FeedForward(nn.Module):
    """The end of both kinds of layers: feed-forward part and normalisation."""

    def __init__(self, config: HTDemucsConfig) -> None:
        super().__init__()
        dim = config.bottom
        self.linear1 = nn.Linear(dim, int(dim * config.hidden_scale))
        self.linear2 = nn.Linear(int(dim * config.hidden_scale), dim)
        self.gamma_1 = mx.ones((dim,))
        self.gamma_2 = mx.ones((dim,))
        self.norm_out = JointNorm(dim)

    def finish(self, x: mx.array, normed: mx.array) -> mx.array:
        """Add the scaled feed-forward part of the normalised x, then normalise the sum."""
        return self.norm_out(x + self.gamma_2 * self.linear2(nn.gelu(self.linear1(normed))))


class SelfLayer(FeedForward):
    """A layer in which a sequence attends to itself."""

    def __init__(self, config: HTDemucsConfig) -> None:
        super().__init__(config)
        self.self_attn = Attention(config.bottom, config.heads)
        self.norm1 = nn.LayerNorm(config.bottom)
        self.norm2 = nn.LayerNorm(config.bottom)

    def __call__(self, x: mx.array, other: mx.array) -> mx.array:
        normed = self.norm1(x)
        x = x + self.gamma_1 * self.self_attn(normed, normed)
        return self.finish(x, self.norm2(x))


class CrossLayer(FeedForward):
    """A layer in which a sequence attends to the other one."""

    def __init__(self, config: HTDemucsConfig) -> None:
        super().__init__(config)
        self.cross_attn = Attention(config.bottom, config.heads)
        self.norm1 = nn.LayerNorm(config.bottom)
        self.norm2 = nn.LayerNorm(config.bottom)
        self.norm3 = nn.LayerNorm(config.bottom)

    def __call__(self, x: mx.array, other: mx.array) -> mx.array:
        x = x + self.gamma_1 * self.cross_attn(self.norm1(x), self.norm2(other))
        return self.finish(x, self.norm3(x))


class CrossTransformer(nn.Module):
    """Update spectrogram (N, F, T, C) and waveform (N, L, C), each by attention to the other."""

    def __init__(self, config: HTDemucsConfig) -> None:
        super().__init__()
        kinds = [CrossLayer if k % 2 else SelfLayer for k in range(config.layers)]
        self.norm_in = nn.LayerNorm(config.bottom)
        self.norm_in_t = nn.LayerNorm(config.bottom)
        self.layers = [kind(config) for kind in kinds]
        self.layers_t = [kind(config) for kind in kinds]

    def __call__(self, x: mx.array, xt: mx.array) -> tuple[mx.array, mx.array]:
        N, F, T, C = x.shape
        x = x.transpose(0, 2, 1, 3).reshape(N, T * F, C)
        x = self.norm_in(x) + mx.array(_places_2d(T, F, C))
        xt = self.norm_in_t(xt) + mx.array(_places_1d(xt.shape[1], C))
        for layer, layer_t in zip(self.layers, self.layers_t, strict=True):
            x, xt = layer(x, xt), layer_t(xt, x)
        return x.reshape(N, T, F, C).transpose(0, 2, 1, 3), xt


@lru_cache(maxsize=1)
def _places_1d(length: int, dim: int) -> NDArray[np.float32]:
    """Sinusoids that encode positions: (length, dim), cosines first."""
    half = dim // 2
    phase = np.arange(length)[:, None] / MAX_PERIOD ** (np.arange(half) / (half - 1))
    return np.concatenate([np.cos(phase), np.sin(phase)], axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def _places_2d(times: int, frequencies: int, dim: int) -> NDArray[np.float32]:
    """(times * frequencies, dim): the first half of the channels encodes times, the second
    frequencies; sine and cosine alternate."""
    rates = np.exp(np.arange(0, dim // 2, 2) * (-np.log(MAX_PERIOD) / (dim // 2)))
    places = np.zeros((times, frequencies, dim))
    for start, count, axis in ((0, times, 0), (dim // 2, frequencies, 1)):
        phase = np.expand_dims(np.arange(count)[:, None] * rates, 1 - axis)
        places[..., start : start + dim // 2 : 2] = np.sin(phase)
        places[..., start + 1 : start + dim // 2 : 2] = np.cos(phase)
    return places.reshape(times * frequencies, dim).astype(np.float32)
