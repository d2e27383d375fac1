"""Decode sound files to blocks of float samples: the interface of decoders, and libsndfile.

Blocks are (n, C) float32 at the file's own rate, full scale at 1. Before decoding, a decoder has an
expected number of frames, which may be wrong. After decoding it reports missing frames.

FLAC is decoded in segments on all cores. Its frames are independent, and libsndfile finds a sample
exactly, so the result equals that of a single pass (RFC 9639). In other formats, frames depend on
the frames before them, so these are decoded in one pass.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..display.times import clock_time
from ..files import count_cores
from .containers import InfoTag, find_mp3, ogg_end, read_info_tag, wav_data_bytes

Block = NDArray[np.float32]

BLOCK = 1 << 16  # frames per block: 1.5 s, short compared with any song
SEGMENT = 1 << 18  # frames, whole blocks: 6 s, long compared with the search for its start
AHEAD = 2  # blocks that are decoded in advance
MOST_THREADS = 8  # more threads would wait for the thread that collects the blocks

_MP3_LATE = (
    "the mp3 has no LAME/Info tag, so decoders keep the encoder's delay: "
    "all times are about 25 ms later than in the original recording"
)
_UNKNOWN = 1 << 40  # frames; libsndfile reports more if a FLAC header states no length
_STOPS_AT_DAMAGE = ("MP3", "FLAC", "OGG")  # ffmpeg may decode more of these than libsndfile


def part_of(decoded: int, expected: int, rate: int) -> str:
    """A phrase for a file of which only `decoded` of `expected` frames at `rate` can be decoded."""
    return f"only {clock_time(decoded / rate)} of {clock_time(expected / rate)} can be decoded"


class Decoder(Protocol):
    """An opened sound file."""

    rate: int  # Hz
    channels: int
    vorbis_order: bool  # whether surround channels have the order of Vorbis, not of WAVE
    hint: int  # expected frames, 0 if unknown; may be wrong
    notes: tuple[str, ...]  # warnings about a file that can be decoded completely

    @property
    def stopped_early(self) -> bool:
        """Whether decoding stopped although much of the file was left; known after `blocks`."""
        ...

    def blocks(self) -> Generator[Block, None, None]:
        """Decode from the start, block by block, as far as possible."""
        ...

    def shortfall(self, decoded: int) -> str | None:
        """A phrase for what was lost; called after `blocks`, which yielded `decoded` frames."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


def read_ahead(blocks: Iterator[Block]) -> Generator[Block, None, None]:
    """The same blocks, but a thread makes the next ones in advance."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="decode")
    try:
        ahead = deque(thread.submit(next, blocks, None) for _ in range(AHEAD))
        while (block := ahead.popleft().result()) is not None:
            ahead.append(thread.submit(next, blocks, None))
            yield block
    finally:
        thread.shutdown(cancel_futures=True)


def decode_segments(path: Path, frames: int, channels: int) -> Generator[Block, None, int]:
    """Yield `frames` frames of a FLAC file as blocks (SEGMENT, C); the last one is shorter.

    Stops before the first segment that cannot be decoded completely. Returns the number of yielded
    frames. Yields nothing for short songs and on one core, where it would not be faster.
    """
    threads = min(count_cores(), MOST_THREADS)
    if threads == 1 or frames < 2 * SEGMENT:
        return 0
    done = 0
    ahead: deque[tuple[Block, Future[bool]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="segments")
    try:
        for start in range(0, frames, SEGMENT):
            block = np.empty((min(SEGMENT, frames - start), channels), np.float32)
            ahead.append((block, pool.submit(_decode_segment, path, start, block)))
            while len(ahead) > threads or (ahead and start + SEGMENT >= frames):
                block, is_whole = ahead.popleft()
                if not is_whole.result():
                    return done
                done += len(block)
                yield block
    finally:
        pool.shutdown(cancel_futures=True)
    return done


def _decode_segment(path: Path, start: int, room: Block) -> bool:
    """Fill `room` (n, C) with the frames from `start` on. Returns whether all were decoded."""
    with path.open("rb") as file:
        try:
            with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
                sound.seek(start)
                return len(sound.read(dtype="float32", out=room)) == len(room)
        except (soundfile.LibsndfileError, ValueError):  # ValueError: other channels than before
            return False


class SoundfileDecoder:
    """libsndfile: WAV, AIFF, CAF, FLAC, Ogg Vorbis and Opus, MP3 and others, by their content."""

    def __init__(self, path: Path) -> None:
        """Raises soundfile.LibsndfileError if libsndfile does not know the format."""
        self._path = path
        # Opened by descriptor, so the content decides about the format, not the name.
        self._file = path.open("rb")
        self._size = self._file.seek(0, os.SEEK_END)
        try:
            with _held_stderr():
                begin = self._open()
        except BaseException:
            self._file.close()
            raise
        self.rate: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        frames: int = self._sound.frames
        self.hint = frames if frames < _UNKNOWN else 0
        self._format: str = self._sound.format
        self.vorbis_order = self._sound.subtype in ("VORBIS", "OPUS")
        self._tag: InfoTag | None = None
        self.notes: tuple[str, ...] = ()
        if self._format == "MP3":
            with path.open("rb") as file:
                self._tag = read_info_tag(file, begin=begin)
            if self._tag is None or not self._tag.gapless:
                self.notes = (_MP3_LATE,)

    def _open(self) -> int:
        """Open the sound. Returns the byte at which it begins."""
        descriptor = self._file.fileno()
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            self._sound = soundfile.SoundFile(descriptor, closefd=False)
            return 0
        except soundfile.LibsndfileError:
            with self._path.open("rb") as file:
                begin = find_mp3(file)
            if not begin:
                raise
        os.lseek(descriptor, begin, os.SEEK_SET)
        self._sound = soundfile.SoundFile(descriptor, closefd=False)
        return begin

    def close(self) -> None:
        """Close the file."""
        self._sound.close()
        self._file.close()

    def blocks(self) -> Generator[Block, None, None]:
        """See Decoder."""
        done = 0
        if self._format == "FLAC":
            done = yield from decode_segments(self._path, self.hint, self.channels)
        if 0 < done == self.hint:
            self._position = self._size
            return
        # A damaged FLAC file is decoded in one pass from the beginning.
        position, full = 0, True
        while full:
            with _held_stderr() if self._format == "MP3" else nullcontext():
                try:
                    block = self._sound.read(BLOCK, dtype="float32", always_2d=True)
                except soundfile.LibsndfileError:
                    break  # damaged FLAC: `shortfall` finds the missing frames
            full = len(block) == BLOCK
            position += len(block)
            if len(block) and position > done:
                yield block
        self._position = os.lseek(self._file.fileno(), 0, os.SEEK_CUR)

    @property
    def stopped_early(self) -> bool:
        """Whether decoding stopped although much of the file was left."""
        unread = self._size - self._position
        return self._format in _STOPS_AT_DAMAGE and unread > max(1 << 14, self._size // 10)

    def shortfall(self, decoded: int) -> str | None:
        """See Decoder."""
        if self._format == "OGG":
            return self._shortfall_of_ogg(decoded)
        expected = self._promised(decoded)
        if expected is not None:
            return self._lost(decoded, expected)
        if self.stopped_early:
            return f"only the first {self._position / self._size:.0%} of the file can be decoded"
        return None

    def _promised(self, decoded: int) -> int | None:
        """The number of frames in the header; None if it has none or only an estimate."""
        if self._format == "MP3":
            return self.hint if self._tag is not None and self._tag.counts_frames else None
        if self._format == "FLAC":
            return self.hint or None
        if self._format in ("WAV", "WAVEX"):
            with self._path.open("rb") as file:
                data = wav_data_bytes(file)
            return None if data is None else round(decoded * data[0] / max(1, data[1]))
        return None

    def _shortfall_of_ogg(self, decoded: int) -> str | None:
        with self._path.open("rb") as file:
            end = ogg_end(file)
        if end is None:
            return "its end is missing"
        position, is_end = end
        rate = 48_000 if self._sound.subtype == "OPUS" else self.rate
        lost = self._lost(decoded, round(position * self.rate / rate))
        return lost or (None if is_end else "its end is missing")

    def _lost(self, decoded: int, expected: int) -> str | None:
        """A phrase for missing sound; None if less than a tenth of a second is missing."""
        missing = expected - decoded > self.rate // 10
        return part_of(decoded, expected, self.rate) if missing else None


_STDERR_LOCK = threading.Lock()


@contextmanager
def _held_stderr() -> Iterator[None]:
    """Hide messages of libmpg123 about damaged frames.

    It writes them directly to file descriptor 2, and they cannot be switched off. Everything else
    that is written there is shown at the end of the block, which should be short.
    """
    with _STDERR_LOCK, tempfile.TemporaryFile() as held:
        try:
            terminal = os.dup(2)
        except OSError:  # the program has no standard error
            yield
            return
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            for line in held:
                if not line.startswith(_MPG123_NOISE):
                    os.write(2, line)


_MPG123_NOISE = (b"[src/libmpg123", b"Note: ", b"Warning: Xing ", b"Warning: Encountered ")
