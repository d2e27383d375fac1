"""The Hybrid Transformer Demucs as one function of a segment of music.

    mix ─┬─ spectrogram ── encoders ─┐               ┌─ decoders ── to signals ─┐
         │                           ├─ transformer ─┤                          ├─ sum: stems
         └────────────────  encoders ┘               └─ decoders ───────────────┘

Both branches have the same number of encoders and decoders. Each encoder passes its output to the
decoder of the same level. After Rouard, Massa & Défossez 2022 (arXiv 2211.08553), figure 1.
"""

from __future__ import annotations

from ...network.backend import mx, nn
from .config import SOURCES, HTDemucsConfig
from .transform import to_signals, to_spectrum
from .transformer import CrossTransformer
from .unet import STRIDE, DecoderLayer, EncoderLayer

AUDIO_CHANNELS = 2
FREQUENCY_WEIGHT = 0.2 * 10  # of the embedding of frequencies, times the scale of its storage
STD_EPS = 1e-5

_ROW = 1024  # numbers per partial sum


class HTDemucsNetwork(nn.Module):
    """(N, 2, L) -> (N, 4, 2, L), stems in the order of SOURCES; L is config.segment."""

    def __init__(self, config: HTDemucsConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.channels * 2**k for k in range(config.depth)]
        outputs = len(SOURCES) * AUDIO_CHANNELS
        # The spectrogram has two channels per audio channel, real and imaginary.
        self.encoder = _encoders(config, 2 * AUDIO_CHANNELS, widths)
        self.tencoder = _encoders(config, AUDIO_CHANNELS, widths)
        self.decoder = _decoders(config, 2 * outputs, widths, axes=2)
        self.tdecoder = _decoders(config, outputs, widths, axes=1)
        self.freq_emb = mx.zeros((config.fft // 2 // STRIDE, config.channels))
        self.channel_upsampler = nn.Linear(widths[-1], config.bottom)
        self.channel_downsampler = nn.Linear(config.bottom, widths[-1])
        self.channel_upsampler_t = nn.Linear(widths[-1], config.bottom)
        self.channel_downsampler_t = nn.Linear(config.bottom, widths[-1])
        self.crosstransformer = CrossTransformer(config)

    def __call__(self, mix: mx.array) -> mx.array:
        N, C, L = mix.shape
        x, mean, std = _normalise(to_spectrum(mix, self.config.fft))
        xt, mean_t, std_t = _normalise(mix.transpose(0, 2, 1))

        skips, skips_t, lengths, lengths_t = [], [], [], []
        for k, (encode, encode_t) in enumerate(zip(self.encoder, self.tencoder, strict=True)):
            lengths.append(x.shape[1])
            lengths_t.append(xt.shape[1])
            x, xt = encode(x), encode_t(xt)
            if k == 0:
                x = x + FREQUENCY_WEIGHT * self.freq_emb[:, None, :]
            skips.append(x)
            skips_t.append(xt)

        x, xt = self.crosstransformer(self.channel_upsampler(x), self.channel_upsampler_t(xt))
        x, xt = self.channel_downsampler(x), self.channel_downsampler_t(xt)

        for decode, decode_t in zip(self.decoder, self.tdecoder, strict=True):
            x = decode(x, skips.pop(), lengths.pop())
            xt = decode_t(xt, skips_t.pop(), lengths_t.pop())

        stems = to_signals(x * std + mean, self.config.fft, L)
        stems_t = (xt * std_t + mean_t).transpose(0, 2, 1)
        return (stems + stems_t).reshape(N, len(SOURCES), C, L)


def _encoders(config: HTDemucsConfig, inputs: int, widths: list[int]) -> list[EncoderLayer]:
    return [EncoderLayer(config, a, b) for a, b in zip([inputs, *widths[:-1]], widths, strict=True)]


def _decoders(
    config: HTDemucsConfig, outputs: int, widths: list[int], *, axes: int
) -> list[DecoderLayer]:
    """From the innermost, widest layer to the outermost."""
    outer = [outputs, *widths[:-1]]
    layers = [
        DecoderLayer(config, width, outer[k], axes=axes, last=k == 0)
        for k, width in enumerate(widths)
    ]
    return layers[::-1]


def _normalise(x: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """Each item with mean 0 and deviation 1, and the mean and deviation, (N, 1, ..., 1)."""
    flat = x.reshape(x.shape[0], -1)
    n = flat.shape[1]
    mean = _total(flat) / n
    std = mx.sqrt(_total(mx.square(flat - mean)) / (n - 1))
    single = (x.shape[0],) + (1,) * (x.ndim - 1)
    mean, std = mean.reshape(single), std.reshape(single)
    return (x - mean) / (STD_EPS + std), mean, std


def _total(x: mx.array) -> mx.array:
    """Sums of long rows, (N, n) -> (N, 1).

    The sum has two steps: MLX's CPU backend adds one number after the other, and over millions of
    numbers the rounding errors would cost three digits.
    """
    N, n = x.shape
    short = mx.pad(x, [(0, 0), (0, -n % _ROW)]).reshape(N, -1, _ROW).sum(axis=-1)
    return short.sum(axis=-1, keepdims=True)
