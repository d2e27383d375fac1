"""Write sound files.

Samples are float32, (C, S) at SAMPLE_RATE, full scale at 1. Formats and suffixes are those of
libsndfile.
"""

from __future__ import annotations

from io import FileIO
from os import PathLike
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..errors import AudioError
from ..files import printable_name, replacing
from ..types import SAMPLE_RATE

_WRITTEN = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}
_WRITE_BLOCK = 1 << 18  # frames


def write_audio(
    path: str | PathLike[str], samples: NDArray[np.float32], *, subtype: str | None = None
) -> None:
    """Write samples (C, S) at SAMPLE_RATE as WAV, FLAC, OGG or MP3, by the path's suffix.

    subtype: libsndfile's name of the sample format; default: 16 bits, or the codec's default. The
    file is written completely or not at all. Samples beyond full scale are clipped, except for
    FLOAT. Raises AudioError for another suffix, OSError if the file cannot be written.
    """
    destination = Path(path)
    kind = destination.suffix.lower().removeprefix(".")
    if kind not in _WRITTEN:
        raise AudioError(
            f"{printable_name(path)}: sound is written as {', '.join(_WRITTEN)}, "
            f"not as {kind or 'a file without a suffix'}"
        )
    sample_format = subtype or _WRITTEN[kind]
    channels, frames = samples.shape
    sample_bytes = {"FLOAT": 4, "PCM_24": 3}.get(sample_format, 2)
    huge = kind == "wav" and frames * channels * sample_bytes > 0xFFFF_0000  # RIFF has 32 bits
    with replacing(destination) as temporary, FileIO(temporary, "wb+") as file:
        sink = Sink(file)
        with soundfile.SoundFile(
            sink,
            "w",
            SAMPLE_RATE,
            channels,
            sample_format,
            format="RF64" if huge else kind.upper(),
        ) as sound:
            for start in range(0, frames, _WRITE_BLOCK):
                block = np.ascontiguousarray(samples[:, start : start + _WRITE_BLOCK].T)
                if sink.error is None:
                    sound.write(block)
        if sink.error is not None:
            raise sink.error


class Sink:
    """A file for libsndfile that stores errors, because libsndfile ignores a full disk."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.seek, self.tell, self.read = file.seek, file.tell, file.read
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, and report success to libsndfile; an error is stored in `error`."""
        rest = memoryview(data)
        while rest and self.error is None:
            try:
                rest = rest[self._file.write(rest) :]
            except OSError as e:
                self.error = e
        return len(data)
