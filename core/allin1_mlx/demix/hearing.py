"""Decode a song once, and measure everything in the same pass.

    file -> blocks (n, C) -> onsets, spectrograms (K, T, 81), outline; the samples if needed

All samples are in memory only if they are needed together: for a separator, or for a click over
them. MLX is imported only if spectrograms are made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio import Collector, SoundInfo, stream_audio
from ..decoding.onsets import OnsetEnvelope, OnsetMeter
from ..display.pictures.envelope import Envelope, EnvelopeMeter
from ..display.timings import StageTime
from ..options import Backend
from ..types import Progress

Block = NDArray[np.float32]
Through = Callable[[Iterator[Block], int], Iterator[Block]]


@dataclass(frozen=True)
class Wanted:
    """The measurements of a song besides its length and its onsets.

    inputs: number of spectrograms: 1 of the mix, 4 of its spectral stems, 0 for none. envelope:
    whether the outline is measured. samples: whether the samples are kept.
    """

    inputs: int
    backend: Backend = "mlx_fast"
    envelope: bool = False
    samples: bool = False


@dataclass(frozen=True, eq=False)
class Heard:
    """The measurements of a song.

    values: (K, T, 81) float32. samples: (2, S) float32. values, envelope and samples are None if
    they were not requested. stages: the times of decoding and of the spectrograms.
    """

    info: SoundInfo
    onsets: OnsetEnvelope
    values: NDArray[np.float32] | None
    envelope: Envelope | None
    samples: NDArray[np.float32] | None
    stages: tuple[StageTime, ...]


def hear(
    path: str | PathLike[str],
    wanted: Wanted,
    *,
    max_seconds: float | None = None,
    sha256: str = "",
    through: Through = lambda blocks, expected: blocks,
) -> Heard:
    """Decode a song and measure it.

    through: called with the blocks (n, 1) or (n, 2) and the expected number of frames, which may be
    wrong; yields the blocks, for example after writing them. It is called again if the song has to
    be decoded again; only the last call counts.
    Other arguments and errors: see `load_audio`.
    """
    start, tick = time.time(), time.perf_counter()

    def listen(blocks: Iterator[Block], hint: int) -> _Listener:
        listener = _Listener(wanted, hint)
        listener.run(through(blocks, hint), hint)
        return listener

    listener, info = stream_audio(path, listen, max_seconds=max_seconds, sha256=sha256)
    took = time.perf_counter() - tick
    measuring = listener.measuring if wanted.inputs else 0.0
    middle = start + took - measuring
    stages = [StageTime("decode", fspath(path), start, middle, took - measuring)]
    if wanted.inputs:
        stages.append(StageTime("spectrogram", fspath(path), middle, middle + measuring, measuring))
    return Heard(
        info=info,
        onsets=listener.onsets.envelope,
        values=listener.values,
        envelope=None if listener.outline is None else listener.outline.envelope,
        samples=None if listener.kept is None else listener.kept.samples,
        stages=tuple(stages),
    )


def report_progress(
    on_progress: Progress, blocks: Iterator[Block], expected: int
) -> Iterator[Block]:
    """Yield the blocks and report the fraction of `expected` frames as the stage "decode"."""
    done = 0
    for block in blocks:
        on_progress("decode", min(done / max(expected, 1), 1.0))
        done += len(block)
        yield block


class _Listener:
    """Measures blocks as they arrive. measuring: seconds in which it did not wait for blocks."""

    def __init__(self, wanted: Wanted, hint: int) -> None:
        self.onsets = OnsetMeter()
        self.outline = EnvelopeMeter() if wanted.envelope else None
        self.kept = Collector(hint) if wanted.samples else None
        self.values: NDArray[np.float32] | None = None
        self.measuring = 0.0
        self._wanted = wanted

    def run(self, blocks: Iterator[Block], hint: int) -> None:
        """Measure all blocks. hint: the expected number of frames."""
        begin = time.perf_counter()
        mono = self._mono(blocks)
        if self._wanted.inputs:
            self.values = _spectrograms(mono, self._wanted, hint)
        else:
            for _ in mono:
                pass
        self.measuring += time.perf_counter() - begin

    def _mono(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield the mean of both channels, (1, n), block by block."""
        while True:
            tick = time.perf_counter()
            block = next(blocks, None)
            self.measuring -= time.perf_counter() - tick
            if block is None:
                return
            mono = block[:, 0] if block.shape[1] == 1 else (block[:, 0] + block[:, 1]) * 0.5
            self.onsets.add(mono)
            if self.outline is not None:
                self.outline.add(block.T)
            if self.kept is not None:
                self.kept.add(block)
            yield mono[None]


def _spectrograms(mono: Iterator[Any], wanted: Wanted, hint: int) -> NDArray[np.float32]:
    """The spectrograms (K, T, 81) of the mix or of its spectral stems."""
    from ..log_spectrogram import frame_count, gather, logarithm, stream_magnitudes
    from ..network.backend import mx

    magnitudes = stream_magnitudes(mono, signals=1, backend=wanted.backend)
    room = frame_count(hint)
    if wanted.inputs == 1:
        return gather(map(logarithm, magnitudes), signals=1, room=room)
    from .spectral import spectral_stems

    mix = mx.array(gather(magnitudes, signals=1, room=room)[0])
    return np.array(logarithm(spectral_stems(mix)))
