"""The network's input: logarithmic filterbank spectrograms, 81 bands, 100 frames per second.

Frame i is centred on sample 441 i, with zeros outside the signal; T = ceil(samples / 441). The
value of a band is log10(1 + filtered magnitude) of samples in [-1, 1).

The bands are triangles between neighbouring semitones, each with sum 1. A filter rises from the FFT
bin of one semitone (weight 0) to the bin of the next (weight 1) and falls to the one after that
(excluded). Low semitones share bins; there, a band is a single bin. After Böck et al. (madmom,
2016) as used by Kim & Nam (2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .network.backend import has_gpu, map_parallel, mx
from .options import Backend
from .types import HOP, SAMPLE_RATE

FRAME = 2048  # samples per frame
BINS = FRAME // 2  # the Nyquist bin is dropped
BANDS_PER_OCTAVE = 12
LOWEST, HIGHEST = 30.0, 17_000.0  # Hz
A4 = 440.0  # Hz

LEAD = -(-FRAME // 2 // HOP)  # frames at the start of a buffer that would need samples before it
BLOCK, GPU_BLOCK = 256, 8192  # number of frames computed at once, on a CPU and on a GPU


def frame_count(samples: int) -> int:
    """Number of frames of a signal, from its number of samples at 44.1 kHz."""
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
    blocks = map_parallel(
        lambda start: filter_block(_frames(signals, start, min(start + block, T))),
        range(0, T, block),
    )
    return mx.concatenate(blocks, axis=1)


def stream_magnitudes(
    chunks: Iterable[Any], *, signals: int, backend: Backend = "mlx_fast"
) -> Iterator[mx.array]:
    """Band magnitudes of K signals that arrive in chunks and are never all in memory.

    chunks: consecutive samples (K, n), of NumPy or MLX; n may differ. Yields consecutive frames (K,
    t, 81), which together equal those of the whole.
    """
    held = np.zeros((signals, 0), np.float32)  # samples that later frames will need
    cut, first = 0, 0  # frame centred on the first sample of `held`; next frame to compute
    for chunk in chunks:
        held = np.concatenate([held, np.asarray(chunk)], axis=1)
        # The frames before `ready` need no later sample.
        ready = (cut * HOP + held.shape[1] - FRAME // 2) // HOP + 1
        if ready > first:
            frames = magnitudes(held, backend=backend)
            yield frames[:, first - cut : ready - cut]
            held = held[:, max(ready - LEAD - cut, 0) * HOP :].copy()
            cut, first = max(ready - LEAD, 0), ready
    yield magnitudes(held, backend=backend)[:, first - cut :]


def gather(blocks: Iterable[mx.array], *, signals: int, room: int) -> NDArray[np.float32]:
    """Join consecutive frames (K, t, 81) to one array (K, T, 81). room: the expected T."""
    values, filled = np.empty((signals, room, filterbank().shape[1]), np.float32), 0
    for block in blocks:
        needed = filled + block.shape[1]
        if needed > values.shape[1]:
            larger = np.empty((signals, needed + needed // 2, values.shape[2]), np.float32)
            larger[:, :filled] = values[:, :filled]
            values = larger
        values[:, filled:needed] = np.asarray(block)
        filled = needed
    return np.ascontiguousarray(values[:, :filled])


def logarithm(magnitude: mx.array) -> mx.array:
    """log10(1 + magnitude), the network's input."""
    return mx.log10(1 + magnitude)


def spectrogram(signals: NDArray[np.float32], *, backend: Backend = "mlx_fast") -> mx.array:
    """Log filterbank spectrogram of K mono signals.

    signals: (K, S) float32 in [-1, 1) at 44.1 kHz. Returns (K, T, 81) float32 on the device.
    """
    return logarithm(magnitudes(signals, backend=backend))


def _frames(signals: NDArray[np.float32], start: int, stop: int) -> mx.array:
    """Overlapping frames, start to stop - 1, of each signal: (K, stop - start, 2048), no window."""
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
    """The fast path: real FFT, and one product per group of neighbouring bands with its bins."""
    spectrum = mx.fft.rfft(frames * _window())
    magnitude = mx.sqrt(mx.square(spectrum.real) + mx.square(spectrum.imag))
    bands = [magnitude[..., low:high] @ mx.array(weights) for low, high, weights in _band_groups()]
    return mx.concatenate(bands, axis=-1)


@lru_cache(maxsize=1)
def _band_groups() -> tuple[tuple[int, int, NDArray[np.float32]], ...]:
    """The filterbank in dense parts: (first bin, end bin, weights of nine bands in these bins)."""
    groups = []
    for bands in np.split(filterbank(), 9, axis=1):
        used = np.flatnonzero(bands.any(axis=1))
        low, high = int(used[0]), int(used[-1]) + 1
        groups.append((low, high, np.ascontiguousarray(bands[low:high])))
    return tuple(groups)


def _filter_reference(frames: mx.array) -> mx.array:
    """The reference path: complex FFT, magnitude, one product with the whole filterbank."""
    spectrum = mx.fft.fft(frames * _window())[..., :BINS]
    return mx.abs(spectrum) @ mx.array(filterbank())


_BACKENDS: dict[str, Callable[[mx.array], mx.array]] = {
    "mlx_fast": _filter_fast,
    "mlx": _filter_reference,
}


@lru_cache(maxsize=1)
def band_edges() -> NDArray[np.int64]:
    """The FFT bins of the semitones, ascending, without repeats: (83,). Band j spans j to j + 2."""
    octaves = np.log2(np.array([LOWEST, HIGHEST]) / A4)
    first, last = np.ceil(octaves[0] * BANDS_PER_OCTAVE), np.floor(octaves[1] * BANDS_PER_OCTAVE)
    semitones = A4 * 2.0 ** (np.arange(first, last + 1) / BANDS_PER_OCTAVE)
    # A frequency halfway between two bins belongs to the upper one.
    nearest = np.floor(semitones * FRAME / SAMPLE_RATE + 0.5).astype(np.int64)
    return np.unique(np.clip(nearest, 1, BINS - 1))


@lru_cache(maxsize=1)
def filterbank() -> NDArray[np.float32]:
    """Triangular filters, each with sum 1: (1024 bins, 81 bands) float32."""
    edges = band_edges()
    weights = np.zeros((BINS, len(edges) - 2), np.float64)
    for band, (start, centre, stop) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        if stop - start < 2:
            weights[start, band] = 1.0
            continue
        weights[start:centre, band] = np.arange(centre - start) / (centre - start)
        weights[centre:stop, band] = 1 - np.arange(stop - centre) / (stop - centre)
    return (weights / weights.sum(axis=0)).astype(np.float32)


@lru_cache(maxsize=1)
def band_frequencies() -> NDArray[np.float32]:
    """Centre of each band in Hz: (81,) float32."""
    bins = np.arange(BINS) * (SAMPLE_RATE / FRAME)
    return (bins @ filterbank()).astype(np.float32)
