"""Decode formats that only ffmpeg can read: M4A, AAC, WMA, sound tracks of videos.

pydub finds ffmpeg and ffprobe. The samples are read from a pipe as floats, because pydub itself
would store the whole song three times, rounded to integers.

ffmpeg reads the named file only: FORMATS has no formats that refer to other files (playlists), and
only files and pipes are allowed as protocols.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError
from ..files import printable_name
from .decoders import BLOCK, part_of

FFMPEG_REMEDY = (
    "install ffmpeg (macOS: brew install ffmpeg; Debian, Ubuntu: sudo apt install ffmpeg; "
    "Windows: winget install ffmpeg) or convert the file to WAV, FLAC or MP3"
)

_AAC_LATE = (
    "raw AAC does not state its encoder's delay: "
    "all times are 20 to 50 ms later than in the original recording"
)
# Names of ffmpeg's demuxers for sound and films. Each reads a single file.
FORMATS = (
    "aa,aac,aax,ac3,adx,aiff,amr,amrnb,amrwb,ape,asf,ast,au,avi,avr,brstm,caf,"
    "codec2,dsf,dts,dtshd,dv,eac3,flac,flv,gsm,gxf,ircam,iff,loas,live_flv,matroska,"
    "webm,mlp,mmf,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,"
    "nut,oma,ogg,paf,pvf,qcp,rm,rso,sbc,shn,sox,swf,tak,truehd,tta,voc,vqf,w64,"
    "wav,wsd,wtv,wv,xa,xwma"
)
_CONFINED = ("-protocol_whitelist", "file,pipe", "-format_whitelist", FORMATS)
MIN_SCORE = 25  # percent; below this, ffprobe may mistake a program or picture for an mp3
PATIENCE = 60.0  # seconds; usually less than one
_PROTECTED = ("drms", "aavd", "enca")  # sound tracks of iTunes, Audible, and MPEG-CENC


class FfmpegDecoder:
    """The first sound track of a file, decoded by ffmpeg."""

    def __init__(self, path: Path) -> None:
        """Raises AudioError if ffmpeg is missing or finds no sound that it can decode."""
        self._path = path
        self._log = ""
        info = _probe(path)
        container = info.get("format", {})
        sounds = (s for s in info.get("streams", ()) if s.get("codec_type") == "audio")
        stream: dict[str, Any] = next(sounds, {})
        self.rate = round(_number(stream.get("sample_rate")) or 0)
        self.channels = round(_number(stream.get("channels")) or 0)
        unsure = container.get("probe_score", MIN_SCORE) < MIN_SCORE
        if self.rate == 0 or self.channels == 0 or unsure:
            raise AudioError(
                f"{printable_name(path)}: no sound was found in it; "
                "it is damaged or not an audio file: play it elsewhere, or fetch it again"
            )
        if stream.get("codec_tag_string") in _PROTECTED:
            raise AudioError(
                f"{printable_name(path)}: is copy-protected (DRM) and cannot be decoded; "
                "use a version without protection"
            )
        self.vorbis_order = False
        raw_aac = container.get("format_name") == "aac"
        self.notes: tuple[str, ...] = (_AAC_LATE,) if raw_aac else ()
        self._duration = None if raw_aac else _number(stream.get("duration"))  # raw: a guess
        seconds = self._duration or _number(container.get("duration")) or 0.0
        self.hint = round(seconds * self.rate)

    @property
    def stopped_early(self) -> bool:
        """See Decoder. ffmpeg skips damaged parts, and there is no further decoder to try."""
        return False

    def close(self) -> None:
        """Nothing is open outside of `blocks`."""

    def blocks(self) -> Generator[NDArray[np.float32], None, None]:
        """See Decoder."""
        width = 4 * self.channels
        with (
            tempfile.TemporaryFile() as log,
            subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
            ) as process,
        ):
            assert process.stdout is not None  # asked for a pipe
            try:
                while data := process.stdout.read(BLOCK * width):
                    frames = len(data) // width
                    if frames == 0:
                        break
                    block = np.frombuffer(data, np.dtype("<f4"), frames * self.channels)
                    yield block.reshape(frames, self.channels)
            except BaseException:
                process.kill()
                raise
            process.wait()
            log.seek(0)
            self._log = log.read(1 << 16).decode("utf-8", "replace").strip()

    def _command(self) -> list[str]:
        from_here = os.path.abspath(self._path)  # a leading dash or a colon is then harmless
        return [
            *(_pydub().AudioSegment.converter, "-v", "error", "-nostdin"),
            *(*_CONFINED, "-i", from_here, "-map", "0:a:0"),
            *("-c:a", "pcm_f32le", "-ar", str(self.rate), "-ac", str(self.channels)),
            *("-f", "f32le", "-"),
        ]

    def shortfall(self, decoded: int) -> str | None:
        """See Decoder."""
        if self._duration is not None and decoded < (self._duration - 0.5) * self.rate:
            return part_of(decoded, round(self._duration * self.rate), self.rate)
        if self._log:
            return "parts of it cannot be decoded, times after them may be early"
        return None


def has_ffmpeg() -> bool:
    """Whether ffmpeg and ffprobe are on this machine."""
    converter = _pydub().AudioSegment.converter
    return shutil.which(converter) is not None and shutil.which("ffprobe") is not None


def _probe(path: Path) -> dict[str, Any]:
    """The report of ffprobe about a file. Raises AudioError if it is not installed."""
    if not has_ffmpeg():
        raise AudioError(f"{printable_name(path)}: needs ffmpeg to be read; {FFMPEG_REMEDY}")
    command = [
        *(_pydub().utils.get_prober_name(), "-v", "error", "-of", "json"),
        *("-show_format", "-show_streams", *_CONFINED, os.path.abspath(path)),
    ]
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise AudioError(
            f"{printable_name(path)}: ffmpeg did not recognise it within {PATIENCE:.0f} s; "
            "it is damaged: play it elsewhere, or fetch it again"
        ) from None
    try:
        info = json.loads(answer.stdout)
    except ValueError:  # bytes that are not UTF-8, or no answer
        return {}
    return info if isinstance(info, dict) else {}


def _pydub() -> Any:
    """The package pydub, imported without its warnings, which do not concern users."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # audioop, escapes, "Couldn't find ffmpeg"
        import pydub
    return pydub


def _number(text: object) -> float | None:
    """A number from ffprobe; None if it is missing or impossible."""
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None
