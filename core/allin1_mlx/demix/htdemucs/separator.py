"""Stems of whole songs: segments that overlap, faded into each other.

A song is brought to mean 0 and deviation 1, shifted a little at random, and cut into segments
that overlap by a quarter; each is weighted by a triangle. Stems come out piece by piece, so that
memory does not grow with the song. After the authors' demucs 4.0.1, whose results these are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from os import PathLike
from random import Random

import numpy as np
from numpy.typing import NDArray

from ...backend import has_gpu, mx
from ...types import SAMPLE_RATE
from .config import SOURCES
from .network import Network
from .state import load_network

STEMS = ("bass", "drums", "other", "vocals")  # the order of this program
OVERLAP = 0.25  # of a segment
MAX_SHIFT = SAMPLE_RATE // 2  # samples

_BLOCK = 1 << 22  # samples looked at once for mean and deviation
_SEGMENT_BYTES = 4 << 30  # memory that one more segment in a batch may take
_MAX_BATCH = 8

Progress = Callable[[float], None]


class HTDemucs:
    """The separator with its weights.

    network: what makes stems of one segment. Segments go through it in batches on a GPU.
    """

    def __init__(self, network: Network, *, compiled: bool = True) -> None:
        self.network = network
        self.batch = _batch_size()
        # Kernels for the CPU would take longer to compile than they save.
        self._forward = mx.compile(network) if compiled and has_gpu() else network

    @classmethod
    def from_checkpoint(cls, path: str | PathLike[str], *, compiled: bool = True) -> HTDemucs:
        """Load the authors' .th file. Raises CheckpointError where it is not one, OSError where
        it cannot be opened."""
        return cls(load_network(path), compiled=compiled)

    def separate(
        self,
        mix: NDArray[np.float32],
        *,
        shifts: int = 1,
        seed: int = 0,
        on_progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """A mix (2, S) at 44.1 kHz -> its stems (4, 2, S) in the order of STEMS.

        Arguments as in `pieces`.
        """
        stems = np.empty((len(STEMS), *mix.shape), np.float32)
        pieces = self.pieces(mix, shifts=shifts, seed=seed, on_progress=on_progress)
        for start, piece in _placed(pieces):
            stems[..., start : start + piece.shape[-1]] = piece
        return stems

    def separate_mono(
        self,
        mix: NDArray[np.float32],
        *,
        shifts: int = 1,
        seed: int = 0,
        on_progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """A mix (2, S) at 44.1 kHz -> its stems (4, S), the mean of their channels."""
        stems = np.empty((len(STEMS), mix.shape[1]), np.float32)
        pieces = self.pieces(mix, shifts=shifts, seed=seed, on_progress=on_progress)
        for start, piece in _placed(pieces):
            stems[:, start : start + piece.shape[-1]] = piece.mean(axis=1)
        return stems

    def pieces(
        self,
        mix: NDArray[np.float32],
        *,
        shifts: int = 1,
        seed: int = 0,
        on_progress: Progress | None = None,
    ) -> Iterator[mx.array]:
        """The stems as consecutive pieces (4, 2, n) on the device, in the order of STEMS.

        mix: (2, S) float32 at 44.1 kHz. shifts: how many differently shifted passes are
        averaged, 0 for one without a shift. seed: chooses the shifts. on_progress: called with
        the share that is done after each batch of segments; what it raises stops the work.
        """
        if mix.ndim != 2 or mix.shape[0] != 2:
            raise ValueError(f"a mix of the shape {mix.shape}, expected (2, samples)")
        mean, std = _level(mix)
        order = mx.array([SOURCES.index(name) for name in STEMS])
        random = Random(seed)
        # A shift moves the song to the right by up to MAX_SHIFT samples of silence.
        places = [MAX_SHIFT - random.randint(0, MAX_SHIFT) for _ in range(shifts)] or [0]
        told = _Told(on_progress, sum(-(-(mix.shape[1] + p) // self._stride) for p in places))
        passes = [self._pass((mix, mean, std), place, told) for place in places]
        for piece in _averaged(passes):
            stems = piece[order] * std + mean
            mx.eval(stems)
            yield stems

    @property
    def _stride(self) -> int:
        """Samples between the beginnings of two segments."""
        return int((1 - OVERLAP) * self.network.config.segment)

    def _pass(
        self, song: tuple[NDArray[np.float32], float, float], place: int, told: _Told
    ) -> Iterator[mx.array]:
        """One pass over the normalised song behind `place` samples of silence: (4, 2, n) each."""
        segment, stride = self.network.config.segment, self._stride
        length = song[0].shape[1] + place
        triangle = mx.array(_triangle(segment))
        offsets = range(0, length, stride)
        pending = mx.zeros((len(SOURCES), 2, 0))  # weighted sums that later segments add to
        weights = mx.zeros((0,))
        for first in range(0, len(offsets), self.batch):
            batch = offsets[first : first + self.batch]
            windows = [_window(song, offset - place, segment, length - offset) for offset in batch]
            outputs = self._forward(mx.array(np.stack(windows)))
            mx.eval(outputs)
            for offset, output in zip(batch, outputs, strict=True):
                size = min(segment, length - offset)
                margin = (segment - size) // 2
                # The last segment of a song is shorter; the reference weights it by the rise.
                weight = triangle[:size]
                pending = _add(pending, output[..., margin : margin + size] * weight)
                weights = _add(weights, weight)
                done = stride if offset + stride < length else size
                piece = pending[..., :done] / weights[:done]
                pending, weights = pending[..., done:], weights[done:]
                skipped = max(place - offset, 0)
                if skipped < done:
                    yield piece[..., skipped:]
            told.advance(len(batch))


class _Told:
    """Counts segments and tells the share that is done."""

    def __init__(self, on_progress: Progress | None, total: int) -> None:
        self.on_progress = on_progress
        self.total = total
        self.done = 0

    def advance(self, count: int) -> None:
        self.done += count
        if self.on_progress is not None:
            self.on_progress(self.done / self.total)


def _window(
    song: tuple[NDArray[np.float32], float, float], start: int, segment: int, left: int
) -> NDArray[np.float32]:
    """What the network sees for the segment at `start`, zeros outside the song: (2, segment).

    A segment with fewer than `segment` samples `left` is put in the middle of its neighbourhood.
    """
    mix, mean, std = song
    begin = start - max(segment - left, 0) // 2
    inside = slice(max(begin, 0), max(min(begin + segment, mix.shape[1]), 0))
    seen = (mix[:, inside] - np.float32(mean)) / np.float32(std)
    before = inside.start - begin
    return np.pad(seen, ((0, 0), (before, segment - before - seen.shape[1])))


def _triangle(segment: int) -> NDArray[np.float32]:
    """Weights of a segment's samples: rising to 1 in the middle, falling to the end."""
    rise = np.arange(1, segment // 2 + 1)
    fall = np.arange(segment - segment // 2, 0, -1)
    return (np.concatenate([rise, fall]) / (segment - segment // 2)).astype(np.float32)


def _add(a: mx.array, b: mx.array) -> mx.array:
    """Sum of two arrays that begin together along the last axis; b is at least as long."""
    still = [(0, 0)] * (a.ndim - 1)
    return mx.pad(a, [*still, (0, b.shape[-1] - a.shape[-1])]) + b


def _averaged(passes: list[Iterator[mx.array]]) -> Iterator[mx.array]:
    """Mean of several streams of pieces (4, 2, n) that are cut differently."""
    if len(passes) == 1:
        yield from passes[0]
        return
    waiting = [mx.zeros((len(SOURCES), 2, 0))] * len(passes)
    ended = False
    while not ended:
        ended = True
        for k, stream in enumerate(passes):
            if waiting[k].shape[-1] == 0 and (piece := next(stream, None)) is not None:
                waiting[k] = piece
            ended = ended and waiting[k].shape[-1] == 0
        size = min(piece.shape[-1] for piece in waiting)
        if size:
            total = sum((piece[..., :size] for piece in waiting[1:]), waiting[0][..., :size])
            yield total / len(passes)
            waiting = [piece[..., size:] for piece in waiting]


def _placed(pieces: Iterator[mx.array]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Each piece as numpy, with its first sample's place."""
    start = 0
    for piece in pieces:
        yield start, np.asarray(piece)
        start += piece.shape[-1]


def _level(mix: NDArray[np.float32]) -> tuple[float, float]:
    """Mean and deviation of a mix's mono version (the deviation of silence is tiny, not 0)."""
    S = max(mix.shape[1], 1)

    def mono() -> Iterator[NDArray[np.float64]]:
        for start in range(0, mix.shape[1], _BLOCK):
            yield mix[:, start : start + _BLOCK].mean(axis=0, dtype=np.float64)

    mean = sum(block.sum() for block in mono()) / S
    squares = sum(((block - mean) ** 2).sum() for block in mono())
    return float(mean), float(np.sqrt(squares / max(S - 1, 1)) + 1e-8)


def _batch_size() -> int:
    """Segments at once: one on a CPU, as many as fit comfortably on a GPU."""
    if not has_gpu():
        return 1
    memory = int(mx.device_info()["memory_size"])
    return min(max(memory // _SEGMENT_BYTES, 1), _MAX_BATCH)
