"""Files of a song to show to others: a page that plays the song, and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pages.saved import write_saved_page
from allin1_mlx.display.pages.sound import BLOCK, pack_sound
from allin1_mlx.display.plot import plot_analysis

from .rendering import check_wanted
from .song import Song

Picture = Literal["png", "svg", "pdf"]


def write_page(song: Song, analysis: Analysis, *, dark: bool) -> bytes:
    """Return the timeline as an HTML file, which plays the song if its sound is available."""
    sound = pack_sound(_read_blocks(song)) if song.frames else None
    named = replace(analysis, path=song.name)
    text = write_saved_page(named, envelope=song.envelope, sound=sound, dark=dark)
    return text.encode("utf-8", "replace")


def draw_picture(song: Song, analysis: Analysis, kind: Picture) -> bytes:
    """Return the static picture of a song."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"picture.{kind}"
        plot_analysis(replace(analysis, path=song.name), path, envelope=song.envelope)
        return path.read_bytes()


def _read_blocks(song: Song) -> Iterator[NDArray[np.float32]]:
    """Yield the decoded song in blocks (n, 2), full scale at 1."""
    for first in range(0, song.frames, BLOCK):
        check_wanted()
        count = 2 * min(BLOCK, song.frames - first)
        values = np.fromfile(song.sound, "<i2", count=count, offset=4 * first)
        yield values.reshape(-1, 2) / np.float32(32768)
