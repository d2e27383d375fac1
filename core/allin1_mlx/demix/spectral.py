"""The stems' spectrograms straight from the mix, without a separator.

The network needs only 81-band spectrograms, not audio, so masks on the mix's own band magnitudes
are enough. Median filtering (Fitzgerald 2010) parts what is percussive from what is harmonic; each
stem gets a share of both, band by band. The shares in shares.json were fitted to the true stems of
composed songs (`training.shares`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..backend import mx
from ..types import STEMS

HARMONIC_FRAMES = 31  # median along time: what lasts 0.3 s
PERCUSSIVE_BANDS = 15  # median along frequency: what is broad
BLOCK = 768  # frames computed at once: MLX's CUDA sort takes fewer than 65 536 rows, here 81 each


def spectral_stems(mix: mx.array) -> mx.array:
    """Split a mix's band magnitudes into four stems.

    mix: (T, 81) float32 linear magnitudes (`spectrogram.magnitudes`). Returns (4, T, 81) in the
    order bass, drums, other, vocals.
    """
    percussive, harmonic = part(mix)
    shares = [mx.array(table)[:, None] for table in load_shares()]
    return shares[0] * percussive + shares[1] * harmonic


def part(mix: mx.array) -> tuple[mx.array, mx.array]:
    """What of a mix (T, 81) is percussive and what harmonic, (T, 81) each; their sum is the mix."""
    share = _wiener_share(_median_over_bands(mix), _median_over_time(mix))
    return mix * share, mix * (1 - share)


@lru_cache(maxsize=1)
def load_shares() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Each stem's shares of the percussive and of the harmonic part: (4, 81) each."""
    path = Path(__file__).parent / "shares.json"
    tables = json.loads(path.read_text(encoding="utf-8"))
    percussive, harmonic = (
        np.array([tables[kind][stem] for stem in STEMS], np.float32)
        for kind in ("percussive", "harmonic")
    )
    return percussive, harmonic


def _wiener_share(part: mx.array, rest: mx.array) -> mx.array:
    power = mx.square(part)
    return power / (power + mx.square(rest) + 1e-10)  # 0 where both are silent


def _median_over_time(mix: mx.array) -> mx.array:
    half = HARMONIC_FRAMES // 2
    T, F = mix.shape
    padded = _reflect(mix, half)

    def block(start: int, stop: int) -> mx.array:
        rows = mx.contiguous(padded[start : stop + 2 * half])
        return _median(mx.as_strided(rows, (stop - start, F, HARMONIC_FRAMES), (F, 1, F)))

    return _in_blocks(block, T)


def _median_over_bands(mix: mx.array) -> mx.array:
    half = PERCUSSIVE_BANDS // 2
    T, F = mix.shape
    padded = _reflect(mix.T, half).T
    width = F + 2 * half

    def block(start: int, stop: int) -> mx.array:
        rows = mx.contiguous(padded[start:stop])
        return _median(mx.as_strided(rows, (stop - start, F, PERCUSSIVE_BANDS), (width, 1, 1)))

    return _in_blocks(block, T)


def _in_blocks(compute: Callable[[int, int], mx.array], T: int, *, axis: int = 0) -> mx.array:
    blocks = []
    for start in range(0, T, BLOCK):
        blocks.append(compute(start, min(start + BLOCK, T)))
        mx.eval(blocks[-1])
    return mx.concatenate(blocks, axis=axis)


def _median(windows: mx.array) -> mx.array:
    """Median over the last axis, whose length is odd."""
    middle = windows.shape[-1] // 2
    # A copy: a slice would keep all the windows in memory.
    return mx.contiguous(mx.partition(windows, middle, axis=-1)[..., middle])


def _reflect(x: mx.array, width: int) -> mx.array:
    """Continue the first axis by its mirror image (edge repeated) on both sides."""
    length = x.shape[0]
    period = np.arange(-width, length + width) % (2 * length)
    return x[mx.array(np.minimum(period, 2 * length - 1 - period))]
