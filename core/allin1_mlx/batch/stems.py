"""Stored audio of stems: <folder>/bass.wav, drums.wav, other.wav, vocals.wav.

Samples are floats, (C, S) at SAMPLE_RATE, so the files give the same result as the stems in memory.
They are written and read chunk by chunk, so the stems of a long song are never all in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from io import FileIO
from pathlib import Path

import numpy as np
import soundfile

from ..audio import Sink
from ..files import replacing
from ..network.backend import mx
from ..types import SAMPLE_RATE, STEMS
from .receipts import Origin, forget, sign

BLOCK = 1 << 18  # frames


def keep(folder: Path, origin: Origin) -> Callable[[Iterable[mx.array]], Iterator[mx.array]]:
    """A function that writes the chunks (4, C, n) that it receives, and returns them."""

    def write(chunks: Iterable[mx.array]) -> Iterator[mx.array]:
        files = [folder / f"{stem}.wav" for stem in STEMS]
        for file in files:
            forget(file)
        with ExitStack() as stack:
            temporaries = [stack.enter_context(replacing(file)) for file in files]
            writers: list[_Writer] = []
            for chunk in chunks:
                stems = np.asarray(chunk, dtype=np.float32)
                if not writers:
                    writers = [
                        stack.enter_context(_Writer(temporary, stems.shape[1]))
                        for temporary in temporaries
                    ]
                for writer, stem in zip(writers, stems, strict=True):
                    writer.write(stem)
                yield chunk
        for file in files:
            sign(file, origin, size=file.stat().st_size)

    return write


def read_mono(folder: Path) -> Iterator[mx.array]:
    """Yield the stems, mono, as consecutive chunks (4, n)."""
    with ExitStack() as stack:
        sounds = [
            stack.enter_context(soundfile.SoundFile(folder / f"{stem}.wav")) for stem in STEMS
        ]
        while True:
            blocks = [sound.read(BLOCK, dtype="float32", always_2d=True) for sound in sounds]
            if not len(blocks[0]):
                return
            yield mx.array(np.stack([block.mean(axis=1) for block in blocks]))


class _Writer:
    """The file of one stem. Raises OSError if the disk is full."""

    def __init__(self, path: Path, channels: int) -> None:
        self._file = FileIO(path, "wb+")
        self._sink = Sink(self._file)
        # RF64 is WAV that may exceed 4 GiB; readers of WAV can read it.
        self._sound = soundfile.SoundFile(
            self._sink, "w", SAMPLE_RATE, channels, "FLOAT", format="RF64"
        )

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._sound.close()
        self._file.close()
        if self._sink.error is not None:
            raise self._sink.error

    def write(self, stem: np.ndarray) -> None:
        """Append samples (C, n). Raises OSError if the disk is full."""
        self._sound.write(np.ascontiguousarray(stem.T))
        if self._sink.error is not None:
            raise self._sink.error
