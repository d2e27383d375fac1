"""Read the headers of sound files: identity, kind, length and alignment.

A file is identified by the SHA-256 of its bytes, as 64 hex digits. It depends on tags and encoding,
but not on the file's name.

Decoders trim an mp3 exactly if its LAME/Info tag contains the encoder's delay. They stop without an
error at the first damaged place of an mp3 or Ogg file. The headers show whether a file is damaged
or simply short. Lengths are in frames (samples per channel).

After ISO 11172-3 and 13818-3 (MPEG audio), the LAME tag specification (rev. 1), RFC 3533 (Ogg) and
the RIFF/WAVE specification.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO

from ..errors import AudioError
from ..files import digest_of, printable_name

_HEAD = 1 << 17  # the mp3 stream must begin within this number of bytes
_TAIL = 1 << 17  # an Ogg page must begin within this number of bytes: the longest has 65 307
_MAX_TAGS = 16  # ID3 tags in a row
_MAX_CHUNKS = 1000  # most chunks before a WAV file's data
_STREAMED = 0x7FFF_0000  # larger sizes mean "unknown" in WAV files that were written to a pipe

_MAGIC = (  # (offset, bytes, name) of formats that libsndfile cannot read
    (4, b"ftyp", "MP4 or M4A"),
    (0, bytes.fromhex("3026b2758e66cf11"), "WMA"),
    (0, bytes.fromhex("1a45dfa3"), "Matroska or WebM"),
    (8, b"AVI ", "AVI"),
    (0, b"FLV", "FLV"),
    (0, bytes.fromhex("000001ba"), "MPEG video"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"wvpk", "WavPack"),
    (0, b"DSD ", "DSD"),
    (0, b"FRM8", "DSD"),
    (0, b"ADIF", "AAC"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
)


def file_digest(path: str | PathLike[str]) -> str:
    """The SHA-256 of a file's bytes as 64 hex digits. Raises the errors of `check_file`."""
    check_file(path)
    with _as_audio_error(path), open(path, "rb") as file:
        return digest_of(file)


def check_file(path: str | PathLike[str]) -> None:
    """Raise AudioError if the file does not exist, is empty, or cannot be read."""
    name = printable_name(path)
    with _as_audio_error(path):
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(f"{name}: is a folder; name the sound files in it")
        if not stat.S_ISREG(mode):
            raise AudioError(f"{name}: is not a regular file; save the sound to a file first")
        with open(path, "rb") as file:
            if not file.read(1):
                raise AudioError(f"{name}: is empty (0 bytes); export or fetch it again")


@contextmanager
def unchanged(path: str | PathLike[str]) -> Iterator[None]:
    """Raise AudioError if the file changes while the block runs."""
    before = _stamp(path)
    try:
        yield
    except AudioError:
        if _stamp(path) == before:
            raise
    if _stamp(path) != before:
        raise AudioError(
            f"{printable_name(path)}: changed while it was read; run again when it is complete"
        )


def _stamp(path: str | PathLike[str]) -> tuple[int, ...]:
    """A value that changes if the file changes, even if the clock is wrong; () if there is no
    file.
    """
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return ()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


@contextmanager
def _as_audio_error(path: str | PathLike[str]) -> Iterator[None]:
    """Convert an error of the system into an AudioError with one line for the user."""
    name = printable_name(path)
    try:
        yield
    except FileNotFoundError:
        raise AudioError(f"{name}: there is no such file; check its name and folder") from None
    except PermissionError:
        raise AudioError(f"{name}: cannot be read without permission; change its rights") from None
    except OSError as e:
        raise AudioError(f"{name}: cannot be read ({e.strerror}); check the disk") from e
    except ValueError:
        raise AudioError(f"{name}: is not a possible file name") from None


def container_name(file: BinaryIO) -> str | None:
    """The kind of a file that only ffmpeg can read; None for all other files."""
    file.seek(0)
    head = file.read(16)
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    return None


def is_text(file: BinaryIO) -> bool:
    """Whether the file begins with readable text."""
    file.seek(0)
    head = file.read(4096)
    text = head.decode("utf-8", "ignore")
    if len(text.encode()) < len(head) - 3:  # the last character may be incomplete
        return False
    return bool(text) and all(c.isprintable() or c in "\t\r\n\f\ufeff" for c in text)


@dataclass(frozen=True)
class InfoTag:
    """The Xing/Info tag of an mp3: whether it has the number of frames, and whether it has the
    delay.
    """

    counts_frames: bool
    gapless: bool


def read_info_tag(file: BinaryIO, *, begin: int = 0) -> InfoTag | None:
    """The Xing or Info tag in the first frame of the mp3 that begins at byte `begin`."""
    start = begin
    for _ in range(_MAX_TAGS):
        file.seek(start)
        head = file.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size + (10 if head[5] & 0x10 else 0)
    file.seek(start)
    frame = file.read(4096).lstrip(b"\0")  # some writers pad the ID3 tag with zeros
    at = max(frame.find(name, 4, 64) for name in (b"Xing", b"Info"))
    if at < 0 or len(frame) < at + 8:
        return None
    (flags,) = struct.unpack(">I", frame[at + 4 : at + 8])
    fields = (flags & 1) * 4 + (flags >> 1 & 1) * 4 + (flags >> 2 & 1) * 100 + (flags >> 3 & 1) * 4
    encoder = at + 8 + fields
    return InfoTag(
        counts_frames=bool(flags & 1),
        gapless=len(frame) > encoder and frame[encoder] != 0,
    )


def find_mp3(file: BinaryIO) -> int | None:
    """The first byte of an mp3 stream after other bytes, as in recordings of radio.

    None unless four frames of the same kind follow each other without a gap.
    """
    file.seek(0)
    data = file.read(_HEAD)
    at = data.find(b"\xff")
    while at >= 0:
        if _is_frame_chain(data, at, frames=4):
            return at
        at = data.find(b"\xff", at + 1)
    return None


def _is_frame_chain(data: bytes, start: int, *, frames: int) -> bool:
    """Whether there are `frames` layer III frames of one version and sample rate at `start`."""
    at, kind = start, None
    for _ in range(frames):
        header = data[at : at + 4]
        if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
            return False
        rate_index = header[2] >> 2 & 3
        bitrate_index = header[2] >> 4
        version = header[1] >> 3 & 3  # 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
        if version == 1 or rate_index == 3 or bitrate_index in (0, 15):
            return False
        if kind is not None and kind != (version, rate_index):
            return False
        kind = (version, rate_index)
        rate = (44_100, 48_000, 32_000)[rate_index] // {3: 1, 2: 2, 0: 4}[version]
        table = _KBPS_1 if version == 3 else _KBPS_2
        at += (144 if version == 3 else 72) * table[bitrate_index] * 1000 // rate
        at += header[2] >> 1 & 1
    return True


_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # MPEG 1
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # MPEG 2 and 2.5


def ogg_end(file: BinaryIO) -> tuple[int, bool] | None:
    """The position of an Ogg file's last page in frames, and whether the stream ends there.

    None if no page is found near the end of the file. The position of Opus counts at 48 kHz.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    at = tail.rfind(b"OggS")
    while at >= 0:
        header = tail[at : at + 27]
        if len(header) == 27 and header[4] == 0:
            (position,) = struct.unpack("<q", header[6:14])
            if position >= 0:  # -1: no packet ends on this page
                table = tail[at + 27 : at + 27 + header[26]]
                whole = len(table) == header[26] and at + 27 + len(table) + sum(table) <= len(tail)
                return position, whole and bool(header[5] & 4)
        at = tail.rfind(b"OggS", 0, at)
    return None


def wav_data_bytes(file: BinaryIO) -> tuple[int, int] | None:
    """The size that a WAV file's data chunk claims, and the number of bytes that exist.

    None if it claims no size, as in RF64 files and in files that were written to a pipe.
    """
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(4) != b"RIFF":
        return None
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > size:
            break
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            return None if length == 0 or length >= _STREAMED else (length, size - at - 8)
        at += 8 + length + length % 2
    return None
