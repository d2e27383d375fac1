"""Decode songs of any format, number of channels and sample rate to stereo at SAMPLE_RATE.

Samples are float32, (2, S), full scale at 1, SAMPLE_RATE = 44 100 Hz. Time 0 is the first sample
from the decoder. `stream_audio` yields blocks, so that a song is never in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Generic, TypeVar, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..errors import AudioError
from ..files import printable_name
from ..tags import Tags, read_tags
from ..types import SAMPLE_RATE
from .blocks import Meter, collect, fold, resample
from .containers import check_file, container_name, file_digest, is_text, unchanged
from .decoders import Block, Decoder, SoundfileDecoder, read_ahead
from .ffmpeg import FFMPEG_REMEDY, FfmpegDecoder, has_ffmpeg

T = TypeVar("T")
Consume = Callable[[Iterator[Block], int], T]

RATES = (1_000, 1_000_000)  # Hz: sample rates of music, from telephone to studio
MAX_ROOM = 2 * 3600.0  # most seconds that are reserved because of a header
LARGE = 100_000_000  # bytes; a smaller file is read in less than a second
SLACK = 1.0  # seconds in addition, because containers do not count the last packet's padding
INTEGER_PEAK = 64.0  # float samples beyond this, 36 dB above full scale, are scaled down


@dataclass(frozen=True)
class SoundInfo:
    """Information about a decoded sound file.

    sha256: of the file's bytes, 64 hex digits; it depends on tags and encoding.
    warnings: one line each for the user, beginning with the file's name.
    source_rate, source_frames: sample rate in Hz and number of decoded frames before resampling.
    frames: number of frames at SAMPLE_RATE. tags: title and artist, as the file names them.
    """

    sha256: str
    warnings: tuple[str, ...]
    source_rate: int
    source_frames: int
    frames: int
    tags: Tags

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / SAMPLE_RATE


@dataclass(frozen=True)
class Audio(SoundInfo):
    """A decoded song.

    samples: (2, S) float32 at SAMPLE_RATE; mono is doubled, surround mixed down to stereo.
    """

    samples: NDArray[np.float32]


def load_audio(
    path: str | PathLike[str], *, max_seconds: float | None = None, sha256: str = ""
) -> Audio:
    """Decode a file of any format that libsndfile or ffmpeg can read.

    max_seconds: longer songs raise an error, as do those of more than 12 hours; one second needs
    353 kB of memory. sha256: of the file, if it is known.
    Raises AudioError with one line for the user if there is nothing to analyse. If a file is cut
    off or damaged, the decodable part is returned with a warning.
    """
    samples, info = stream_audio(path, collect, max_seconds=max_seconds, sha256=sha256)
    return Audio(**vars(info), samples=samples)


def stream_audio(
    path: str | PathLike[str],
    consume: Consume[T],
    *,
    max_seconds: float | None = None,
    sha256: str = "",
) -> tuple[T, SoundInfo]:
    """Decode a file block by block, so that its sound is never in memory as a whole.

    consume: called with the blocks (n, 1) or (n, 2) at SAMPLE_RATE and the expected number of
    frames, which may be wrong. A thread decodes in advance. A file that needs another decoder, or
    that is far beyond full scale, is decoded again from the start: then `consume` is called again,
    and only its last result is used.
    Other arguments and errors: see `load_audio`.
    """
    song = Path(path)
    name = printable_name(song)
    check_length(song, max_seconds=max_seconds)
    try:
        with unchanged(song), ThreadPoolExecutor(1, thread_name_prefix="digest") as thread:
            digest = thread.submit(lambda: sha256 or file_digest(song))
            job = _Job(song, name, consume, max_seconds, song.stat().st_size)
            decoded = _decode(job)
            digits = digest.result()
            tags = read_tags(song)
    except MemoryError:
        raise AudioError(
            f"{name}: is too long for this computer's memory; cut it into parts"
        ) from None
    notes, flaw = list(decoded.notes), decoded.flaw
    if decoded.frames == 0:
        raise AudioError(
            f"{name}: no sound can be decoded from it; it is damaged: fetch it again"
            if flaw
            else f"{name}: holds no sound (0 samples); export or fetch it again"
        )
    if flaw:
        notes.append(f"{flaw}; the file is cut off or damaged")
    if decoded.peak > INTEGER_PEAK:
        notes.append(
            f"its samples reach {decoded.peak:.0f} where full scale is 1; they are scaled down"
        )
    warnings = tuple(f"{name}: {note}" for note in notes)
    info = SoundInfo(digits, warnings, decoded.rate, decoded.source_frames, decoded.frames, tags)
    return decoded.result, info


def check_length(path: str | PathLike[str], *, max_seconds: float | None = None) -> None:
    """Raise AudioError if a file cannot be read, or if a large file states that it is too long.

    Otherwise the error would come only when the whole file has been read for its SHA-256.
    """
    check_file(path)
    song = Path(path)
    job = _Job(song, printable_name(song), collect, max_seconds, song.stat().st_size)
    if job.size > LARGE:
        with closing(_open(job)) as decoder:
            _start_meter(decoder, job)


@dataclass(frozen=True)
class _Job(Generic[T]):
    """A file to decode. size: in bytes. The other fields are those of `stream_audio`."""

    song: Path
    name: str
    consume: Consume[T]
    max_seconds: float | None
    size: int


@dataclass(frozen=True)
class _Decoded(Generic[T]):
    """The result of consuming the blocks, and measurements of them.

    rate, source_frames, peak: before resampling. frames: after it. stopped_early: whether decoding
    stopped although much of the file was left.
    """

    result: T  # None without sound
    rate: int
    source_frames: int
    frames: int
    peak: float
    notes: tuple[str, ...]
    flaw: str | None
    stopped_early: bool


def _decode(job: _Job[T]) -> _Decoded[T]:
    """Decode with libsndfile, or with ffmpeg if libsndfile cannot decode the file."""
    decoded = _render(lambda: _open(job), job)
    if decoded.stopped_early and has_ffmpeg():
        try:
            counting = _Job(job.song, job.name, _count, job.max_seconds, job.size)
            trial = _play(FfmpegDecoder(job.song), counting)
        except AudioError:
            return decoded
        if trial.source_frames > decoded.source_frames + decoded.rate // 10:
            longer = _render(lambda: FfmpegDecoder(job.song), job)
            return replace(longer, notes=decoded.notes)
    return decoded


def _count(blocks: Iterator[Block], hint: int) -> int:
    """Consume the blocks and return their number of frames."""
    return sum(len(block) for block in blocks)


def _render(open_file: Callable[[], Decoder], job: _Job[T]) -> _Decoded[T]:
    """Decode a file; a second time if its samples are integers that were stored as floats."""
    decoded = _play(open_file(), job)
    if decoded.peak > INTEGER_PEAK:
        decoded = _play(open_file(), job, full_scale=decoded.peak)
    return decoded


def _open(job: _Job[T]) -> Decoder:
    """Open a file with the first decoder that knows it."""
    try:
        return SoundfileDecoder(job.song)
    except soundfile.LibsndfileError:
        return _open_with_ffmpeg(job.song, job.name)


def _open_with_ffmpeg(song: Path, name: str) -> FfmpegDecoder:
    """Open a file that libsndfile does not know. Raises AudioError with the reason."""
    with song.open("rb") as file:
        container, text = container_name(file), is_text(file)
    if text:
        raise AudioError(f"{name}: is text, not audio; fetch the song itself")
    if has_ffmpeg():
        return FfmpegDecoder(song)
    kind = (
        f"is {container}, which needs ffmpeg"
        if container
        else "is not audio, or a format that needs ffmpeg"
    )
    raise AudioError(f"{name}: {kind}; {FFMPEG_REMEDY}")


def _play(decoder: Decoder, job: _Job[T], *, full_scale: float = 1.0) -> _Decoded[T]:
    """Run a decoder to its end: check, mix down, resample, scale and consume its blocks."""
    with closing(decoder), closing(decoder.blocks()) as blocks:
        rate, channels = decoder.rate, decoder.channels
        meter = _start_meter(decoder, job)
        folded = fold(meter.watch(blocks), channels, vorbis_order=decoder.vorbis_order)
        resampled = resample(folded, rate, min(channels, 2))
        if full_scale != 1:
            resampled = (block / full_scale for block in resampled)
        with closing(read_ahead(resampled)) as ahead:
            filled = (block for block in ahead if len(block))
            first = list(islice(filled, 1))  # without sound, there is nothing to consume
            counted = _Counted(chain(first, filled))
            room = _room(decoder, job.max_seconds)
            result = job.consume(counted, room) if first else cast(T, None)
        return _Decoded(
            result,
            rate,
            meter.frames,
            counted.frames,
            meter.peak,
            decoder.notes,
            decoder.shortfall(meter.frames),
            decoder.stopped_early,
        )


def _start_meter(decoder: Decoder, job: _Job[T]) -> Meter:
    """The meter of an opened file. Raises AudioError if its header cannot be that of music."""
    rate = decoder.rate
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(
            f"{job.name}: has a sample rate of {rate} Hz, which is not music; "
            f"expected {RATES[0]} to {RATES[1]} Hz"
        )
    claimed = decoder.hint / rate
    return Meter(job.name, rate, claimed=claimed, limit=job.max_seconds, size=job.size)


class _Counted:
    """Yield blocks unchanged and count their frames."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self.frames = 0
        self._blocks = blocks

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        block = next(self._blocks)
        self.frames += len(block)
        return block


def _room(decoder: Decoder, max_seconds: float | None) -> int:
    """Number of frames at SAMPLE_RATE to reserve: the expected number, up to a limit."""
    seconds = decoder.hint / decoder.rate
    limit = MAX_ROOM if max_seconds is None else min(MAX_ROOM, max_seconds)
    return round((min(seconds, limit) + SLACK) * SAMPLE_RATE)
