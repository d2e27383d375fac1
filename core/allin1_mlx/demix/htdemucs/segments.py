"""Separate a song in segments that overlap by a quarter and are cross-faded.

The stems of each segment are weighted by a triangle, summed, and divided by the sum of the weights.
Finished samples are returned as soon as no later segment reaches them. Times are samples; X stems.
After the authors' demucs 4.0.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...network.backend import mx

OVERLAP = 0.25  # of a segment


@dataclass(frozen=True)
class DelayedMix:
    """A mix (2, S) as the network reads it: (samples - mean) / std, after `delay` zeros."""

    samples: NDArray[np.float32]
    mean: float = 0.0
    std: float = 1.0
    delay: int = 0

    @property
    def length(self) -> int:
        """Length of the mix with its delay."""
        return self.samples.shape[1] + self.delay

    def window(self, begin: int, size: int) -> NDArray[np.float32]:
        """(2, size) samples from `begin` on, with zeros outside the mix."""
        first = begin - self.delay
        S = self.samples.shape[1]
        inside = slice(min(max(first, 0), S), min(max(first + size, 0), S))
        seen = (self.samples[:, inside] - np.float32(self.mean)) / np.float32(self.std)
        before = inside.start - first if seen.shape[1] else 0
        return np.pad(seen, ((0, 0), (before, size - before - seen.shape[1])))


def segment_offsets(length: int, segment: int) -> range:
    """The first samples of all segments of a song."""
    return range(0, length, int((1 - OVERLAP) * segment))


def separate_segments(
    forward: Callable[[mx.array], mx.array],
    mix: DelayedMix,
    *,
    segment: int,
    batch: int,
    on_batch: Callable[[int], None],
) -> Iterator[mx.array]:
    """Yield the stems of a song as consecutive chunks (X, 2, n), without the delay.

    forward: (N, 2, segment) -> (N, X, 2, segment), called with up to `batch` segments.
    on_batch: called with the number of segments after each batch.
    """
    offsets = segment_offsets(mix.length, segment)
    triangle = mx.array(_triangle(segment))
    sums: mx.array | None = None  # weighted stems to which later segments will be added
    weights = mx.zeros((0,))
    for first in range(0, len(offsets), batch):
        chosen = offsets[first : first + batch]
        # The last, shorter segment is centred in a full one with its surroundings.
        sizes = [min(segment, mix.length - offset) for offset in chosen]
        margins = [(segment - size) // 2 for size in sizes]
        windows = [mix.window(a - b, segment) for a, b in zip(chosen, margins, strict=True)]
        outputs = forward(mx.array(np.stack(windows)))
        mx.eval(outputs)
        for output, offset, size, margin in zip(outputs, chosen, sizes, margins, strict=True):
            # Its weights are the beginning of the triangle, as in the reference.
            weight = triangle[:size]
            weighted = output[..., margin : margin + size] * weight
            sums = weighted if sums is None else _add(sums, weighted)
            weights = _add(weights, weight)
            done = size if offset == offsets[-1] else offsets.step
            if (skipped := max(mix.delay - offset, 0)) < done:
                yield (sums[..., :done] / weights[:done])[..., skipped:]
            sums, weights = sums[..., done:], weights[done:]
        on_batch(len(chosen))


def average_streams(streams: list[Iterator[mx.array]]) -> Iterator[mx.array]:
    """The mean of streams of chunks (X, 2, n) of equal total length but with different chunk
    lengths.
    """
    chunks: list[mx.array | None] = [next(stream, None) for stream in streams]
    while present := [chunk for chunk in chunks if chunk is not None]:
        size = min(chunk.shape[-1] for chunk in present)
        total = present[0][..., :size]
        for chunk in present[1:]:
            total = total + chunk[..., :size]
        yield total / len(streams)
        for k, chunk in enumerate(present):
            chunks[k] = chunk[..., size:] if chunk.shape[-1] > size else next(streams[k], None)


def _triangle(segment: int) -> NDArray[np.float32]:
    """The weights of a segment's samples: they rise to 1 in the middle and fall to the end."""
    rise = np.arange(1, segment // 2 + 1)
    fall = np.arange(segment - segment // 2, 0, -1)
    return (np.concatenate([rise, fall]) / (segment - segment // 2)).astype(np.float32)


def _add(a: mx.array, b: mx.array) -> mx.array:
    """The sum of two arrays that start together along the last axis; b is at least as long as a."""
    still = [(0, 0)] * (a.ndim - 1)
    return mx.pad(a, [*still, (0, b.shape[-1] - a.shape[-1])]) + b
