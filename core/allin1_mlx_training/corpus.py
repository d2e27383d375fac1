"""What the network learns from: songs as uint8 spectrograms with composed or pseudo-labelled truth.

Spectrograms are round(100 log10(1 + magnitude)), uint8, 100 frames/s; a composed song has four
stems, a real one its mix alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.network.backend import mx
from allin1_mlx.types import FPS, LABELS

from .compose import STEPS, read_shard

BEAT_WIDTH = 2.0  # frames at which a beat's target reaches 0
BOUNDARY_WIDTH = 40.0  # frames at which a boundary's target reaches 0


@dataclass(frozen=True)
class Truth:
    """What is known of a song of T frames.

    beats, downbeats, boundaries: frames (with fractions), ascending. label: (T,) index into
    LABELS. soft: (13, T) probabilities of a teacher instead of all these, or None.
    """

    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]
    boundaries: NDArray[np.float64]
    label: NDArray[np.uint8]
    soft: NDArray[np.float16] | None = None


@dataclass(frozen=True)
class TrainingSong:
    """name; stems: (T, K, 81) uint8; truth."""

    name: str
    stems: NDArray[np.uint8]
    truth: Truth

    @property
    def frames(self) -> int:
        """T."""
        return self.stems.shape[0]


class Corpus:
    """Songs of one kind (K alike), on the device: each frame's stems, then its targets, (T, 81 K
    + 13) uint8, the targets in steps of 1 / 255."""

    def __init__(self, songs: Iterable[TrainingSong]) -> None:
        self.songs: list[TrainingSong] = []
        self._frames: list[mx.array] = []
        for song in songs:
            targets = np.rint(255 * targets_of(song.truth, song.frames)).astype(np.uint8)
            stems = song.stems.reshape(song.frames, -1)
            self._frames.append(mx.array(np.concatenate([stems, targets.T], axis=1)))
            self.songs.append(song)

    @property
    def stems(self) -> int:
        """K."""
        return self.songs[0].stems.shape[1]

    def ranges(self, indices: Sequence[int], starts: Sequence[int], length: int) -> mx.array:
        """`length` frames of each song from each start, silence after its end:
        (B, length, 81 K + 13) uint8."""
        parts = []
        for index, start in zip(indices, starts, strict=True):
            part = self._frames[index][start : start + length]
            missing = length - part.shape[0]
            parts.append(mx.pad(part, [(0, missing), (0, 0)]) if missing else part)
        return mx.stack(parts)


def targets_of(truth: Truth, frames: int) -> NDArray[np.float32]:
    """Target probabilities (13, T) of a song: a teacher's, or drawn from its truth."""
    if truth.soft is not None:
        return truth.soft.astype(np.float32)
    target = np.zeros((3 + len(LABELS), frames), np.float32)
    for row, times, width in (
        (0, truth.beats, BEAT_WIDTH),
        (1, truth.downbeats, BEAT_WIDTH),
        (2, truth.boundaries, BOUNDARY_WIDTH),
    ):
        draw_peaks(target[row], times, width)
    target[3 + truth.label, np.arange(frames)] = 1
    return target


def draw_peaks(row: NDArray[np.float32], frames: NDArray[np.float64], width: float) -> None:
    """Triangles of height 1 around fractional frames, falling to 0 at `width` frames."""
    reach = int(np.ceil(width))
    for offset in range(-reach, reach + 1):
        at = np.rint(frames).astype(int) + offset
        inside = (at >= 0) & (at < len(row))
        height = np.maximum(0, 1 - np.abs(at - frames) / width)
        np.maximum.at(row, at[inside], height[inside].astype(np.float32))


def to_magnitudes(levels: mx.array) -> mx.array:
    """Linear magnitudes, float32, of what is stored as uint8."""
    return mx.power(10.0, levels.astype(mx.float32) / STEPS) - 1


def load_composed(folder: Path) -> Iterator[TrainingSong]:
    """All songs of the shards in a folder of training.compose, memory-mapped."""
    for shard in sorted(folder.glob("songs_*.npy")):
        for levels, facts in read_shard(shard):
            truth = truth_of(facts["beats"], facts["positions"], facts["segments"], len(levels))
            yield TrainingSong(f"{facts['style']} {facts['seed']}", levels, truth)


def load_real(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Mixes (T, 81) uint8 of all .npz files in a folder, by song."""
    return {
        name: mixes[name]
        for path in sorted(folder.glob("*.npz"))
        for mixes in [np.load(path)]
        for name in mixes.files
    }


def truth_of(
    beats: Sequence[float],
    positions: Sequence[int],
    segments: Sequence[tuple[float, float, str]],
    frames: int,
) -> Truth:
    """Truth of a composed song: times in seconds, segments as (start, end, label)."""
    times = np.asarray(beats, float) * FPS
    label = np.zeros(frames, np.uint8)
    for start, end, name in segments:
        label[round(start * FPS) : max(round(end * FPS), 0)] = LABELS.index(name)
    if segments:
        label[round(segments[-1][1] * FPS) :] = LABELS.index("end")
    boundaries = np.array([start * FPS for start, _, _ in segments if start > 0])
    return Truth(times, times[np.asarray(positions) == 1], boundaries, label)
