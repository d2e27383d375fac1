"""How loud a song is over time, small enough to draw.

FPS columns per second; 255 stands for the song's highest peak.
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

    peak, rms: (T,) uint8, highest and effective value of each frame.
    """

    peak: NDArray[np.uint8]
    rms: NDArray[np.uint8]


def measure_envelope(samples: NDArray[np.float32]) -> Envelope:
    """Peak and effective value of each frame of `samples` (2, S)."""
    frames = -(-samples.shape[1] // HOP)
    peak, power = np.zeros(frames), np.zeros(frames)
    block = 60 * FPS  # a minute at a time, so that no copy of the song is made
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
    """At most about `columns` values (N,), each the highest of those it stands for (T,)."""
    width = max(-(-len(values) // columns), 1)
    padded = np.pad(values, (0, -len(values) % width), mode="edge")
    return padded.reshape(-1, width).max(axis=1)
