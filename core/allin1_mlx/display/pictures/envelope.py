"""The loudness of a song over time, to draw its waveform.

FPS values per second; 255 is the highest peak of the song.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types import FPS, HOP, SAMPLE_RATE

BAND_EDGES = (200, 2500)  # Hz between low, middle and high frequencies


@dataclass(frozen=True)
class Envelope:
    """The outline of a song.

    peak, rms: (T,) uint8, highest absolute value and root mean square of each frame.
    low, mid, high: (T,) uint8, root mean square of the frequencies up to 200 Hz, up to 2500 Hz and
    above.
    """

    peak: NDArray[np.uint8]
    rms: NDArray[np.uint8]
    low: NDArray[np.uint8]
    mid: NDArray[np.uint8]
    high: NDArray[np.uint8]

    def divide(self) -> dict[str, NDArray[np.uint8]]:
        """Outlines (T,) to draw over each other: the peak, and the parts of it by band.

        "peak" shows low frequencies where "mid" and "high" do not cover it; the power of each band
        decides about its part of the height.
        """
        low, mid, high = (np.square(band, dtype=np.float64) for band in self._bands)
        total = np.maximum(low + mid + high, 1e-9)
        parts = {"mid": (mid + high) / total, "high": high / total}
        drawn = {name: np.rint(self.peak * np.sqrt(part)) for name, part in parts.items()}
        return {"peak": self.peak, **{k: v.astype(np.uint8) for k, v in drawn.items()}}

    @property
    def _bands(self) -> tuple[NDArray[np.uint8], ...]:
        return self.low, self.mid, self.high


def measure_envelope(samples: NDArray[np.float32]) -> Envelope:
    """Peak and root mean square of each frame of `samples` (2, S), whole and by band."""
    frames = -(-samples.shape[1] // HOP)
    peak, power, bands = np.zeros(frames), np.zeros(frames), np.zeros((3, frames))
    block = 60 * FPS  # one minute at a time, to save memory
    for first in range(0, frames, block):
        part = samples[:, first * HOP : (first + block) * HOP]
        part = np.pad(part, ((0, 0), (0, -part.shape[1] % HOP)))
        framed = part.reshape(part.shape[0], -1, HOP)
        here = slice(first, first + framed.shape[1])
        peak[here] = np.abs(framed).max(axis=(0, 2))
        power[here] = np.square(framed, dtype=np.float64).mean(axis=(0, 2))
        bands[:, here] = _measure_bands(framed.mean(axis=0))
    scale = 255 / max(float(peak.max(initial=0.0)), 1e-9)
    values = np.sqrt(np.stack([np.square(peak), power, *bands])) * scale
    return Envelope(*np.rint(values.clip(0, 255)).astype(np.uint8))


def _measure_bands(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """The power (3, T) of low, middle and high frequencies in frames (T, HOP)."""
    window = np.hanning(HOP)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    edges = [0, *(round(hz * HOP / SAMPLE_RATE) + 1 for hz in BAND_EDGES), spectrum.shape[1]]
    norm = 2 / (HOP * np.square(window).sum())
    return np.stack([norm * spectrum[:, a:b].sum(axis=1) for a, b in pairwise(edges)])


def pool(values: NDArray[Any], columns: int) -> NDArray[Any]:
    """The maxima of about `columns` equal parts of values (T,)."""
    width = max(-(-len(values) // columns), 1)
    padded = np.pad(values, (0, -len(values) % width), mode="edge")
    return padded.reshape(-1, width).max(axis=1)
