"""Click tracks to hear and to download; the sounds are those of the core's `click`.

Songs of any length are rendered piece by piece.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from allin1_mlx.click import CLICK_LEVEL, CLICK_SECONDS, SILENCE, render_click
from allin1_mlx.files import replacing
from allin1_mlx.timeline import find_duration
from allin1_mlx.types import SAMPLE_RATE, Analysis

from .songs import Song

LENGTH = round(CLICK_SECONDS * SAMPLE_RATE)  # samples of a click
BLOCK = 1 << 18  # frames at a time


def pack_clicks() -> list[str]:
    """The two sounds, beat and downbeat, as 16-bit samples in base64, for the player."""
    sounds = [render_click([0.0], [position], length=LENGTH) for position in (2, 1)]
    packed = [np.rint(sound * 32767).astype("<i2").tobytes() for sound in sounds]
    return [base64.b64encode(sound).decode() for sound in packed]


def write_clicks(song: Song, analysis: Analysis) -> Path:
    """The click track alone as a WAV file in the song's folder."""
    path = song.folder / f"click-{song.revision}.wav"
    if not path.exists():
        pieces = (click[:, None] for click, _ in _pieces(song, analysis))
        _write(path, pieces, channels=1, gain=1.0)
    return path


def write_mix(song: Song, analysis: Analysis) -> Path:
    """Song and click as a WAV file in the song's folder, softer where it would clip."""
    path = song.folder / f"mix-{song.revision}.wav"
    if not path.exists():
        peak = max((float(np.abs(s).max()) for _, s in _pieces(song, analysis)), default=0.0)
        level = CLICK_LEVEL * (peak if peak > SILENCE else 1.0)

        def mixes() -> Iterator[NDArray[np.float32]]:
            for click, sound in _pieces(song, analysis):
                yield sound + level * click[:, None]

        highest = max((float(np.abs(mix).max()) for mix in mixes()), default=0.0)
        _write(path, mixes(), channels=2, gain=1 / max(highest, 1.0))
    return path


def _pieces(
    song: Song, analysis: Analysis
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Clicks (n,) and song (n, 2), piece by piece."""
    starts = np.rint(np.asarray(analysis.beats) * SAMPLE_RATE).astype(np.int64)
    positions = np.asarray(analysis.beat_positions)
    frames = song.frames or round(find_duration(analysis) * SAMPLE_RATE)
    for first in range(0, frames, BLOCK):
        count = min(BLOCK, frames - first)
        # From one click's length earlier on, so that those that ring on are heard.
        here = (starts >= first - LENGTH) & (starts < first + count)
        times = (starts[here] - first + LENGTH) / SAMPLE_RATE
        click = render_click(times.tolist(), positions[here].tolist(), length=LENGTH + count)
        yield click[LENGTH:], _read_sound(song, first, count)


def _read_sound(song: Song, first: int, count: int) -> NDArray[np.float32]:
    if not song.frames:
        return np.zeros((count, 2), np.float32)
    values = np.fromfile(song.sound, "<i2", count=2 * count, offset=4 * first)
    return (values.reshape(-1, 2) / 32768).astype(np.float32)


def _write(
    path: Path, pieces: Iterator[NDArray[np.float32]], *, channels: int, gain: float
) -> None:
    with (
        replacing(path) as partial,
        soundfile.SoundFile(partial, "w", SAMPLE_RATE, channels, "PCM_16", format="WAV") as file,
    ):
        for piece in pieces:
            file.write(piece * gain)
