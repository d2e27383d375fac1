"""The layers of the two U-nets, over frequencies and over samples.

Channels come last. The frequency branch has (N, F, T, C) and reduces F; the time branch has (N, L,
C) and reduces L. Each encoder layer divides the axis by 4, each decoder layer multiplies it by 4.
After Défossez 2021 (arXiv 2111.03600), figure 2.
"""

from __future__ import annotations

from ...network.backend import mx, nn
from .config import HTDemucsConfig

STRIDE = 4
KERNEL = 2 * STRIDE
NORM_EPS = 1e-5


class Shrink(nn.Module):
    """A convolution of width 8 and stride 4 along axis 1: (N, 4 P, ..., C) -> (N, P, ..., D).

    After padding by 2 on both sides, each window is a pair of neighbouring blocks of 4, so the
    convolution is one matrix product.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = mx.zeros((outputs, KERNEL * inputs))
        self.bias = mx.zeros((outputs,))

    def __call__(self, x: mx.array) -> mx.array:
        N, P, *rest, C = x.shape
        x = mx.pad(x, [(0, 0), (STRIDE // 2, STRIDE // 2)] + [(0, 0)] * (len(rest) + 1))
        x = mx.moveaxis(x.reshape(N, P // STRIDE + 1, STRIDE, *rest, C), 2, -2)
        blocks = x.reshape(N, P // STRIDE + 1, *rest, STRIDE * C)
        pairs = mx.concatenate([blocks[:, :-1], blocks[:, 1:]], axis=-1)
        return mx.addmm(self.bias, pairs, self.weight.T)


class Grow(nn.Module):
    """The transposed convolution of width 8 and stride 4: (N, P, ..., C) -> (N, 4 P, ..., D).

    Each place gives two blocks of 4. The second block is added to the first block of the next
    place.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = mx.zeros((inputs, KERNEL * outputs))
        self.bias = mx.zeros((outputs,))

    def __call__(self, x: mx.array) -> mx.array:
        N, P, *rest, _ = x.shape
        D = self.bias.size
        first, second = mx.split(x @ self.weight, 2, axis=-1)
        still = [(0, 0)] * (len(rest) + 1)
        blocks = mx.pad(first, [(0, 0), (0, 1), *still]) + mx.pad(second, [(0, 0), (1, 0), *still])
        blocks = mx.moveaxis(blocks.reshape(N, P + 1, *rest, STRIDE, D), -2, 2)
        grown = blocks.reshape(N, (P + 1) * STRIDE, *rest, D) + self.bias
        return grown[:, STRIDE // 2 : STRIDE // 2 + P * STRIDE]


class JointNorm(nn.Module):
    """Normalises all places and channels of each item together, (N, P, C), then scales channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = mx.ones((channels,))
        self.bias = mx.zeros((channels,))

    def __call__(self, x: mx.array) -> mx.array:
        # In two steps: a GPU can distribute many short rows, and a CPU adds them more precisely.
        means = x.mean(axis=-1, keepdims=True)
        mean = means.mean(axis=-2, keepdims=True)
        variance = x.var(axis=-1, keepdims=True).mean(axis=-2, keepdims=True)
        variance = variance + mx.square(means - mean).mean(axis=-2, keepdims=True)
        scale = mx.rsqrt(variance + NORM_EPS) * self.weight
        return x * scale + (self.bias - mean * scale)


class Residual(nn.Module):
    """One step of the residual branch: reduce with a dilated convolution over time, then expand."""

    def __init__(self, channels: int, squeezed: int, dilation: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv1d(channels, squeezed, 3, padding=dilation, dilation=dilation)
        self.squeeze_norm = JointNorm(squeezed)
        self.expand = nn.Linear(squeezed, 2 * channels)
        self.expand_norm = JointNorm(2 * channels)
        self.scale = mx.ones((channels,))

    def __call__(self, x: mx.array) -> mx.array:
        y = nn.gelu(self.squeeze_norm(self.squeeze(x)))
        return x + nn.glu(self.expand_norm(self.expand(y))) * self.scale


class ResidualBranch(nn.Module):
    """Residual steps over time with dilation 1, 2, ...; rows are independent: (..., T, C)."""

    def __init__(self, config: HTDemucsConfig, channels: int) -> None:
        super().__init__()
        squeezed = channels // config.residual_squeeze
        self.layers = [Residual(channels, squeezed, 2**k) for k in range(config.residual_depth)]

    def __call__(self, x: mx.array) -> mx.array:
        rows = x.reshape(-1, *x.shape[-2:])
        for layer in self.layers:
            rows = layer(rows)
        return rows.reshape(x.shape)


class EncoderLayer(nn.Module):
    """Encoder layer of both branches: reduce, residual branch, gated 1 x 1 convolution."""

    def __init__(self, config: HTDemucsConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Shrink(inputs, outputs)
        if config.residual_encoder:
            self.dconv = ResidualBranch(config, outputs)
        self.rewrite = nn.Linear(outputs, 2 * outputs)

    def __call__(self, x: mx.array) -> mx.array:
        """(N, P, ..., C) -> (N, ceil(P / 4), ..., D)."""
        P = x.shape[1]
        x = mx.pad(x, [(0, 0), (0, -P % STRIDE)] + [(0, 0)] * (x.ndim - 2))
        y = nn.gelu(self.conv(x))
        if "dconv" in self:
            y = self.dconv(y)
        return nn.glu(self.rewrite(y))


class DecoderLayer(nn.Module):
    """Decoder layer: skip connection, gated convolution of width 3, residual branch, enlarge."""

    def __init__(
        self, config: HTDemucsConfig, inputs: int, outputs: int, *, axes: int, last: bool
    ) -> None:
        super().__init__()
        conv = nn.Conv1d if axes == 1 else nn.Conv2d
        self.rewrite = conv(inputs, 2 * inputs, 3, padding=1)
        if config.residual_decoder:
            self.dconv = ResidualBranch(config, inputs)
        self.conv_tr = Grow(inputs, outputs)
        self.last = last

    def __call__(self, x: mx.array, skip: mx.array, length: int) -> mx.array:
        """(N, P, ..., C) -> (N, length, ..., D), length at most 4 P."""
        y = nn.glu(self.rewrite(x + skip))
        if "dconv" in self:
            y = self.dconv(y)
        y = self.conv_tr(y)[:, :length]
        return y if self.last else nn.gelu(y)
