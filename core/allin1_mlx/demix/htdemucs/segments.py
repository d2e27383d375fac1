"""Segments of a song that overlap by a quarter, separated and faded into each other.

Each segment's stems are weighted by a triangle, summed, and divided by the sum of the weights.
Finished samples leave as soon as no later segment reaches them. Times are samples; X stems.
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
    """A mix (2, S), seen by the network as (samples - mean) / std after `delay` zeros."""

    samples: NDArray[np.float32]
    mean: float = 0.0
    std: float = 1.0
    delay: int = 0

    @property
    def length(self) -> int:
        """With the delay."""
        return self.samples.shape[1] + self.delay

    def window(self, begin: int, size: int) -> NDArray[np.float32]:
        """(2, size) from `begin` on, zeros outside the mix."""
        first = begin - self.delay
        S = self.samples.shape[1]
        inside = slice(min(max(first, 0), S), min(max(first + size, 0), S))
        seen = (self.samples[:, inside] - np.float32(self.mean)) / np.float32(self.std)
        before = inside.start - first if seen.shape[1] else 0
        return np.pad(seen, ((0, 0), (before, size - before - seen.shape[1])))


def segment_offsets(length: int, segment: int) -> range:
    """Where the segments of a song begin."""
    return range(0, length, int((1 - OVERLAP) * segment))


def separate_segments(
    forward: Callable[[mx.array], mx.array],
    mix: DelayedMix,
    *,
    segment: int,
    batch: int,
    on_batch: Callable[[int], None],
) -> Iterator[mx.array]:
    """Stems of a song as consecutive chunks (X, 2, n), without those of its delay.

    forward: (N, 2, segment) -> (N, X, 2, segment), called with up to `batch` segments.
    on_batch: called with the number of segments after each batch.
    """
    offsets = segment_offsets(mix.length, segment)
    triangle = mx.array(_triangle(segment))
    sums: mx.array | None = None  # weighted stems that later segments add to
    weights = mx.zeros((0,))
    for first in range(0, len(offsets), batch):
        chosen = offsets[first : first + batch]
        # A last, shorter segment is put in the middle of its neighbourhood.
        sizes = [min(segment, mix.length - offset) for offset in chosen]
        margins = [(segment - size) // 2 for size in sizes]
        windows = [mix.window(a - b, segment) for a, b in zip(chosen, margins, strict=True)]
        outputs = forward(mx.array(np.stack(windows)))
        mx.eval(outputs)
        for output, offset, size, margin in zip(outputs, chosen, sizes, margins, strict=True):
            # It is weighted by the beginning of the triangle, as the reference does.
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
    """Mean of equally long streams of chunks (X, 2, n) that are cut differently."""
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
    """Weights of a segment's samples: rising to 1 in the middle, falling to the end."""
    rise = np.arange(1, segment // 2 + 1)
    fall = np.arange(segment - segment // 2, 0, -1)
    return (np.concatenate([rise, fall]) / (segment - segment // 2)).astype(np.float32)


def _add(a: mx.array, b: mx.array) -> mx.array:
    """Sum of two arrays that begin together along the last axis; b is at least as long."""
    still = [(0, 0)] * (a.ndim - 1)
    return mx.pad(a, [*still, (0, b.shape[-1] - a.shape[-1])]) + b
