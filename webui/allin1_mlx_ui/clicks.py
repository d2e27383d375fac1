"""Click tracks for download, with the sounds of the core's `click`.

Long songs are rendered in blocks, so rendering needs little memory and can be stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.click import (
    CLICK_LEVEL,
    CLICK_SECONDS,
    SILENCE,
    count_in,
    render_click,
)
from allin1_mlx.errors import AllInOneError
from allin1_mlx.files import replacing
from allin1_mlx.types import SAMPLE_RATE, find_duration

from .rendering import check_wanted
from .song import Song

Kind = Literal["wav", "flac", "mp3"]

LENGTH = round(CLICK_SECONDS * SAMPLE_RATE)  # samples of a click
BLOCK = 1 << 18  # frames at a time
MOST_BARS = 2  # of a count-in
SAMPLES = {"wav": "PCM_16", "flac": "PCM_16", "mp3": "MPEG_LAYER_III"}  # of each kind of file
LARGEST = 2_000_000_000  # bytes of a click track in stereo, 3 hours


def write_clicks(song: Song, analysis: Analysis, *, bars: int = 0, kind: Kind = "wav") -> Path:
    """Write the click track as a file in the song's folder. bars: of count-in."""
    path = song.folder / f"click-{song.revision}-{bars}.{kind}"
    if not path.exists():
        _clear(song, "click")
        blocks = (click[:, None] for click, _ in _blocks(song, analysis, bars))
        _write(path, blocks, channels=1, gain=1.0)
    return path


def write_mix(song: Song, analysis: Analysis, *, bars: int = 0, kind: Kind = "wav") -> Path:
    """Write song and click as a file in the song's folder, quieter if it would clip."""
    path = song.folder / f"mix-{song.revision}-{bars}.{kind}"
    if not path.exists():
        _clear(song, "mix")
        peak = max((float(np.abs(s).max()) for _, s in _blocks(song, analysis, bars)), default=0.0)
        level = CLICK_LEVEL * (peak if peak > SILENCE else 1.0)

        def mixes() -> Iterator[NDArray[np.float32]]:
            for click, sound in _blocks(song, analysis, bars):
                yield sound + level * click[:, None]

        highest = max((float(np.abs(mix).max()) for mix in mixes()), default=0.0)
        _write(path, mixes(), channels=2, gain=1 / max(highest, 1.0))
    return path


def _clear(song: Song, content: str) -> None:
    """Remove the files of earlier revisions."""
    for path in song.folder.glob(f"{content}-*-*.*"):
        if path.name.split("-")[1] != str(song.revision):
            with suppress(PermissionError):  # on Windows, while it is sent
                path.unlink(missing_ok=True)


def _blocks(
    song: Song, analysis: Analysis, bars: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield clicks (n,) and song (n, 2), block by block; the song is silent during the count-in."""
    counted = count_in(analysis.beats, analysis.beat_positions, bars=bars)
    starts = np.rint(np.asarray(counted.beats) * SAMPLE_RATE).astype(np.int64)
    positions = np.asarray(counted.positions)
    delay = round(counted.offset * SAMPLE_RATE)
    frames = delay + (song.frames or round(find_duration(analysis) * SAMPLE_RATE))
    if 4 * frames > LARGEST:
        raise AllInOneError(
            f"{song.name}: is too long for a click track of "
            f"{4 * frames / 1e9:.1f} GB; the limit is {LARGEST / 1e9:g} GB"
        )
    for first in range(0, frames, BLOCK):
        check_wanted()
        count = min(BLOCK, frames - first)
        # From one click's length earlier, so that the end of an earlier click is included.
        here = (starts >= first - LENGTH) & (starts < first + count)
        times = (starts[here] - first + LENGTH) / SAMPLE_RATE
        click = render_click(times.tolist(), positions[here].tolist(), length=LENGTH + count)
        yield click[LENGTH:], _read_sound(song, first - delay, count)


def _read_sound(song: Song, first: int, count: int) -> NDArray[np.float32]:
    """Frames [first, first + count) of a song as (count, 2); silence before its beginning."""
    sound = np.zeros((count, 2), np.float32)
    before = min(max(-first, 0), count)
    if song.frames and before < count:
        offset = 4 * max(first, 0)
        values = np.fromfile(song.sound, "<i2", count=2 * (count - before), offset=offset)
        sound[before:] = values.reshape(-1, 2) / np.float32(32768)
    return sound


def _write(
    path: Path, blocks: Iterator[NDArray[np.float32]], *, channels: int, gain: float
) -> None:
    with (
        replacing(path) as partial,
        soundfile.SoundFile(partial, "w", SAMPLE_RATE, channels, SAMPLES[path.suffix[1:]]) as file,
    ):
        for block in blocks:
            file.write(block * gain)
