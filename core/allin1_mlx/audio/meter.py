"""Checks samples while they are decoded: length, level, and that they are finite."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..display.times import clock_time
from ..errors import AudioError
from .decoders import Block

MIN_BYTES = 250  # bytes per second: a third of the smallest speech codecs; silence may need less
ALWAYS_PLAUSIBLE = 600.0  # seconds that a file of any size may contain


def find_plausible(size: int, claimed: float) -> float:
    """Seconds after which decoding a file of `size` bytes stops.

    It limits headers that claim more than any real file of that size contains, so that no long song
    can follow such a header.
    """
    plausible = max(ALWAYS_PLAUSIBLE, size / MIN_BYTES)
    return plausible if claimed <= plausible else ALWAYS_PLAUSIBLE


class Meter:
    """Counts the frames of a song, and stops at samples that cannot be analysed."""

    def __init__(
        self, name: str, rate: int, max_seconds: float | None, size: int, plausible: float
    ) -> None:
        self.frames = 0
        self.peak = 0.0
        self._name = name
        self._rate = rate
        self._limit = max_seconds
        self._size = size
        self._plausible = plausible

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
            if self._limit is not None and self.frames > self._limit * self._rate:
                raise AudioError(
                    f"{self._name}: is longer than the limit of {clock_time(self._limit)}; "
                    "cut it into parts or raise the limit"
                )
            if self.frames > self._plausible * self._rate:
                raise AudioError(
                    f"{self._name}: has {self._size} bytes, too few for the more than "
                    f"{clock_time(self._plausible)} that it decodes to; it is nearly all silence, "
                    "or made to fill the memory: cut it"
                )
            yield block
