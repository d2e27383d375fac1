"""Songs, decoded.

Samples are float32, (2, S), full scale at 1, SAMPLE_RATE = 44 100 Hz. Time 0 is the first sample
that a decoder gives. Resampling is soxr's (linear phase, so nothing moves in time).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..display.times import clock_time
from ..errors import AudioError
from ..files import printable_name
from ..types import SAMPLE_RATE
from .channels import collect, fold, resample
from .containers import container_name, is_text
from .decoders import Decoder, SoundfileDecoder
from .digest import check_file, file_digest
from .ffmpeg import FFMPEG_REMEDY, FfmpegDecoder, has_ffmpeg

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


def load_audio(
    path: str | PathLike[str], *, max_seconds: float | None = None, sha256: str = ""
) -> Audio:
    """Decode a file of any format that libsndfile or ffmpeg reads.

    max_seconds: refuse what is longer; memory is 353 kB a second and little more. sha256: of the
    file, where it is known already.
    Raises AudioError with one line for the user where there is nothing to analyse. A file that
    is cut off or damaged gives what can be decoded, and a warning.
    """
    song = Path(path)
    name = printable_name(song)
    check_file(song)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="digest") as beside:
            digest = beside.submit(lambda: sha256 or file_digest(song))
            decoded = _decode(song, name, max_seconds)
            digits = digest.result()
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
    return Audio(samples, digits, warnings, decoded.rate, decoded.frames)


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
