"""Songs, decoded: any format, number of channels and sample rate to stereo at SAMPLE_RATE.

Samples are float32, (2, S), full scale at 1, SAMPLE_RATE = 44 100 Hz. Time 0 is the first sample
that a decoder gives. Resampling is soxr's, with linear phase, so that nothing moves in time.

Surround sound is folded with the weights of ITU-R BS.775 (centre and back at -3 dB, no
low-frequency channel), divided by their sum so that nothing can clip. Orders of channels after
the WAVE format and, for Vorbis and Opus, after the Vorbis I specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from math import sqrt
from os import PathLike
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..display.times import clock_time
from ..errors import AudioError
from ..files import printable_name
from ..types import SAMPLE_RATE
from .containers import check_file, container_name, file_digest, is_text
from .decoders import Block, Decoder, SoundfileDecoder
from .ffmpeg import FFMPEG_REMEDY, FfmpegDecoder, has_ffmpeg

RATES = (1_000, 1_000_000)  # Hz: sample rates of music, from telephone to studio
MAX_ROOM = 2 * 3600.0  # the most seconds reserved because a header states them
SLACK = 1.0  # seconds more, as containers do not count the last packet's padding
MIN_BYTES = 250  # per second: a third of the smallest speech codecs; silence may need less
ALWAYS_PLAUSIBLE = 600.0  # seconds that a file of any size may hold
INTEGER_PEAK = 64.0  # float samples beyond this, 36 dB above full scale, are scaled down

# One letter a channel: L left, R right, C centre, l r left and right behind, b centre behind,
# x low frequencies. By number of channels; other numbers are averaged.
_WAVE = {3: "LRC", 4: "LRlr", 5: "LRClr", 6: "LRCxlr", 7: "LRCxblr", 8: "LRCxlrlr"}
_VORBIS = {3: "LCR", 4: "LRlr", 5: "LCRlr", 6: "LCRlrx", 7: "LCRlrbx", 8: "LCRlrlrx"}

_HALF = sqrt(0.5)
_WEIGHTS = {
    "L": (1.0, 0.0),
    "R": (0.0, 1.0),
    "C": (_HALF, _HALF),
    "l": (_HALF, 0.0),
    "r": (0.0, _HALF),
    "b": (0.5, 0.5),
    "x": (0.0, 0.0),
}


@dataclass(frozen=True)
class Audio:
    """A decoded song.

    samples: (2, S) float32 at SAMPLE_RATE; mono twice, surround folded to stereo.
    sha256: of the file's bytes, so it changes with tags and encoding; 64 hex digits.
    warnings: one line each for the user, beginning with the file's name.
    source_rate, source_frames: sample rate in Hz and length of what was decoded.
    """

    samples: NDArray[np.float32]
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

    max_seconds: refuse longer songs; a second needs 353 kB of memory. sha256: of the file, if it
    is known.
    Raises AudioError with one line for the user where there is nothing to analyse. A file that
    is cut off or damaged gives the part that can be decoded, and a warning.
    """
    song = Path(path)
    name = printable_name(song)
    check_file(song)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="digest") as thread:
            digest = thread.submit(lambda: sha256 or file_digest(song))
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

    samples: NDArray[np.float32]
    rate: int
    frames: int
    peak: float
    notes: tuple[str, ...]
    flaw: str | None


def _decode(song: Path, name: str, max_seconds: float | None) -> _Decoded:
    """Decode with libsndfile, or with ffmpeg what libsndfile cannot decode."""
    size = song.stat().st_size
    try:
        decoder = SoundfileDecoder(song)
    except soundfile.LibsndfileError:
        return _render(_open_with_ffmpeg(song, name), name, max_seconds, size)
    decoded = _render(decoder, name, max_seconds, size)
    if decoder.stopped_amid and has_ffmpeg():
        try:
            second = _render(FfmpegDecoder(song), name, max_seconds, size)
        except AudioError:
            return decoded
        if second.frames > decoded.frames + decoded.rate // 10:
            second.notes = decoded.notes
            return second
    return decoded


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
        else "is no audio, or of a format that needs ffmpeg"
    )
    raise AudioError(f"{name}: {kind}; {FFMPEG_REMEDY}")


def _render(decoder: Decoder, name: str, max_seconds: float | None, size: int) -> _Decoded:
    """Run a decoder to its end: check, fold, resample and collect its blocks.

    size: of the file in bytes.
    """
    with closing(decoder), closing(decoder.blocks()) as blocks:
        rate, channels = decoder.rate, decoder.channels
        if not RATES[0] <= rate <= RATES[1]:
            raise AudioError(
                f"{name}: has a sample rate of {rate} Hz, which is no music; "
                f"expected {RATES[0]} to {RATES[1]} Hz"
            )
        plausible = _find_plausible(size, decoder.hint / rate)
        meter = _Meter(name, rate, max_seconds, size, plausible)
        checked = meter.watch(blocks)
        folded = fold(checked, channels, vorbis_order=decoder.vorbis_order)
        samples = collect(
            resample(folded, rate, min(channels, 2)), hint=_room(decoder, max_seconds)
        )
        flaw = decoder.shortfall(meter.frames)
        return _Decoded(samples, rate, meter.frames, meter.peak, decoder.notes, flaw)


def _room(decoder: Decoder, max_seconds: float | None) -> int:
    """Frames at SAMPLE_RATE to reserve: as the header states, up to a limit."""
    seconds = decoder.hint / decoder.rate
    limit = MAX_ROOM if max_seconds is None else min(MAX_ROOM, max_seconds)
    return round((min(seconds, limit) + SLACK) * SAMPLE_RATE)


def _find_plausible(size: int, claimed: float) -> float:
    """Seconds after which decoding a file of `size` bytes stops.

    A header that claims more than any real file of that size holds is not believed: a short song
    may follow it, but no long one.
    """
    plausible = max(ALWAYS_PLAUSIBLE, size / MIN_BYTES)
    return plausible if claimed <= plausible else ALWAYS_PLAUSIBLE


class _Meter:
    """Counts the frames of a song, and stops at samples that cannot be analysed."""

    def __init__(
        self, name: str, rate: int, max_seconds: float | None, size: int, plausible: float
    ) -> None:
        self.frames = 0
        self.peak = 0.0
        self._name = name
        self._rate = rate
        self._limit = max_seconds
        self._size = size
        self._plausible = plausible

    def watch(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """The blocks (n, C) as they are; raises AudioError at NaN, infinity or a limit."""
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
            if self.frames > self._plausible * self._rate:
                raise AudioError(
                    f"{self._name}: has {self._size} bytes, too few for the more than "
                    f"{clock_time(self._plausible)} that it decodes to; it is nearly all silence, "
                    "or made to fill the memory: cut it"
                )
            yield block


def stereo_weights(channels: int, *, vorbis_order: bool) -> NDArray[np.float32]:
    """How much of each channel goes left and right: (channels, 2), columns summing to 1."""
    letters = (_VORBIS if vorbis_order else _WAVE).get(channels)
    if letters is None:
        return np.full((channels, 2), 1 / channels, dtype=np.float32)
    weights = np.array([_WEIGHTS[letter] for letter in letters])
    return (weights / weights.sum(axis=0)).astype(np.float32)


def fold(blocks: Iterator[Block], channels: int, *, vorbis_order: bool) -> Iterator[Block]:
    """Blocks (n, channels) to blocks (n, 2); mono and stereo pass as they are."""
    if channels <= 2:
        yield from blocks
        return
    weights = stereo_weights(channels, vorbis_order=vorbis_order)
    for block in blocks:
        yield block @ weights


def resample(blocks: Iterator[Block], rate: int, channels: int) -> Iterator[Block]:
    """Blocks (n, channels) at `rate` to blocks (m, channels) at SAMPLE_RATE.

    A sample at t seconds stays at t; the whole is as long as before, rounded to a sample.
    """
    if rate == SAMPLE_RATE:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, channels, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.zeros((0, channels), dtype=np.float32), last=True)


def collect(blocks: Iterator[Block], *, hint: int) -> Block:
    """Blocks (n, 1) or (n, 2) to one array (2, S).

    Room for `hint` frames is reserved at the start, so that the memory is that of the result if
    the hint is right. If it is too small, the array grows. Unused room costs address space only.
    """
    samples = np.empty((2, hint), dtype=np.float32)
    filled = 0
    for block in blocks:
        needed = filled + len(block)
        if needed > samples.shape[1]:
            larger = np.empty((2, needed + needed // 2), dtype=np.float32)
            larger[:, :filled] = samples[:, :filled]
            samples = larger
        samples[:, filled:needed] = block.T
        filled = needed
    return samples[:, :filled]
