"""The network's input: logarithmic filterbank spectrograms, 81 bands, 100 frames per second.

Frame i is centred on sample 441 i, with zeros outside the signal; T = ceil(samples / 441). The
value of a band is log10(1 + filtered magnitude) of samples in [-1, 1). After Böck et al. (madmom,
2016) as used by Kim & Nam (2023).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .filterbank import BINS, FRAME, filterbank
from .network.backend import has_gpu, mx
from .network.chunks import side_by_side
from .types import HOP

BLOCK, GPU_BLOCK = 256, 8192  # frames computed at once, on a CPU and on a GPU

Backend = Literal["mlx_fast", "mlx"]


def frame_count(samples: int) -> int:
    """Frames of a signal of so many samples at 44.1 kHz."""
    return -(-samples // HOP)


def magnitudes(signals: NDArray[np.float32], *, backend: Backend = "mlx_fast") -> mx.array:
    """Filtered magnitudes, before the logarithm.

    signals: (K, S) float32 in [-1, 1) at 44.1 kHz. Returns (K, T, 81) float32 on the device.
    """
    filter_block = _BACKENDS[backend]
    K, S = signals.shape
    T = frame_count(S)
    if T == 0:
        return mx.zeros((K, 0, filterbank().shape[1]))
    block = GPU_BLOCK if has_gpu() else BLOCK
    blocks = side_by_side(
        lambda start: filter_block(_frames(signals, start, min(start + block, T))),
        range(0, T, block),
    )
    return mx.concatenate(blocks, axis=1)


def logarithm(magnitude: mx.array) -> mx.array:
    """log10(1 + magnitude), the network's input."""
    return mx.log10(1 + magnitude)


def spectrogram(signals: NDArray[np.float32], *, backend: Backend = "mlx_fast") -> mx.array:
    """Log filterbank spectrogram of K mono signals.

    signals: (K, S) float32 in [-1, 1) at 44.1 kHz. Returns (K, T, 81) float32 on the device.
    """
    return logarithm(magnitudes(signals, backend=backend))


def _frames(signals: NDArray[np.float32], start: int, stop: int) -> mx.array:
    """Overlapping frames start .. stop - 1 of each signal: (K, stop - start, 2048), unwindowed."""
    K, S = signals.shape
    first = start * HOP - FRAME // 2
    last = (stop - 1) * HOP + FRAME // 2
    covered = signals[:, max(first, 0) : min(last, S)]
    padding = (max(-first, 0), max(last - S, 0))
    samples = mx.array(np.pad(covered, ((0, 0), padding)))
    length = last - first
    return mx.as_strided(samples, (K, stop - start, FRAME), (length, HOP, 1))


def _window() -> mx.array:
    return mx.array(np.hanning(FRAME).astype(np.float32))


def _filter_fast(frames: mx.array) -> mx.array:
    """Real FFT; each group of neighbouring bands is multiplied with its own bins only."""
    spectrum = mx.fft.rfft(frames * _window())
    magnitude = mx.sqrt(mx.square(spectrum.real) + mx.square(spectrum.imag))
    bands = [magnitude[..., low:high] @ mx.array(weights) for low, high, weights in _band_groups()]
    return mx.concatenate(bands, axis=-1)


@lru_cache(maxsize=1)
def _band_groups() -> tuple[tuple[int, int, NDArray[np.float32]], ...]:
    """The filterbank in dense pieces: (first bin, end bin, weights of nine bands on them)."""
    groups = []
    for bands in np.split(filterbank(), 9, axis=1):
        used = np.flatnonzero(bands.any(axis=1))
        low, high = int(used[0]), int(used[-1]) + 1
        groups.append((low, high, np.ascontiguousarray(bands[low:high])))
    return tuple(groups)


def _filter_reference(frames: mx.array) -> mx.array:
    """The definition, word for word: complex FFT, magnitude, one product with the filterbank."""
    spectrum = mx.fft.fft(frames * _window())[..., :BINS]
    return mx.abs(spectrum) @ mx.array(filterbank())


_BACKENDS: dict[str, Callable[[mx.array], mx.array]] = {
    "mlx_fast": _filter_fast,
    "mlx": _filter_reference,
}
