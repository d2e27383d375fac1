"""The truth of a song, and the training targets made from it. NumPy only.

Times are frames, 100 per second, with fractions. The rows of a song are its stems' spectrograms,
uint8 = round(STEPS log10(1 + magnitude)), followed by its targets; see `prepare`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.types import FPS, LABELS

from .composer import ComposedSong
from .shards import STEPS, quantise, truth

BEAT_WIDTH = 2.0  # frames at which a beat's target reaches 0
BOUNDARY_WIDTH = 40.0  # frames at which a boundary's target reaches 0
TASKS = ("beat", "downbeat", "section", "label", "voice", "tempo")
LOGITS = 3 + len(LABELS)  # beat, downbeat, section, then the labels
VOICE, TEMPO = LOGITS, LOGITS + 1  # columns of the targets after those of the logits
COLUMNS = LOGITS + 2
TEMPO_STEPS, TEMPO_BASE = 80, 30.0  # a tempo is stored as TEMPO_STEPS log2(BPM / TEMPO_BASE)
STEADY_BEATS = 4  # beats before and after a beat; its tempo is the median over their intervals
SUNG = 10 ** (-30 / 10)  # lowest power relative to the voice's loud frames that counts as singing
BREATH = 31  # frames, odd: a shorter pause does not end a phrase


@dataclass(frozen=True)
class Truth:
    """The truth of a song of T frames.

    beats, downbeats, boundaries: frames (with fractions), ascending. label: (T,) index into LABELS.
    soft: (13, T) probabilities of a teacher that replace all these, or None. voice: (T,) whether
    there is singing. known: the TASKS whose truth is known; the others are not trained on this
    song.
    """

    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]
    boundaries: NDArray[np.float64]
    label: NDArray[np.uint8]
    soft: NDArray[np.float16] | None = None
    voice: NDArray[np.bool_] | None = None
    known: frozenset[str] = frozenset(TASKS)


@dataclass(frozen=True)
class TrainingSong:
    """A song before its preparation. stems: (T, K, 81) uint8."""

    name: str
    stems: NDArray[np.uint8]
    truth: Truth

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return self.stems.shape[0]


@dataclass(frozen=True)
class PreparedSong:
    """A prepared song. rows: as in Corpus. known: (tasks,) 1 or 0. stems: K."""

    rows: NDArray[np.uint8]
    known: NDArray[np.float32]
    stems: int


def prepare(song: TrainingSong) -> PreparedSong:
    """Make a song's targets and append them to its stems."""
    targets = np.zeros((song.frames, COLUMNS), np.uint8)
    targets[:, :LOGITS] = np.rint(255 * targets_of(song.truth, song.frames)).T
    if song.truth.voice is not None:
        targets[:, VOICE] = 255 * song.truth.voice
    targets[:, TEMPO] = local_tempo(song.truth.beats, song.frames)
    known = np.array([task in song.truth.known for task in TASKS], np.float32)
    stems = song.stems.reshape(song.frames, -1)
    return PreparedSong(np.concatenate([stems, targets], axis=1), known, song.stems.shape[1])


def targets_of(truth: Truth, frames: int) -> NDArray[np.float32]:
    """The target probabilities (13, T) of a song, from a teacher or from its truth."""
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


def local_tempo(beats: NDArray[np.float64], frames: int) -> NDArray[np.uint8]:
    """(T,) the tempo around each frame as TEMPO_STEPS describes; 0 before and after the beats."""
    tempo = np.zeros(frames, np.uint8)
    if len(beats) < 2:
        return tempo
    intervals = np.pad(np.diff(beats), STEADY_BEATS, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(intervals, 2 * STEADY_BEATS + 1)
    bpm = 60 * FPS / np.median(around, axis=1)
    steps = np.clip(np.rint(TEMPO_STEPS * np.log2(bpm / TEMPO_BASE)), 1, 255)
    edges = np.clip(np.rint(beats), 0, frames).astype(int)
    tempo[edges[0] : edges[-1]] = np.repeat(steps, np.diff(edges)).astype(np.uint8)
    return tempo


def find_voice(stems: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(T,) whether the vocals, the last of the stems (T, 4, 81), can be heard."""
    power = np.square(10.0 ** (stems[:, -1].astype(np.float32) / STEPS) - 1).sum(axis=1)
    sounds = power > max(SUNG * float(np.quantile(power, 0.98)), 1.0)
    close = np.convolve(sounds, np.ones(BREATH), "same") > 0
    # Phrases keep their length: they are widened, then narrowed by the same amount.
    return np.convolve(~close, np.ones(BREATH), "same") == 0


def write_prepared(folder: Path, number: int, songs: Sequence[PreparedSong]) -> None:
    """Write prepared songs of one K as shard `number` into a folder."""
    np.save(folder / f"songs_{number:05d}.npy", np.concatenate([song.rows for song in songs]))
    facts = [{"frames": len(s.rows), "known": s.known.tolist(), "stems": s.stems} for s in songs]
    temporary = folder / f".songs_{number:05d}.json"
    temporary.write_text(json.dumps(facts), encoding="utf-8")
    temporary.replace(folder / f"songs_{number:05d}.json")  # now the shard is complete


def read_prepared(facts: Path) -> list[PreparedSong]:
    """The songs of a shard (its .json)."""
    rows = np.load(facts.with_suffix(".npy"))
    songs, first = [], 0
    for song in json.loads(facts.read_text(encoding="utf-8")):
        last = first + song["frames"]
        known = np.array(song["known"], np.float32)
        songs.append(PreparedSong(rows[first:last], known, song["stems"]))
        first = last
    return songs


def composed_song(levels: NDArray[np.uint8], facts: dict[str, Any]) -> TrainingSong:
    """A song of a shard, with its truth as `shards.truth` writes it."""
    truth = truth_of(facts["beats"], facts["positions"], facts["segments"], len(levels))
    known = frozenset(facts.get("known", TASKS))
    truth = replace(truth, voice=find_voice(levels), known=known)
    return TrainingSong(f"{facts['style']} {facts['seed']}", levels, truth)


def training_song(song: ComposedSong) -> TrainingSong:
    """A song that was just composed."""
    return composed_song(quantise(song.stems), truth(song.score))


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
