"""The features of a song, all extracted in one pass while the song is decoded.

    file -> blocks (n, C) -> onsets, spectrograms (K, T, 81), envelope; the samples if needed

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
class FeatureOptions:
    """The features to extract besides the onsets.

    inputs: number of spectrograms: 1 of the mix, 4 of its spectral stems, 0 for none. envelope:
    whether the envelope is measured. samples: whether the samples are kept.
    """

    inputs: int
    backend: Backend = "mlx_fast"
    envelope: bool = False
    samples: bool = False


@dataclass(frozen=True, eq=False)
class Features:
    """The features of a song.

    spectrograms: (K, T, 81) float32. samples: (2, S) float32. These two and the envelope are None
    if they were not requested. stages: the times of decoding and of the spectrograms.
    """

    info: SoundInfo
    onsets: OnsetEnvelope
    spectrograms: NDArray[np.float32] | None
    envelope: Envelope | None
    samples: NDArray[np.float32] | None
    stages: tuple[StageTime, ...]


def extract_features(
    path: str | PathLike[str],
    options: FeatureOptions,
    *,
    max_seconds: float | None = None,
    sha256: str = "",
    through: Through = lambda blocks, expected: blocks,
) -> Features:
    """Decode a song and extract its features.

    through: called with the blocks (n, 1) or (n, 2) and the expected number of frames, which may be
    wrong; yields the blocks, for example after writing them. It is called again if the song has to
    be decoded again; only the last call counts.
    Other arguments and errors: see `load_audio`.
    """
    start, tick = time.time(), time.perf_counter()

    def extract(blocks: Iterator[Block], hint: int) -> _Extractor:
        extractor = _Extractor(options, hint)
        extractor.run(through(blocks, hint), hint)
        return extractor

    extractor, info = stream_audio(path, extract, max_seconds=max_seconds, sha256=sha256)
    took = time.perf_counter() - tick
    measuring = extractor.measuring if options.inputs else 0.0
    middle = start + took - measuring
    stages = [StageTime("decode", fspath(path), start, middle, took - measuring)]
    if options.inputs:
        stages.append(StageTime("spectrogram", fspath(path), middle, middle + measuring, measuring))
    return Features(
        info=info,
        onsets=extractor.onsets.envelope,
        spectrograms=extractor.spectrograms,
        envelope=None if extractor.envelope is None else extractor.envelope.envelope,
        samples=None if extractor.collector is None else extractor.collector.samples,
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


class _Extractor:
    """Processes blocks as they arrive. measuring: seconds in which it did not wait for blocks."""

    def __init__(self, options: FeatureOptions, hint: int) -> None:
        self.onsets = OnsetMeter()
        self.envelope = EnvelopeMeter() if options.envelope else None
        self.collector = Collector(hint) if options.samples else None
        self.spectrograms: NDArray[np.float32] | None = None
        self.measuring = 0.0
        self._options = options

    def run(self, blocks: Iterator[Block], hint: int) -> None:
        """Measure all blocks. hint: the expected number of frames."""
        begin = time.perf_counter()
        mono = self._mono(blocks)
        if self._options.inputs:
            self.spectrograms = _spectrograms(mono, self._options, hint)
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
            if self.envelope is not None:
                self.envelope.add(block.T)
            if self.collector is not None:
                self.collector.add(block)
            yield mono[None]


def _spectrograms(mono: Iterator[Any], options: FeatureOptions, hint: int) -> NDArray[np.float32]:
    """The spectrograms (K, T, 81) of the mix or of its spectral stems."""
    from ..log_spectrogram import frame_count, gather, logarithm, stream_magnitudes
    from ..network.backend import mx

    magnitudes = stream_magnitudes(mono, signals=1, backend=options.backend)
    room = frame_count(hint)
    if options.inputs == 1:
        return gather(map(logarithm, magnitudes), signals=1, room=room)
    from .spectral import spectral_stems

    mix = mx.array(gather(magnitudes, signals=1, room=room)[0])
    return np.array(logarithm(spectral_stems(mix)))
