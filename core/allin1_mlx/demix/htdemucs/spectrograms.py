"""Spectrograms of stems while they arrive, so that a long song's stems are never all in memory.

Frames are those of `spectrogram`: frame i is centred on sample 441 i and sees 1024 samples to
either side.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...log_spectrogram import FRAME, magnitudes
from ...network.backend import mx
from ...network.options import Backend
from ...types import HOP

LEAD = -(-FRAME // 2 // HOP)  # frames at the beginning of a cut that would see what was cut off


def stream_magnitudes(
    chunks: Iterable[mx.array], *, signals: int, backend: Backend = "mlx_fast"
) -> mx.array:
    """Band magnitudes (K, T, 81) of K signals that come as chunks (K, n), as of the whole."""
    blocks = []
    held = np.zeros((signals, 0), np.float32)  # samples that frames to come will see
    cut, first = 0, 0  # frame on whose centre `held` begins; first frame to come
    for chunk in chunks:
        held = np.concatenate([held, np.asarray(chunk)], axis=1)
        ready = (cut * HOP + held.shape[1] - FRAME // 2) // HOP + 1  # these see no later sample
        if ready > first:
            frames = magnitudes(held, backend=backend)
            blocks.append(frames[:, first - cut : ready - cut])
            held = held[:, max(ready - LEAD - cut, 0) * HOP :].copy()
            cut, first = max(ready - LEAD, 0), ready
    blocks.append(magnitudes(held, backend=backend)[:, first - cut :])
    return mx.concatenate(blocks, axis=1)
