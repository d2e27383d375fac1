"""Decoding songs, and writing sound.

Samples are float32, (2, S), full scale at 1, SAMPLE_RATE = 44 100 Hz. Time 0 is the first sample
that a decoder gives. Resampling is soxr's (linear phase, so nothing moves in time).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from io import FileIO
from os import PathLike
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from .channels import collect, fold, resample
from .clocktime import clock_time
from .containers import container_name, is_text
from .decoders import Decoder, SoundfileDecoder
from .errors import AudioError
from .ffmpeg import FFMPEG_REMEDY, FfmpegDecoder, has_ffmpeg
from .files import printable_name, replacing
from .types import SAMPLE_RATE

Samples = NDArray[np.float32]

RATES = (1_000, 1_000_000)  # Hz: what can be music, from telephone to oversampled studio
MAX_ROOM = 2 * 3600.0  # seconds reserved on the word of a header
SLACK = 1.0  # seconds beyond that, as containers leave out the last packet's padding
INTEGER_PEAK = 64.0  # float samples beyond this, 36 dB above full scale, are no music as they are


@dataclass(frozen=True)
class Audio:
    """A decoded song.

    samples: (2, S) float32 at SAMPLE_RATE; mono twice, surround folded to stereo.
    sha256: of the file's bytes, so it changes with tags and encoding; 64 hex digits.
    warnings: what the user should know, a line each, beginning with the file's name.
    source_rate, source_frames: sample rate in Hz and length of what was decoded.
    """

    samples: Samples
    sha256: str
    warnings: tuple[str, ...]
    source_rate: int
    source_frames: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / SAMPLE_RATE


def load_audio(path: str | PathLike[str], *, max_seconds: float | None = None) -> Audio:
    """Decode a file of any format that libsndfile or ffmpeg reads.

    max_seconds: refuse what is longer; memory is 353 kB a second and little more.
    Raises AudioError with one line for the user where there is nothing to analyse. A file that
    is cut off or damaged gives what can be decoded, and a warning.
    """
    song = Path(path)
    name = printable_name(song)
    sha256 = file_digest(song)
    try:
        decoded = _decode(song, name, max_seconds)
    except MemoryError:
        raise AudioError(
            f"{name}: is too long for this computer's memory; cut it into parts"
        ) from None
    samples, notes, flaw = decoded.samples, list(decoded.notes), decoded.flaw
    if decoded.frames == 0:
        raise AudioError(
            f"{name}: no sound can be decoded from it; it is damaged: fetch it again"
            if flaw
            else f"{name}: holds no sound (0 samples); export or fetch it again"
        )
    if flaw:
        notes.append(f"{flaw}; the file is cut off or damaged")
    if decoded.peak > INTEGER_PEAK:
        samples /= decoded.peak
        notes.append(
            f"its samples reach {decoded.peak:.0f} where full scale is 1; they are scaled down"
        )
    warnings = tuple(f"{name}: {note}" for note in notes)
    return Audio(samples, sha256, warnings, decoded.rate, decoded.frames)


def file_digest(path: str | PathLike[str]) -> str:
    """SHA-256 of a file's bytes as 64 hex digits.

    Raises AudioError where there is no file, or nothing in it, or no permission to read it.
    """
    name = printable_name(path)
    digest = hashlib.sha256()
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(f"{name}: is a folder; name the sound files in it")
        if not stat.S_ISREG(mode):
            raise AudioError(f"{name}: is not a regular file; save the sound to a file first")
        with open(path, "rb") as file:
            size = 0
            while data := file.read(1 << 20):
                digest.update(data)
                size += len(data)
    except FileNotFoundError:
        raise AudioError(f"{name}: there is no such file; check its name and folder") from None
    except PermissionError:
        raise AudioError(f"{name}: may not be read (no permission); change its rights") from None
    except OSError as e:
        raise AudioError(f"{name}: cannot be read ({e.strerror}); check the disk") from e
    except ValueError:
        raise AudioError(f"{name}: is not a possible file name") from None
    if size == 0:
        raise AudioError(f"{name}: is empty (0 bytes); export or fetch it again")
    return digest.hexdigest()


def write_audio(path: str | PathLike[str], samples: Samples, *, subtype: str | None = None) -> None:
    """Write samples (C, S) at SAMPLE_RATE as WAV, FLAC, OGG or MP3, by the path's suffix.

    subtype: libsndfile's name of the sample format; 16 bits, or the codec's default, unless named.
    The file is there whole or not at all. What lies beyond full scale is clipped, but for FLOAT.
    Raises AudioError where the suffix is none of these, OSError where the disk refuses.
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
    """A file for libsndfile, which would take no notice of a full disk; remembers the error."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.seek, self.tell, self.read = file.seek, file.tell, file.read
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, and claim to have written; what went wrong is in `error`."""
        rest = memoryview(data)
        while rest and self.error is None:
            try:
                rest = rest[self._file.write(rest) :]
            except OSError as e:
                self.error = e
        return len(data)


_WRITTEN = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}
_WRITE_BLOCK = 1 << 18  # frames


@dataclass
class _Decoded:
    """Samples (2, S), what they were before resampling, and what went wrong."""

    samples: Samples
    rate: int
    frames: int
    peak: float
    notes: tuple[str, ...]
    flaw: str | None


def _decode(song: Path, name: str, max_seconds: float | None) -> _Decoded:
    """Decode with libsndfile; with ffmpeg what libsndfile does not know or gives up on."""
    try:
        decoder = SoundfileDecoder(song)
    except soundfile.LibsndfileError:
        return _render(_open_with_ffmpeg(song, name), name, max_seconds)
    decoded = _render(decoder, name, max_seconds)
    if decoder.stopped_amid and has_ffmpeg():
        try:
            second = _render(FfmpegDecoder(song), name, max_seconds)
        except AudioError:
            return decoded
        if second.frames > decoded.frames + decoded.rate // 10:
            second.notes = decoded.notes
            return second
    return decoded


def _open_with_ffmpeg(song: Path, name: str) -> FfmpegDecoder:
    """Open what libsndfile does not know; raise AudioError with the best reason there is."""
    with song.open("rb") as file:
        container, text = container_name(file), is_text(file)
    if text:
        raise AudioError(f"{name}: is text, not audio; fetch the song itself")
    if has_ffmpeg():
        return FfmpegDecoder(song)
    kind = (
        f"is {container}, which needs ffmpeg"
        if container
        else "is no audio, or of a format that needs ffmpeg"
    )
    raise AudioError(f"{name}: {kind}; {FFMPEG_REMEDY}")


def _render(decoder: Decoder, name: str, max_seconds: float | None) -> _Decoded:
    """Run a decoder to its end: check, fold, resample and collect its blocks."""
    with closing(decoder), closing(decoder.blocks()) as blocks:
        rate, channels = decoder.rate, decoder.channels
        if not RATES[0] <= rate <= RATES[1]:
            raise AudioError(
                f"{name}: has a sample rate of {rate} Hz, which is no music; "
                f"expected {RATES[0]} to {RATES[1]} Hz"
            )
        meter = _Meter(name, rate, max_seconds)
        checked = meter.watch(blocks)
        folded = fold(checked, channels, vorbis_order=decoder.vorbis_order)
        samples = collect(
            resample(folded, rate, min(channels, 2)), hint=_room(decoder, max_seconds)
        )
        flaw = decoder.shortfall(meter.frames)
        return _Decoded(samples, rate, meter.frames, meter.peak, decoder.notes, flaw)


def _room(decoder: Decoder, max_seconds: float | None) -> int:
    """Frames at SAMPLE_RATE to reserve: what the header says, but never absurdly much."""
    seconds = decoder.hint / decoder.rate
    limit = MAX_ROOM if max_seconds is None else min(MAX_ROOM, max_seconds)
    return round((min(seconds, limit) + SLACK) * SAMPLE_RATE)


class _Meter:
    """Counts the frames of a song as they pass, and stops at what cannot be analysed."""

    def __init__(self, name: str, rate: int, max_seconds: float | None) -> None:
        self.frames = 0
        self.peak = 0.0
        self._name = name
        self._rate = rate
        self._limit = max_seconds

    def watch(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        """The blocks (n, C) as they are; raises AudioError at NaN, infinity or the limit."""
        for block in blocks:
            peak = float(max(block.max(), -block.min()))  # NaN if any sample is
            if not np.isfinite(peak):
                first = self.frames + int(np.argmax(~np.isfinite(block).all(axis=1)))
                raise AudioError(
                    f"{self._name}: holds samples that are no numbers (NaN or infinity), first "
                    f"at {clock_time(first / self._rate)}; export it again"
                )
            self.peak = max(self.peak, peak)
            self.frames += len(block)
            if self._limit is not None and self.frames > self._limit * self._rate:
                raise AudioError(
                    f"{self._name}: is longer than the limit of {clock_time(self._limit)}; "
                    "cut it into parts or raise the limit"
                )
            yield block
