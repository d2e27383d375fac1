"""The loudness of a song over time, to draw its waveform.

FPS values per second; 255 is the highest peak of the song.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types import FPS, HOP


@dataclass(frozen=True)
class Envelope:
    """The outline of a song.

    peak, rms: (T,) uint8, highest absolute value and root mean square of each frame.
    """

    peak: NDArray[np.uint8]
    rms: NDArray[np.uint8]


def measure_envelope(samples: NDArray[np.float32]) -> Envelope:
    """Peak and root mean square of each frame of `samples` (2, S)."""
    frames = -(-samples.shape[1] // HOP)
    peak, power = np.zeros(frames), np.zeros(frames)
    block = 60 * FPS  # one minute at a time, to save memory
    for first in range(0, frames, block):
        part = samples[:, first * HOP : (first + block) * HOP]
        part = np.pad(part, ((0, 0), (0, -part.shape[1] % HOP)))
        framed = part.reshape(part.shape[0], -1, HOP)
        here = slice(first, first + framed.shape[1])
        peak[here] = np.abs(framed).max(axis=(0, 2))
        power[here] = np.square(framed, dtype=np.float64).mean(axis=(0, 2))
    scale = 255 / max(float(peak.max(initial=0.0)), 1e-9)
    return Envelope(
        peak=np.rint(peak * scale).astype(np.uint8),
        rms=np.rint(np.sqrt(power) * scale).astype(np.uint8),
    )


def pool(values: NDArray[Any], columns: int) -> NDArray[Any]:
    """The maxima of about `columns` equal parts of values (T,)."""
    width = max(-(-len(values) // columns), 1)
    padded = np.pad(values, (0, -len(values) % width), mode="edge")
    return padded.reshape(-1, width).max(axis=1)
