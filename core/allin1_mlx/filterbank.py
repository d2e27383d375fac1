"""The 81 bands: triangles between neighbouring semitones, each normed to sum 1. numpy only.

A filter rises from one semitone's FFT bin (weight 0) to the next (weight 1) and falls to the one
after (excluded); low bands, where semitones share a bin, are single bins. After Böck et al.
(madmom, 2016) as used by Kim & Nam (2023).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .types import SAMPLE_RATE

FRAME = 2048  # samples per frame
BINS = FRAME // 2  # the Nyquist bin is dropped
BANDS_PER_OCTAVE = 12
LOWEST, HIGHEST = 30.0, 17_000.0  # Hz
A4 = 440.0  # Hz


@lru_cache(maxsize=1)
def band_edges() -> NDArray[np.int64]:
    """The semitones' FFT bins, ascending without repeats: (83,). Band j spans edges j .. j + 2."""
    octaves = np.log2(np.array([LOWEST, HIGHEST]) / A4)
    first, last = np.ceil(octaves[0] * BANDS_PER_OCTAVE), np.floor(octaves[1] * BANDS_PER_OCTAVE)
    semitones = A4 * 2.0 ** (np.arange(first, last + 1) / BANDS_PER_OCTAVE)
    # A frequency exactly between two bins goes to the upper one.
    nearest = np.floor(semitones * FRAME / SAMPLE_RATE + 0.5).astype(np.int64)
    return np.unique(np.clip(nearest, 1, BINS - 1))


@lru_cache(maxsize=1)
def filterbank() -> NDArray[np.float32]:
    """Triangular filters, each of sum 1: (1024 bins, 81 bands) float32."""
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
