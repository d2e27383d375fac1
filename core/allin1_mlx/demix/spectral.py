"""Spectrograms of stems made from the mix's spectrogram, without a separator.

The network needs only 81-band spectrograms, not audio, so masks on the mix's band magnitudes are
enough. Median filtering (Fitzgerald 2010) separates percussive from harmonic sound. In each band,
each stem gets a share of both. The shares in shares.json were fitted to the true stems of composed
songs (`allin1_mlx_training.shares`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..network.backend import chunk_edges, chunk_length, map_parallel, mx
from ..types import STEMS

HARMONIC_FRAMES = 31  # median along time: sounds that last 0.3 s
PERCUSSIVE_BANDS = 15  # median along frequency: broad sounds
SPREAD = 4  # chunks are shorter by this factor, because a window needs many arrays


def spectral_stems(mix: mx.array) -> mx.array:
    """Split a mix's band magnitudes into four stems.

    mix: (T, 81) float32 linear magnitudes (`spectrogram.magnitudes`). Returns (4, T, 81) in the
    order bass, drums, other, vocals.
    """
    percussive, harmonic = part(mix)
    shares = [mx.array(table)[:, None] for table in load_shares()]
    return shares[0] * percussive + shares[1] * harmonic


def part(mix: mx.array) -> tuple[mx.array, mx.array]:
    """The percussive and the harmonic part of a mix (T, 81); they sum to the mix."""
    share = _wiener_share(_median_over_bands(mix), _median_over_time(mix))
    return mix * share, mix * (1 - share)


@lru_cache(maxsize=1)
def load_shares() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The shares of each stem in the percussive and in the harmonic part: (4, 81) each."""
    path = Path(__file__).parent / "shares.json"
    tables = json.loads(path.read_text(encoding="utf-8"))
    percussive, harmonic = (
        np.array([tables[kind][stem] for stem in STEMS], np.float32)
        for kind in ("percussive", "harmonic")
    )
    return percussive, harmonic


def _wiener_share(part: mx.array, rest: mx.array) -> mx.array:
    power = mx.square(part)
    return power / (power + mx.square(rest) + 1e-10)  # 0 if both are silent


def _median_over_time(mix: mx.array) -> mx.array:
    padded = _reflect(mix, HARMONIC_FRAMES // 2)

    def block(span: tuple[int, int]) -> mx.array:
        start, stop = span
        return _sliding_median(padded[start : stop + HARMONIC_FRAMES - 1], HARMONIC_FRAMES)

    return _in_blocks(block, mix.shape, padded)


def _median_over_bands(mix: mx.array) -> mx.array:
    padded = mx.contiguous(_reflect(mix.T, PERCUSSIVE_BANDS // 2))

    def block(span: tuple[int, int]) -> mx.array:
        return _sliding_median(mx.contiguous(padded[:, slice(*span)]), PERCUSSIVE_BANDS).T

    return _in_blocks(block, mix.shape, padded)


def _in_blocks(
    compute: Callable[[tuple[int, int]], mx.array], shape: tuple[int, ...], padded: mx.array
) -> mx.array:
    T, F = shape
    edges = chunk_edges(T, chunk_length(SPREAD * F, training=False))
    return mx.concatenate(map_parallel(compute, list(pairwise(edges)), padded))


def _sliding_median(x: mx.array, width: int) -> mx.array:
    """The medians of `width` successive rows: (N, M) -> (N - width + 1, M).

    The width is one less than a power of two. Windows of 1, 2, 4, ... rows are sorted for all
    places at once; each is merged from two windows of half its length. One window of each length
    forms the whole window.
    """
    count = len(x) - width + 1
    window, others = [x], _shift([x], width - 1, count)
    for size in (1 << n for n in range(width.bit_length() - 1)):
        places = len(window[0]) - size
        window = _merge(_shift(window, 0, places), _shift(window, size, places))
        # The windows until now cover the end; the next one is before them.
        start = width + 1 - 4 * size
        if start == 0:
            break
        others = _merge(_shift(window, start, count), others)
    return _middle(_shift(window, 0, count), others)


def _shift(window: list[mx.array], start: int, count: int) -> list[mx.array]:
    return [rows[start : start + count] for rows in window]


def _merge(left: list[mx.array], right: list[mx.array]) -> list[mx.array]:
    """Merge two ascending lists of arrays, by Batcher's odd-even merge (Knuth, 5.3.4)."""
    if not left or not right:
        return left + right
    if len(left) == len(right) == 1:
        return [mx.minimum(left[0], right[0]), mx.maximum(left[0], right[0])]
    first = _merge(left[::2], right[::2])
    second = _merge(left[1::2], right[1::2])
    pairs = list(zip(first[1:], second, strict=False))
    merged = [first[0]]
    for one, other in pairs:
        merged += [mx.minimum(one, other), mx.maximum(one, other)]
    return merged + first[1 + len(pairs) :] + second[len(pairs) :]


def _middle(left: list[mx.array], right: list[mx.array]) -> mx.array:
    """The median of two ascending lists of arrays; `left` is longer by one.

    It is the smallest upper bound of i values from the left and j from the right, over all i + j =
    middle.
    """
    median = left[-1]
    for place, array in enumerate(right):
        median = mx.minimum(median, mx.maximum(left[len(left) - 2 - place], array))
    return median


def _reflect(x: mx.array, width: int) -> mx.array:
    """Extend the first axis on both sides by its mirror image, edge value included."""
    length = x.shape[0]
    period = np.arange(-width, length + width) % (2 * length)
    return x[mx.array(np.minimum(period, 2 * length - 1 - period))]
