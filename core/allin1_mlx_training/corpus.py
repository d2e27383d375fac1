"""What the network learns from: songs as uint8 spectrograms with composed or pseudo-labelled truth.

Spectrograms are round(100 log10(1 + magnitude)), uint8, 100 frames/s; a composed song has four
stems, a real one its mix alone.
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
    """Songs of one kind (K alike) on the device: each frame's stems, then its targets, (T, 81 K +
    COLUMNS) uint8; probabilities in steps of 1 / 255, the tempo as TEMPO_STEPS says."""

    def __init__(self, songs: Iterable[TrainingSong]) -> None:
        self.frames: list[int] = []
        self.known: list[NDArray[np.float32]] = []  # (tasks,) 1 or 0 for each song
        self._rows: list[mx.array] = []
        self.stems = 0  # K
        self.extend(map(prepare, songs))

    def __len__(self) -> int:
        return len(self.frames)

    def extend(self, songs: Iterable[PreparedSong], *, keep: int | None = None) -> None:
        """Add songs; with `keep`, drop the oldest ones beyond that number."""
        for song in songs:
            self.stems = song.stems
            self.frames.append(len(song.rows))
            self.known.append(song.known)
            self._rows.append(mx.array(song.rows))
        dropped = 0 if keep is None else max(0, len(self) - keep)
        del self.frames[:dropped], self.known[:dropped], self._rows[:dropped]

    def ranges(self, indices: Sequence[int], starts: Sequence[int], length: int) -> mx.array:
        """`length` frames of each song from each start, silence after its end:
        (B, length, 81 K + COLUMNS) uint8."""
        parts = []
        for index, start in zip(indices, starts, strict=True):
            part = self._rows[index][start : start + length]
            missing = length - part.shape[0]
            parts.append(mx.pad(part, [(0, missing), (0, 0)]) if missing else part)
        return mx.stack(parts)


def to_magnitudes(levels: mx.array) -> mx.array:
    """Linear magnitudes, float32, of what is stored as uint8."""
    return mx.power(10.0, levels.astype(mx.float32) / STEPS) - 1


def load_composed(folder: Path) -> Iterator[TrainingSong]:
    """All songs of the shards in a folder of training.compose, memory-mapped."""
    for shard in sorted(folder.glob("songs_*.npy")):
        for levels, facts in read_shard(shard):
            yield composed_song(levels, facts)


def load_real(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Mixes (T, 81) uint8 of all .npz files in a folder, by song."""
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
