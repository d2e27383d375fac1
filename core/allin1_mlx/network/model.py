"""The all-in-one network of Kim & Nam (2023): stems' spectrograms in, four kinds of logits out.

Axes: N songs, K stems, T frames, F bands, C channels. A stem is embedded frame by frame, then
passes blocks of a time layer (each stem by itself, dilation doubling from block to block) and an
instrument layer (across stems); the heads see all stems of a frame at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, cast

import numpy as np
from mlx.utils import tree_flatten, tree_unflatten
from numpy.typing import NDArray

from ..checkpoint import check_arrays
from .attention import KERNEL, SIDE, NeighbourhoodAttention1d, NeighbourhoodAttention2d
from .backend import chunk_length, in_chunks, map_serial, mx, nn
from .config import Config
from .layers import LayerNorm, Linear, elu, gelu

CHUNK = 24_576  # positions that a block computes at once, up to twice as many: bounds memory


class Embedding(nn.Module):
    """Frames to vectors: (B, T, 81) -> (B, T / step, C). Frequency shrinks to one place."""

    def __init__(self, bands: int, dim: int, step: int) -> None:
        super().__init__()
        self.width = bands * dim // 2 // step  # numbers per frame after the first convolution
        self.conv0 = nn.Conv2d(1, dim // 2, (step + 2, 3), stride=(step, 1), padding=(1, 0))
        self.conv1 = nn.Conv2d(dim // 2, dim, (1, 12))
        self.conv2 = nn.Conv2d(dim, dim, (3, 3), padding=(1, 0))
        self.norm = LayerNorm(dim)

    def __call__(self, x: mx.array) -> mx.array:
        x = x[..., None]
        for conv in (self.conv0, self.conv1, self.conv2):
            x = elu(_pool(conv(x)))
        return self.norm(x.squeeze(2))


def _pool(x: mx.array) -> mx.array:
    """Maximum of three neighbouring frequencies, a rest of one or two dropped: (B, T, F, C)."""
    places = x.shape[2] // 3 * 3
    # Slices compared in pairs: a reduction along inner axes takes ten times as long on GPUs.
    return reduce(mx.maximum, [x[:, :, i:places:3] for i in range(3)])


class TimeLayer(nn.Module):
    """Two neighbourhood attentions along time side by side, dilation d and 2 d: (B, T, C)."""

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
        # The far attention needs five positions of each residue of 2 d; padding follows the norm.
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
        return (near + far) / 2 + self.shrink(gelu(self.expand(both)))


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
        return x + self.shrink(gelu(self.expand(self.norm_after(x))))


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
        """Positions on either side that an output depends on."""
        return SIDE * 2 * self.time.dilation + SIDE


class AllInOne(nn.Module):
    """One network. Logits per frame in the order beat, downbeat, section, then LABELS."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config.bands, config.dim, config.step)
        self.blocks = [Block(config, 2**level) for level in range(config.depth)]
        self.norm = LayerNorm(config.dim)
        self.heads = Linear(config.stems * config.dim, config.step * config.outputs)

    def embed(self, x: mx.array, *, on_block: Callable[[int], None] | None = None) -> mx.array:
        """Spectrograms (N, K, T, 81) to normed embeddings (N, K, L, C), a position every `step`.

        on_block: called with the number of blocks done, each computed before the next begins.
        """
        if not self.training:
            mx.eval(self.parameters())  # threads share them
        x = self.embed_frames(x)
        chunk = sys.maxsize if self.training else CHUNK
        for done, block in enumerate(self.blocks, start=1):
            x = in_chunks(block, x, chunk=chunk, reach=block.reach, map=map_serial)
            if on_block is not None:
                mx.eval(x)
                on_block(done)
        return self.norm(x)

    def embed_frames(self, x: mx.array) -> mx.array:
        """Spectrograms (N, K, T, 81) to what the first block gets, (N, K, L, C)."""
        N, K, T, F = x.shape
        step = self.config.step
        silence = max(-T % step, self.config.shortest - T)
        x = mx.pad(x.reshape(N * K, T, F), [(0, 0), (0, silence), (0, 0)])
        chunk = chunk_length(N * K * self.embedding.width, training=self.training)
        x = in_chunks(self.embedding, x, chunk=chunk, reach=2 * step, step=step)
        return x.reshape(N, K, -1, self.config.dim)

    def classify(self, embeddings: mx.array, frames: int) -> mx.array:
        """Embeddings (N, K, L, C) to the logits (N, outputs, T) of T frames."""
        N, K, L, C = embeddings.shape
        positions = embeddings.transpose(0, 2, 1, 3).reshape(N, L, K * C)
        logits = self.heads(positions).reshape(N, L * self.config.step, self.config.outputs)
        return logits[:, :frames].transpose(0, 2, 1)

    def __call__(self, x: mx.array) -> mx.array:
        """Spectrograms (N, K, T, 81) to logits (N, outputs, T)."""
        return self.classify(self.embed(x), x.shape[2])


# How the published checkpoints name what stands here; parts joined into one array are listed.
_HEADS = ("beat", "downbeat", "section", "function")
_NAMES = (
    ("embedding.", "embeddings."),
    ("blocks.", "encoder.layers."),
    (".time.near_out.", ".timelayer.attention.output.dense."),
    (".time.far_out.", ".timelayer.attention2.output.dense."),
    (".time.near.", ".timelayer.attention.self."),
    (".time.far.", ".timelayer.attention2.self."),
    (".time.", ".timelayer."),
    (".instrument.attention_out.", ".instlayer.attention.output.dense."),
    (".instrument.attention.", ".instlayer.attention.self."),
    (".instrument.", ".instlayer."),
    (".norm_before.", ".layernorm_before."),
    (".norm_after.", ".layernorm_after."),
    (".expand.", ".intermediate.dense."),
    (".shrink.", ".output.dense."),
)


def parameters(model: AllInOne) -> list[tuple[str, mx.array]]:
    """All parameters with their names, in a fixed order."""
    return cast("list[tuple[str, mx.array]]", tree_flatten(model.parameters()))


def published_names(name: str, config: Config) -> tuple[str, ...]:
    """Names in a checkpoint file of the arrays that form one parameter, in joining order."""
    for ours, theirs in _NAMES:
        name = name.replace(ours, theirs)
    if ".qkv." in name:
        return tuple(name.replace(".qkv.", f".{part}.") for part in ("query", "key", "value"))
    if name.startswith("heads.") and config.step == 1:
        return tuple(name.replace("heads.", f"{head}_classifier.classifier.") for head in _HEADS)
    return (name,)


def to_published(model: AllInOne) -> dict[str, mx.array]:
    """The network's parameters as a checkpoint file holds them."""
    arrays: dict[str, mx.array] = {}
    for name, array in parameters(model):
        parts = published_names(name, model.config)
        if len(parts) == len(_HEADS):
            ends = [1, 2, 3]
        else:
            ends = [array.shape[0] // len(parts) * part for part in range(1, len(parts))]
        arrays.update(zip(parts, mx.split(array, ends), strict=True))
    return arrays


def load_arrays(model: AllInOne, arrays: Mapping[str, NDArray[np.float32]], *, name: str) -> None:
    """Give the network the arrays of a checkpoint file called `name`.

    Raises CheckpointError unless names and shapes are exactly those of the network.
    """
    expected = {part: array.shape for part, array in to_published(model).items()}
    check_arrays(arrays, expected, name=name)
    joined: list[tuple[str, Any]] = []
    for parameter, _ in parameters(model):
        parts = [arrays[part] for part in published_names(parameter, model.config)]
        joined.append((parameter, mx.array(np.concatenate(parts))))
    model.update(tree_unflatten(joined))
