"""FLAC in segments that are decoded side by side.

FLAC's frames know where they belong and need no other, and libsndfile finds a sample exactly: the
segments, each decoded through a file of its own, are together bit for bit what one pass gives
(RFC 9639). Other formats carry state from frame to frame, and are decoded in one pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..cores import count_cores

SEGMENT = 1 << 18  # frames, whole blocks of `decoders`: 6 s, long against finding its start
MOST_THREADS = 8  # more would wait for the one that collects what they give

Block = NDArray[np.float32]


def decode_segments(path: Path, frames: int, channels: int) -> Generator[Block, None, int]:
    """The `frames` of a FLAC file as blocks (SEGMENT, C), the last one shorter.

    Ends before the first segment that cannot be decoded whole; returns the frames it gave. Gives
    nothing where there is nothing to gain: of short songs, and on one core. A block's memory is
    used again when the next one is asked for: fresh memory costs more than what it holds.
    """
    threads = min(count_cores(), MOST_THREADS)
    if threads == 1 or frames < 2 * SEGMENT:
        return 0
    done = 0
    rooms = deque(np.empty((threads + 1, SEGMENT, channels), np.float32))
    ahead: deque[tuple[Block, Future[bool]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="segments")
    try:
        for start in range(0, frames, SEGMENT):
            block = rooms.popleft()[: frames - start]
            ahead.append((block, pool.submit(_decode, path, start, block)))
            while ahead and (not rooms or start + SEGMENT >= frames):
                block, is_whole = ahead.popleft()
                if not is_whole.result():
                    return done
                done += len(block)
                yield block
                rooms.append(block)
    finally:
        pool.shutdown(cancel_futures=True)
    return done


def _decode(path: Path, start: int, room: Block) -> bool:
    """Fill `room` (n, C) with the frames from `start` on; whether they were all to be had."""
    with path.open("rb") as file:
        try:
            with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                sound.seek(start)
                return len(sound.read(dtype="float32", out=room)) == len(room)
        except (soundfile.LibsndfileError, ValueError):  # ValueError: other channels than before
            return False
