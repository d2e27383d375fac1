"""Convert any number of channels and any sample rate to mono or stereo at SAMPLE_RATE.

Surround sound is mixed down with the weights of ITU-R BS.775 (centre and back at -3 dB, no
low-frequency channel), divided by their sum so that nothing can clip. The orders of channels follow
the WAVE format and, for Vorbis and Opus, the Vorbis I specification. Resampling by soxr has linear
phase, so nothing moves in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
import soxr
from numpy.typing import NDArray

from ..types import SAMPLE_RATE
from .decoders import Block

# One letter per channel: L left, R right, C centre, l r left and right behind, b centre behind,
# x low frequencies. By number of channels; other numbers are averaged.
_WAVE = {3: "LRC", 4: "LRlr", 5: "LRClr", 6: "LRCxlr", 7: "LRCxblr", 8: "LRCxlrlr"}
_VORBIS = {3: "LCR", 4: "LRlr", 5: "LCRlr", 6: "LCRlrx", 7: "LCRlrbx", 8: "LCRlrlrx"}

_HALF = sqrt(0.5)
_WEIGHTS = {
    "L": (1.0, 0.0),
    "R": (0.0, 1.0),
    "C": (_HALF, _HALF),
    "l": (_HALF, 0.0),
    "r": (0.0, _HALF),
    "b": (0.5, 0.5),
    "x": (0.0, 0.0),
}


def stereo_weights(channels: int, *, vorbis_order: bool) -> NDArray[np.float32]:
    """The weights of each channel on the left and right: (channels, 2), columns with sum 1."""
    letters = (_VORBIS if vorbis_order else _WAVE).get(channels)
    if letters is None:
        return np.full((channels, 2), 1 / channels, dtype=np.float32)
    weights = np.array([_WEIGHTS[letter] for letter in letters])
    return (weights / weights.sum(axis=0)).astype(np.float32)


def fold(blocks: Iterator[Block], channels: int, *, vorbis_order: bool) -> Iterator[Block]:
    """Mix blocks (n, channels) down to (n, 2); mono and stereo stay the same."""
    if channels <= 2:
        yield from blocks
        return
    weights = stereo_weights(channels, vorbis_order=vorbis_order)
    for block in blocks:
        yield block @ weights


def resample(blocks: Iterator[Block], rate: int, channels: int) -> Iterator[Block]:
    """Convert blocks (n, channels) at `rate` to blocks (m, channels) at SAMPLE_RATE.

    A sample at t seconds stays at t. The duration stays the same, rounded to one sample.
    """
    if rate == SAMPLE_RATE:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, channels, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.zeros((0, channels), dtype=np.float32), last=True)
