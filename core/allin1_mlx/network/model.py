"""The all-in-one network of Kim & Nam (2023): spectrograms of stems in, four kinds of logits out.

Each stem is embedded frame by frame and passes through blocks. A block is a time layer (along each
stem; the dilation doubles from block to block) and an instrument layer (across stems). The output
layer reads all stems of a frame at once.

Axes: N songs, K stems, T frames, F bands, C channels, L positions of `step` frames.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import show_value
from ..types import LABELS
from .backend import chunk_edges, chunk_length, in_chunks, map_parallel, map_serial, mx, nn
from .layers import (
    KERNEL,
    SIDE,
    LayerNorm,
    NeighbourhoodAttention1d,
    NeighbourhoodAttention2d,
    elu,
    gelu,
)
from .products import Conv2d, Linear

Frames = NDArray[np.float32] | mx.array  # of spectrograms

CHUNK = 16_384  # positions that a block computes at once, at most twice as many; limits memory
LOGITS = 3 + len(LABELS)  # beat, downbeat, section, then the labels
BANDS = 81  # number of frequencies that the embedding can reduce to one
LIMITS = {
    "stems": (1, 16),
    "bands": (BANDS, BANDS),
    "dim": (2, 1024),
    "heads": (1, 64),
    "depth": (1, 13),
    "step": (1, 64),
    "shortest": (0, 100_000),
    "mlp_ratio": (1, 16),
    "threshold": (0, 1),
    "tempo_classes": (0, 512),
}  # smallest and largest value of each dimension; at depth 14, a window would exceed any song


@dataclass(frozen=True)
class Config:
    """Dimensions of a network, and options of its decoder.

    stems: K, number of input spectrograms (4, or 1 for the mix). dim: C.
    step: number of frames per position of the blocks (1 in the published networks).
    shortest: shorter songs are padded with silence to this number of frames, as in training.
    threshold: lowest probability of the first and the last beat of a song.
    steady: whether its beats are decoded with `STEADY` tempos.
    voice: whether one output is singing. tempo_classes: number of outputs for the tempo.
    """

    stems: int = 4
    bands: int = 81
    dim: int = 24
    heads: int = 2
    depth: int = 11
    step: int = 1
    shortest: int = 0
    mlp_ratio: int = 4
    instrument_attention: bool = True
    threshold: float = 0.24
    steady: bool = False
    voice: bool = False
    tempo_classes: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError if a dimension is outside of LIMITS or heads does not divide dim."""
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} is {show_value(value)}, expected {least} to {most}")
        if self.tempo_classes and not self.voice:
            raise ValueError("tempo_classes need voice, the output before them")
        if self.dim % 2 or self.dim % self.heads:
            raise ValueError(f"dim is {self.dim}, expected an even multiple of {self.heads} heads")

    @property
    def outputs(self) -> int:
        """Number of logits per frame: LOGITS, then voice and tempo classes, if there are any."""
        return LOGITS + int(self.voice) + self.tempo_classes

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """Read hyperparameters under the names of the published harmonix checkpoints."""
        return cls(
            stems=int(values["data"]["num_instruments"]),
            bands=int(values["dim_input"]),
            dim=int(values["dim_embed"]),
            heads=int(values["num_heads"]),
            depth=int(values["depth"]),
            step=int(values.get("frames_per_step", 1)),
            shortest=int(values.get("min_frames", 0)),
            mlp_ratio=int(values["mlp_ratio"]),
            instrument_attention=bool(values["instrument_attention"]),
            threshold=float(values["best_threshold_downbeat"]),
            steady=bool(values.get("steady_tempo", False)),
            voice=bool(values.get("voice", False)),
            tempo_classes=int(values.get("tempo_classes", 0)),
        )

    def to_dict(self) -> dict[str, Any]:
        """The hyperparameters, in the form that `from_dict` reads."""
        return {
            "data": {"num_instruments": self.stems},
            "dim_input": self.bands,
            "dim_embed": self.dim,
            "num_heads": self.heads,
            "depth": self.depth,
            "frames_per_step": self.step,
            "min_frames": self.shortest,
            "mlp_ratio": self.mlp_ratio,
            "instrument_attention": self.instrument_attention,
            "best_threshold_downbeat": self.threshold,
            "steady_tempo": self.steady,
            "voice": self.voice,
            "tempo_classes": self.tempo_classes,
        }


class Embedding(nn.Module):
    """Frames to vectors: (B, T, 81) -> (B, T / step, C). The frequency axis becomes length 1."""

    def __init__(self, bands: int, dim: int, step: int) -> None:
        super().__init__()
        self.width = bands * dim // 2 // step  # numbers per frame after the first convolution
        self.conv0 = Conv2d(1, dim // 2, (step + 2, 3), stride=(step, 1), padding=(1, 0))
        self.conv1 = Conv2d(dim // 2, dim, (1, 12))
        self.conv2 = Conv2d(dim, dim, (3, 3), padding=(1, 0))
        self.norm = LayerNorm(dim)

    def __call__(self, x: mx.array) -> mx.array:
        x = x[..., None]
        for conv in (self.conv0, self.conv1, self.conv2):
            x = elu(_pool(conv(x)), training=self.training)
        return self.norm(x.squeeze(2))


def _pool(x: mx.array) -> mx.array:
    """Maximum of groups of three frequencies; one or two left over are dropped: (B, T, F, C)."""
    places = x.shape[2] // 3 * 3
    # Slices are compared in pairs: a reduction along an inner axis is ten times slower on GPUs.
    return reduce(mx.maximum, [x[:, :, i:places:3] for i in range(3)])


class TimeLayer(nn.Module):
    """Two neighbourhood attentions along time in parallel, with dilations d and 2 d: (B, T, C)."""

    def __init__(self, dim: int, heads: int, mlp_ratio: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm_before = LayerNorm(dim)
        self.near = NeighbourhoodAttention1d(dim, heads)
        self.near_out = Linear(dim, dim)
        self.far = NeighbourhoodAttention1d(dim, heads)
        self.far_out = Linear(dim, dim)
        self.norm_after = LayerNorm(2 * dim)
        self.expand = Linear(2 * dim, 2 * dim * mlp_ratio)
        self.shrink = Linear(2 * dim * mlp_ratio, dim)

    def __call__(self, x: mx.array) -> mx.array:
        T = x.shape[1]
        normed = self.norm_before(x)
        # The far attention needs five positions per residue class of 2 d. Padding follows the norm.
        shortest = 2 * KERNEL * self.dilation
        if shortest > T:
            normed = mx.pad(normed, [(0, 0), (0, shortest - T), (0, 0)])
        near = self.near(normed, self.dilation)[:, :T]
        far = self.far(normed, 2 * self.dilation)[:, :T]
        chunk = chunk_length(x.shape[0] * self.expand.weight.shape[-2], training=self.training)
        return in_chunks(self._join, x, near, far, chunk=chunk)

    def _join(self, x: mx.array, near: mx.array, far: mx.array) -> mx.array:
        near = x + self.near_out(near)
        far = x + self.far_out(far)
        both = self.norm_after(mx.concatenate([near, far], axis=-1))
        return (near + far) / 2 + self.shrink(gelu(self.expand(both), training=self.training))


class InstrumentLayer(nn.Module):
    """Neighbourhood attention over stems and adjacent frames: (N, K, T, C)."""

    def __init__(self, dim: int, heads: int, mlp_ratio: int) -> None:
        super().__init__()
        self.norm_before = LayerNorm(dim)
        self.attention = NeighbourhoodAttention2d(dim, heads)
        self.attention_out = Linear(dim, dim)
        self.norm_after = LayerNorm(dim)
        self.expand = Linear(dim, dim * mlp_ratio)
        self.shrink = Linear(dim * mlp_ratio, dim)

    def __call__(self, x: mx.array) -> mx.array:
        N, K, T, _ = x.shape
        missing = (max(0, KERNEL - K), max(0, KERNEL - T))
        normed = mx.pad(self.norm_before(x), [(0, 0), (0, missing[0]), (0, missing[1]), (0, 0)])
        seen = self.attention(normed)[:, :K, :T]
        chunk = chunk_length(N * K * self.expand.weight.shape[-2], training=self.training)
        return in_chunks(self._join, x, seen, chunk=chunk)

    def _join(self, x: mx.array, seen: mx.array) -> mx.array:
        x = x + self.attention_out(seen)
        expanded = gelu(self.expand(self.norm_after(x)), training=self.training)
        return x + self.shrink(expanded)


class Block(nn.Module):
    """A time layer, then an instrument layer: (N, K, T, C) -> (N, K, T, C)."""

    def __init__(self, config: Config, dilation: int) -> None:
        super().__init__()
        self.time = TimeLayer(config.dim, config.heads, config.mlp_ratio, dilation)
        if config.instrument_attention:
            self.instrument = InstrumentLayer(config.dim, config.heads, config.mlp_ratio)

    def __call__(self, x: mx.array) -> mx.array:
        N, K, T, C = x.shape
        x = self.time(x.reshape(N * K, T, C)).reshape(N, K, T, C)
        return self.instrument(x) if "instrument" in self else x

    @property
    def reach(self) -> int:
        """Number of positions on each side on which an output depends."""
        return SIDE * 2 * self.time.dilation + SIDE


class AllInOne(nn.Module):
    """One network. Its logits per frame are beat, downbeat, section, then LABELS."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config.bands, config.dim, config.step)
        self.blocks = [Block(config, 2**level) for level in range(config.depth)]
        self.norm = LayerNorm(config.dim)
        self.heads = Linear(config.stems * config.dim, config.step * config.outputs)

    def embed(self, x: Frames, *, on_block: Callable[[int], None] | None = None) -> mx.array:
        """Spectrograms (N, K, T, 81) to normalised embeddings (N, K, L, C).

        on_block: called with the number of finished blocks, which are computed by then.
        """
        if not self.training:
            mx.eval(self.parameters())  # threads share them
        y = self.embed_frames(x)
        chunk = sys.maxsize if self.training else CHUNK
        for done, block in enumerate(self.blocks, start=1):
            y = in_chunks(block, y, chunk=chunk, reach=block.reach, map=map_serial)
            if on_block is not None:
                mx.eval(y)
                on_block(done)
        return self.norm(y)

    def embed_frames(self, x: Frames) -> mx.array:
        """Spectrograms (N, K, T, 81) to the input of the first block, (N, K, L, C)."""
        N, K, T, F = x.shape
        rows, step = x.reshape(N * K, T, F), self.config.step
        length = T + max(-T % step, self.config.shortest - T)
        reach = 2 * step

        def embed(span: tuple[int, int]) -> mx.array:
            start, stop = span
            low, high = max(start - reach, 0), min(stop + reach, length)
            part = rows[:, low : min(high, T)]
            part = part if isinstance(part, mx.array) else mx.array(part)
            silence = high - low - part.shape[1]
            part = self.embedding(mx.pad(part, [(0, 0), (0, silence), (0, 0)]))
            return part[:, (start - low) // step : (stop - low) // step]

        chunk = chunk_length(N * K * self.embedding.width, training=self.training)
        edges = chunk_edges(length, max(chunk, 4 * reach), step=step)
        inputs = [rows] if isinstance(rows, mx.array) else []
        if len(edges) == 2:
            whole = embed((0, length))
        else:
            whole = mx.concatenate(map_parallel(embed, list(pairwise(edges)), *inputs), axis=1)
        return whole.reshape(N, K, -1, self.config.dim)

    def classify(self, embeddings: mx.array, frames: int) -> mx.array:
        """Embeddings (N, K, L, C) to logits (N, outputs, T) for T frames."""
        N, K, L, C = embeddings.shape
        positions = embeddings.transpose(0, 2, 1, 3).reshape(N, L, K * C)
        logits = self.heads(positions).reshape(N, L * self.config.step, self.config.outputs)
        return logits[:, :frames].transpose(0, 2, 1)

    def __call__(self, x: Frames) -> mx.array:
        """Spectrograms (N, K, T, 81) to logits (N, outputs, T)."""
        return self.classify(self.embed(x), x.shape[2])
