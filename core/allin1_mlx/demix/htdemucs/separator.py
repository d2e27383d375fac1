"""Separate whole songs chunk by chunk, so that the memory does not grow with the song.

A song is normalised to mean 0 and deviation 1 and delayed by a random time before it is cut into
segments; so the result depends less on the places of the cuts. After the authors' demucs 4.0.1,
with the same results. Stems are in the order of STEMS; audio is float32 at 44.1 kHz.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from os import PathLike
from random import Random

import numpy as np
from numpy.typing import NDArray

from ...network.backend import has_gpu, mx
from ...types import SAMPLE_RATE, STEMS
from .config import SOURCES
from .network import HTDemucsNetwork
from .segments import DelayedMix, average_streams, segment_offsets, separate_segments
from .state import load_network

MAX_DELAY = SAMPLE_RATE // 2  # samples

_BLOCK = 1 << 22  # number of samples per step for mean and deviation
_SEGMENT_BYTES = 4 << 30  # bytes of memory per segment in a batch
_MAX_BATCH = 8


class HTDemucs:
    """The separator with its weights.

    network: separates one segment. batch: number of segments that it processes at once.
    """

    def __init__(self, network: HTDemucsNetwork, *, compiled: bool = True) -> None:
        self.network = network
        self.batch = _batch_size()
        # Compiling kernels for the CPU takes longer than they save.
        self._forward = mx.compile(network) if compiled and has_gpu() else network

    @classmethod
    def from_checkpoint(cls, path: str | PathLike[str], *, compiled: bool = True) -> HTDemucs:
        """Load the authors' .th file.

        Raises CheckpointError if it is not a valid checkpoint, OSError if it cannot be opened.
        """
        return cls(load_network(path), compiled=compiled)

    def stream(
        self,
        mix: NDArray[np.float32],
        *,
        shifts: int = 1,
        seed: int = 0,
        on_progress: Callable[[float], None] | None = None,
    ) -> Iterator[mx.array]:
        """Yield the stems as consecutive chunks (4, 2, n) on the device.

        mix: (2, S). shifts: number of passes with different delays that are averaged; 0 is one pass
        without delay. seed: of the random delays. on_progress: called with the finished fraction
        after each batch of segments; an exception raised in it stops the work.
        """
        if mix.ndim != 2 or mix.shape[0] != 2:
            raise ValueError(f"a mix of the shape {mix.shape}, expected (2, samples)")
        normalized = DelayedMix(mix, *_level(mix))
        random = Random(seed)
        delays = [MAX_DELAY - random.randint(0, MAX_DELAY) for _ in range(shifts)] or [0]
        mixes = [replace(normalized, delay=delay) for delay in delays]
        segment = self.network.config.segment
        total = sum(len(segment_offsets(delayed.length, segment)) for delayed in mixes)
        progress = _SegmentCounter(on_progress, total)
        streams = [
            separate_segments(
                self._forward, delayed, segment=segment, batch=self.batch, on_batch=progress.advance
            )
            for delayed in mixes
        ]
        order = mx.array([SOURCES.index(name) for name in STEMS])
        for chunk in average_streams(streams):
            stems = chunk[order] * normalized.std + normalized.mean
            mx.eval(stems)
            yield stems


class _SegmentCounter:
    """Counts segments and reports the finished fraction."""

    def __init__(self, on_progress: Callable[[float], None] | None, total: int) -> None:
        self.on_progress = on_progress
        self.total = total
        self.done = 0

    def advance(self, count: int) -> None:
        self.done += count
        if self.on_progress is not None:
            self.on_progress(self.done / self.total)


def _level(mix: NDArray[np.float32]) -> tuple[float, float]:
    """Mean and deviation of the mono version of a mix; in silence the deviation is tiny, not 0."""
    S = max(mix.shape[1], 1)

    def mono() -> Iterator[NDArray[np.float64]]:
        for start in range(0, mix.shape[1], _BLOCK):
            yield mix[:, start : start + _BLOCK].mean(axis=0, dtype=np.float64)

    mean = sum(block.sum() for block in mono()) / S
    squares = sum(((block - mean) ** 2).sum() for block in mono())
    return float(mean), float(np.sqrt(squares / max(S - 1, 1)) + 1e-8)


def _batch_size() -> int:
    """Number of segments at once: one on a CPU, as many as fit into the memory of a GPU."""
    if not has_gpu():
        return 1
    device = mx.device_info()
    # Apple's GPUs share the memory of the machine; NVIDIA's have separate memory.
    memory = int(device["memory_size"] if "memory_size" in device else device["total_memory"])
    return min(max(memory // _SEGMENT_BYTES, 1), _MAX_BATCH)
