"""The sound of a song in a saved page, compressed, with information for exact timing.

The format is MP3, because all browsers decode it. Decoders leave different amounts of silence at
the start of an MP3 file (none, or up to about 2300 samples). So a page also contains some samples
of the song, the mark. The page searches the mark in the decoded sound.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...types import HOP, SAMPLE_RATE

MARK = 4096  # samples
BEFORE = 512  # samples of the mark before its onset
QUALITY = 0.5  # quality of LAME's variable bit rate: about 130 kbit/s
BLOCK = 1 << 18  # frames at a time


@dataclass(frozen=True)
class PackedSound:
    """A compressed song.

    mp3: the file. frames: its length before compression. mark: (MARK,) samples of the song from
    frame `mark_start` on, both channels added, as 16-bit integers; all 0 where the song is silent.
    """

    mp3: bytes
    frames: int
    mark: NDArray[np.int16]
    mark_start: int

    def to_dict(self) -> dict[str, int | str]:
        """Everything except the MP3 file, for the page's script."""
        return {
            "frames": self.frames,
            "rate": SAMPLE_RATE,
            "mark": base64.b64encode(self.mark.astype("<i2").tobytes()).decode(),
            "markStart": self.mark_start,
        }


def pack_sound(blocks: Iterable[NDArray[np.float32]]) -> PackedSound:
    """Compress a song that arrives in blocks (n, 2) at SAMPLE_RATE, full scale at 1."""
    packed = io.BytesIO()
    frames = 0
    best, mark, mark_start = 0.0, np.zeros(MARK, np.int16), 0
    with soundfile.SoundFile(
        packed,
        "w",
        SAMPLE_RATE,
        2,
        "MPEG_LAYER_III",
        format="MP3",
        compression_level=QUALITY,
        bitrate_mode="VARIABLE",
    ) as file:
        for block in blocks:
            file.write(block)
            onset, rise = _find_onset(block)
            if rise > best:
                best, mark_start = rise, frames + onset
                mono = block[onset : onset + MARK].sum(axis=1) / 2
                mark = np.rint(mono.clip(-1, 1) * 32767).astype(np.int16)
            frames += len(block)
    return PackedSound(packed.getvalue(), frames, mark, mark_start)


def cut(samples: NDArray[np.float32]) -> Iterable[NDArray[np.float32]]:
    """Yield blocks (n, 2) of a song (2, S)."""
    for first in range(0, samples.shape[1], BLOCK):
        yield np.ascontiguousarray(samples[:, first : first + BLOCK].T)


def _find_onset(block: NDArray[np.float32]) -> tuple[int, float]:
    """The possible start of a mark in a block, and the rise of the power there."""
    frames = (len(block) - MARK) // HOP
    if frames < 2:
        return 0, 0.0
    power = np.square(block[: frames * HOP], dtype=np.float64).reshape(frames, -1).mean(axis=1)
    rises = np.diff(power)
    index = int(np.argmax(rises))
    return max((index + 1) * HOP - BEFORE, 0), float(rises[index])
