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
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..backend import mx
from ..pieces import cut, piece_of, side_by_side
from ..types import STEMS

HARMONIC_FRAMES = 31  # median along time: what lasts 0.3 s
PERCUSSIVE_BANDS = 15  # median along frequency: what is broad
SPREAD = 4  # a window's arrays are many: pieces so much shorter than for one


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
    padded = _reflect(mix, HARMONIC_FRAMES // 2)

    def block(span: tuple[int, int]) -> mx.array:
        start, stop = span
        return _median([padded[start + i : stop + i] for i in range(HARMONIC_FRAMES)])

    return _in_blocks(block, mix.shape, padded)


def _median_over_bands(mix: mx.array) -> mx.array:
    F = mix.shape[1]
    padded = _reflect(mix.T, PERCUSSIVE_BANDS // 2).T

    def block(span: tuple[int, int]) -> mx.array:
        rows = padded[slice(*span)]
        return _median([rows[:, i : i + F] for i in range(PERCUSSIVE_BANDS)])

    return _in_blocks(block, mix.shape, padded)


def _in_blocks(
    compute: Callable[[tuple[int, int]], mx.array], shape: tuple[int, ...], padded: mx.array
) -> mx.array:
    T, F = shape
    edges = cut(T, piece_of(SPREAD * F, training=False))
    return mx.concatenate(side_by_side(compute, list(pairwise(edges)), padded))


def _median(arrays: list[mx.array]) -> mx.array:
    """The median, element by element, of an odd number of arrays.

    They are sorted by Batcher's merge exchange (Knuth, Algorithm 5.2.2M): whole arrays compared in
    a fixed order. Of comparisons that the middle one does not depend on nothing is computed.
    """
    ordered = list(arrays)
    top = 1 << (len(arrays) - 1).bit_length() - 1
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            for i in range(len(ordered) - d):
                if i & p == r:
                    low, high = ordered[i], ordered[i + d]
                    ordered[i], ordered[i + d] = mx.minimum(low, high), mx.maximum(low, high)
            if q == p:
                break
            q, r, d = q // 2, p, q - p
        p //= 2
    return ordered[len(ordered) // 2]


def _reflect(x: mx.array, width: int) -> mx.array:
    """Continue the first axis by its mirror image (edge repeated) on both sides."""
    length = x.shape[0]
    period = np.arange(-width, length + width) % (2 * length)
    return x[mx.array(np.minimum(period, 2 * length - 1 - period))]
