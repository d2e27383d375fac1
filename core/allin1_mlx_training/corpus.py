"""Songs for training: uint8 spectrograms with truth that was composed, or labelled by a teacher.

Spectrograms are round(100 log10(1 + magnitude)), uint8, 100 frames/s. A composed song has four
stems, a real song only its mix.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.network.backend import mx

from .shards import STEPS, read_shard
from .targets import PreparedSong, TrainingSong, composed_song, prepare, truth_of


class Corpus:
    """Songs with the same number of stems K, on the device.

    Each frame holds its stems, then its targets: (T, 81 K + COLUMNS) uint8. Probabilities are
    stored in steps of 1 / 255, the tempo as TEMPO_STEPS describes.
    """

    def __init__(self, songs: Iterable[TrainingSong]) -> None:
        self.frames: list[int] = []
        self.known: list[NDArray[np.float32]] = []  # (tasks,) 1 or 0 for each song
        self._rows: list[mx.array] = []
        self.stems = 0  # K
        self.extend(map(prepare, songs))

    def __len__(self) -> int:
        return len(self.frames)

    def extend(self, songs: Iterable[PreparedSong], *, keep: int | None = None) -> None:
        """Add songs. With `keep`, drop the oldest songs beyond that number."""
        for song in songs:
            self.stems = song.stems
            self.frames.append(len(song.rows))
            self.known.append(song.known)
            self._rows.append(mx.array(song.rows))
        dropped = 0 if keep is None else max(0, len(self) - keep)
        del self.frames[:dropped], self.known[:dropped], self._rows[:dropped]

    def ranges(self, indices: Sequence[int], starts: Sequence[int], length: int) -> mx.array:
        """`length` frames of each song from each start, with silence after its end.

        Returns (B, length, 81 K + COLUMNS) uint8.
        """
        parts = []
        for index, start in zip(indices, starts, strict=True):
            part = self._rows[index][start : start + length]
            missing = length - part.shape[0]
            parts.append(mx.pad(part, [(0, missing), (0, 0)]) if missing else part)
        return mx.stack(parts)


def to_magnitudes(levels: mx.array) -> mx.array:
    """Linear magnitudes, float32, from stored uint8 values."""
    return mx.power(10.0, levels.astype(mx.float32) / STEPS) - 1


def load_composed(folder: Path) -> Iterator[TrainingSong]:
    """All songs in the shards of a folder that training.compose wrote, memory-mapped."""
    for shard in sorted(folder.glob("songs_*.npy")):
        for levels, facts in read_shard(shard):
            yield composed_song(levels, facts)


def load_real(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """The mixes (T, 81) uint8 of all .npz files in a folder, by song."""
    return {
        name: mixes[name]
        for path in sorted(folder.glob("*.npz"))
        for mixes in [np.load(path)]
        for name in mixes.files
    }


def load_beats(folder: Path) -> Iterator[TrainingSong]:
    """Real songs with exact beats: pairs of .npz (mixes) and .json (beats) in a folder."""
    for path in sorted(folder.glob("*.npz")):
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        mixes = np.load(path)
        for name in mixes.files:
            mix, song = mixes[name], facts[name]
            truth = truth_of(song["beats"], song["positions"], (), len(mix))
            trusted = {"downbeat"} if song["downbeats_trusted"] else set()
            truth = replace(truth, known=frozenset({"beat", "tempo", *trusted}))
            yield TrainingSong(name, mix[:, None], truth)
