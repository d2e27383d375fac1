"""The loudness of a song over time, to draw its waveform.

FPS values per second; 255 is the highest peak of the song.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types import HOP, SAMPLE_RATE

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


class EnvelopeMeter:
    """Measures the outline of a song that arrives block by block."""

    def __init__(self) -> None:
        self._powers: list[NDArray[np.float64]] = []
        self._rest: NDArray[np.float32] | None = None

    def add(self, samples: NDArray[np.float32]) -> None:
        """Measure a block (C, n); n may differ between blocks."""
        if self._rest is not None:
            samples = np.concatenate([self._rest, samples], axis=1)
        whole = samples.shape[1] // HOP * HOP
        self._rest = samples[:, whole:].copy()
        self._powers.append(_measure(samples[:, :whole]))

    @property
    def envelope(self) -> Envelope:
        """The outline of all blocks so far. The last frame is filled up with silence."""
        rest = np.zeros((1, 0), np.float32) if self._rest is None else self._rest
        last = _measure(np.pad(rest, ((0, 0), (0, -rest.shape[1] % HOP))))
        values = np.sqrt(np.concatenate([*self._powers, last], axis=1))
        scale = 255 / max(float(values[0].max(initial=0.0)), 1e-9)
        return Envelope(*np.rint((values * scale).clip(0, 255)).astype(np.uint8))


def _measure(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Powers (5, n) of n whole frames (C, n HOP): of the peak, mean, and mean by band."""
    framed = samples.reshape(samples.shape[0], -1, HOP)
    peak = np.abs(framed).max(axis=(0, 2)).astype(np.float64)
    power = np.square(framed, dtype=np.float64).mean(axis=(0, 2))
    return np.stack([np.square(peak), power, *_measure_bands(framed.mean(axis=0))])


def _measure_bands(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """The power (3, T) of low, middle and high frequencies in frames (T, HOP)."""
    window = np.hanning(HOP)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    edges = [0, *(round(hz * HOP / SAMPLE_RATE) + 1 for hz in BAND_EDGES), spectrum.shape[1]]
    norm = 2 / (HOP * np.square(window).sum())
    return np.stack([norm * spectrum[:, a:b].sum(axis=1) for a, b in pairwise(edges)])


def pool(values: NDArray[Any], columns: int) -> NDArray[Any]:
    """The maxima of about `columns` parts of equal length of the values (T,)."""
    width = max(-(-len(values) // columns), 1)
    padded = np.pad(values, (0, -len(values) % width), mode="edge")
    return padded.reshape(-1, width).max(axis=1)
