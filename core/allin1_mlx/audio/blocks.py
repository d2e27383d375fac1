"""Blocks of samples between decoder and song: check them, mix channels down, resample.

The result is mono or stereo at SAMPLE_RATE. Surround sound is mixed down with the weights of ITU-R
BS.775 (centre and back at -3 dB, no low-frequency channel), divided by their sum to prevent
clipping. The orders of channels follow the WAVE format and, for Vorbis and Opus, the Vorbis I
specification. Resampling by soxr has linear phase, so nothing moves in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
import soxr
from numpy.typing import NDArray

from ..display.times import clock_time
from ..errors import AudioError
from ..types import LONGEST_AUDIO, SAMPLE_RATE
from .decoders import Block

MIN_BYTES = 250  # bytes per second: a third of the smallest speech codecs; silence may need less
ALWAYS_PLAUSIBLE = 600.0  # seconds that a file of any size may contain


def find_plausible(size: int, claimed: float) -> float:
    """Return the seconds after which decoding a file of `size` bytes stops.

    This protects against headers that claim a longer song than a file of that size can contain.
    """
    plausible = max(ALWAYS_PLAUSIBLE, size / MIN_BYTES)
    return plausible if claimed <= plausible else ALWAYS_PLAUSIBLE


class Meter:
    """Counts the frames of a song, and stops at samples that cannot be analysed.

    A file is refused before decoding if its header claims more than the limit and its size is
    plausible for that.
    """

    def __init__(
        self, name: str, rate: int, *, claimed: float, limit: float | None, size: int
    ) -> None:
        """claimed, limit: seconds. limit: LONGEST_AUDIO if None. size: bytes of the file.

        Raises AudioError if the file claims more than the limit.
        """
        self.frames = 0
        self.peak = 0.0
        self._name = name
        self._rate = rate
        self._limit = LONGEST_AUDIO if limit is None else min(limit, LONGEST_AUDIO)
        self._size = size
        self._plausible = find_plausible(size, claimed)
        if self._limit < claimed <= self._plausible:
            raise self._too_long()

    def watch(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield the blocks (n, C) unchanged. Raises AudioError at NaN, infinity or a limit."""
        for block in blocks:
            peak = float(max(block.max(), -block.min()))  # NaN if any sample is NaN
            if not np.isfinite(peak):
                first = self.frames + int(np.argmax(~np.isfinite(block).all(axis=1)))
                raise AudioError(
                    f"{self._name}: contains samples that are NaN or infinite, first "
                    f"at {clock_time(first / self._rate)}; export it again"
                )
            self.peak = max(self.peak, peak)
            self.frames += len(block)
            if self.frames > self._limit * self._rate:
                raise self._too_long()
            if self.frames > self._plausible * self._rate:
                raise AudioError(
                    f"{self._name}: has {self._size} bytes, too few for a song of more than "
                    f"{clock_time(self._plausible)}; it is nearly all silence, "
                    "or was made to fill the memory: cut it"
                )
            yield block

    def _too_long(self) -> AudioError:
        remedy = "" if self._limit == LONGEST_AUDIO else " or raise the limit"
        return AudioError(
            f"{self._name}: is longer than the limit of {clock_time(self._limit)}; "
            f"cut it into parts{remedy}"
        )


# One letter per channel: L left, R right, C centre, l r rear left and right, b rear centre,
# x low frequencies. The keys are numbers of channels; for others, all channels are averaged.
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


def collect(blocks: Iterator[Block], hint: int) -> Block:
    """Blocks (n, 1) or (n, 2) as one array (2, S). hint: the expected number of frames."""
    collector = Collector(hint)
    for block in blocks:
        collector.add(block)
    return collector.samples


class Collector:
    """Joins blocks to one array.

    Memory for `hint` frames is reserved at the start, so no memory is wasted if the hint is right.
    If it is too small, the array grows. Unused reserved memory costs address space only.
    """

    def __init__(self, hint: int) -> None:
        self._room = np.empty((2, hint), dtype=np.float32)
        self._filled = 0

    @property
    def samples(self) -> Block:
        """All blocks until now, (2, S)."""
        return self._room[:, : self._filled]

    def add(self, block: Block) -> None:
        """Append a block (n, 1) or (n, 2)."""
        needed = self._filled + len(block)
        if needed > self._room.shape[1]:
            larger = np.empty((2, needed + needed // 2), dtype=np.float32)
            larger[:, : self._filled] = self.samples
            self._room = larger
        self._room[:, self._filled : needed] = block.T
        self._filled = needed
