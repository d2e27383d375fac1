"""Spectrograms of stems that arrive in chunks, so that a long song's stems never fill the memory.

Frames are those of `spectrogram`: frame i is centred on sample 441 i and covers 1024 samples on
each side.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...log_spectrogram import FRAME, magnitudes
from ...network.backend import mx
from ...network.options import Backend
from ...types import HOP

LEAD = -(-FRAME // 2 // HOP)  # frames at the start of a buffer that would need samples before it


def stream_magnitudes(
    chunks: Iterable[mx.array], *, signals: int, backend: Backend = "mlx_fast"
) -> mx.array:
    """Band magnitudes (K, T, 81) of K signals that arrive as chunks (K, n); the same as for the
    whole.
    """
    blocks = []
    held = np.zeros((signals, 0), np.float32)  # samples that later frames will need
    cut, first = 0, 0  # frame centred on the first sample of `held`; next frame to compute
    for chunk in chunks:
        held = np.concatenate([held, np.asarray(chunk)], axis=1)
        # The frames before `ready` need no later sample.
        ready = (cut * HOP + held.shape[1] - FRAME // 2) // HOP + 1
        if ready > first:
            frames = magnitudes(held, backend=backend)
            blocks.append(frames[:, first - cut : ready - cut])
            held = held[:, max(ready - LEAD - cut, 0) * HOP :].copy()
            cut, first = max(ready - LEAD, 0), ready
    blocks.append(magnitudes(held, backend=backend)[:, first - cut :])
    return mx.concatenate(blocks, axis=1)
