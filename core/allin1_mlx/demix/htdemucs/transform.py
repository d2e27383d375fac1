"""The spectrogram for the network's frequency branch, and its inverse.

Frames have `fft` samples and start every fft / 4 samples; periodic Hann window; scaled by 1 /
sqrt(fft); without the Nyquist frequency. There is one frame per complete quarter of the signal:
frame t is centred on the middle of [t hop, (t + 1) hop). Complex numbers become two channels, real
and imaginary. Axes: N signals, C audio channels, L samples, F frequencies, T frames.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...network.backend import mx


def to_spectrum(signals: mx.array, fft: int) -> mx.array:
    """(N, C, L) -> (N, F, T, 2 C), channels as c0 real, c0 imaginary, c1 real, ..."""
    N, C, L = signals.shape
    hop = fft // 4
    T = -(-L // hop)
    left = 3 * hop // 2
    right = left + T * hop - L
    head = signals[..., left:0:-1]
    tail = signals[..., L - 2 : L - 2 - right : -1]
    quarters = mx.concatenate([head, signals, tail], axis=-1).reshape(N, C, T + 3, hop)
    frames = mx.concatenate([quarters[:, :, k : k + T] for k in range(4)], axis=-1)
    spectrum = mx.fft.rfft(frames * mx.array(_window(fft) / np.float32(fft**0.5)))[..., :-1]
    parts = mx.stack([spectrum.real, spectrum.imag], axis=2)  # (N, C, 2, T, F)
    return parts.transpose(0, 4, 3, 1, 2).reshape(N, fft // 2, T, 2 * C)


def to_signals(spectrum: mx.array, fft: int, length: int) -> mx.array:
    """(N, F, T, 2 C) -> (N, C, length), the inverse of `to_spectrum`."""
    N, F, T, C = spectrum.shape
    C //= 2
    hop = fft // 4
    parts = spectrum.reshape(N, F, T, C, 2).transpose(4, 0, 3, 2, 1)  # (2, N, C, T, F)
    nyquist = mx.zeros((N, C, T, 1))
    real, imaginary = (mx.concatenate([part, nyquist], axis=-1) for part in parts)
    frames = mx.fft.irfft(real + 1j * imaginary, n=fft)
    # Squared windows that are a quarter apart sum to 3/2.
    frames = frames * mx.array(_window(fft) * np.float32(fft**0.5 / 1.5))
    quarters = frames.reshape(N, C, T, 4, hop)
    a, b, c, d = (
        mx.pad(quarters[:, :, :, k], [(0, 0), (0, 0), (k, 3 - k), (0, 0)]) for k in range(4)
    )
    left = 3 * hop // 2
    return (a + b + c + d).reshape(N, C, (T + 3) * hop)[..., left : left + length]


@lru_cache(maxsize=1)
def _window(size: int) -> NDArray[np.float32]:
    return np.hanning(size + 1)[:-1].astype(np.float32)
