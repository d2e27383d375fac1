"""Batches: ranges of songs, stretched, remixed, coloured, as the network's input and its targets.

Variety comes from here as much as from the composer: tempo (+-15 %), stem levels, equaliser,
band limits, compression, loudness, noise, and short excerpts that end in silence.
Axes: B items, K stems, T frames, F bands. All randomness is drawn from one numpy generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backend import mx
from ..model import LOGITS
from ..spectrogram import logarithm
from ..types import LABELS
from .corpus import Corpus, TrainingSong, to_magnitudes

Rng = np.random.Generator

STRETCH = 0.16  # of the logarithm of the tempo, either way
BEAT_WIDTH = 2.0  # frames at which a beat's target reaches 0
BOUNDARY_WIDTH = 40.0  # frames at which a boundary's target reaches 0
EXCERPTS = 0.25  # share of items that are short
EXCERPT_FRAMES = (1200, 5000)
BANDS = 81


@dataclass(frozen=True)
class Batch:
    """spectrogram (B, 1, T, 81) and targets (B, 13, T), probabilities."""

    spectrogram: mx.array
    targets: mx.array


@dataclass(frozen=True)
class Crop:
    """A range of a song: output frame t shows frame first + (t - lead) * rate, or silence."""

    song: TrainingSong
    index: int  # of the song in its corpus
    first: float
    rate: float
    frames: int  # output frames that sound
    lead: int  # silent output frames before

    def positions(self, T: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Frame of the song shown by each of T output frames, and whether it sounds."""
        t = np.arange(T)
        shown = self.first + (t - self.lead) * self.rate
        sounds = (t >= self.lead) & (t < self.lead + self.frames)
        sounds &= (shown >= 0) & (shown <= self.song.frames - 1)
        return np.clip(shown, 0, self.song.frames - 1), sounds

    def on_output(self, frames: NDArray[np.float64], T: int) -> NDArray[np.float64]:
        """Song frames as output frames, those outside dropped."""
        t = (frames - self.first) / self.rate + self.lead
        return t[(t >= self.lead) & (t < min(T, self.lead + self.frames))]


def draw_crop(rng: Rng, corpus: Corpus, T: int) -> Crop:
    """A random range of a random song, stretched; mostly T frames long."""
    index = int(rng.integers(len(corpus.songs)))
    song = corpus.songs[index]
    rate = float(np.exp(rng.uniform(-STRETCH, STRETCH))) if rng.random() < 0.6 else 1.0
    length = T
    if rng.random() < EXCERPTS:
        length = int(min(T, rng.uniform(*EXCERPT_FRAMES)))
    lead = int(rng.integers(0, 300)) if rng.random() < 0.3 else 0
    length = min(length, T - lead)
    spare = song.frames - length * rate
    first = rng.uniform(0, spare) if spare > 0 and rng.random() < 0.85 else 0.0
    return Crop(song, index, first, rate, length, lead)


def draw_batch(rng: Rng, corpora: list[tuple[Corpus, int]], T: int) -> Batch:
    """So many items of T frames of each corpus."""
    mixes: list[mx.array] = []
    targets: list[NDArray[np.float32]] = []
    for corpus, items in corpora:
        crops = [draw_crop(rng, corpus, T) for _ in range(items)]
        mixes.append(_mix(rng, corpus, crops, T))
        targets.extend(crop_targets(crop, T) for crop in crops)
    mix = _colour(rng, mx.concatenate(mixes))
    return Batch(logarithm(mix)[:, None], mx.array(np.stack(targets)))


def crop_targets(crop: Crop, T: int) -> NDArray[np.float32]:
    """Target probabilities (13, T) of a crop."""
    target = np.zeros((LOGITS, T), np.float32)
    truth = crop.song.truth
    shown, sounds = crop.positions(T)
    nearest = np.rint(shown).astype(int)
    if truth.soft is not None:
        target[:] = np.where(sounds, truth.soft[:, nearest].astype(np.float32), 0)
    else:
        for row, frames, width in (
            (0, truth.beats, BEAT_WIDTH),
            (1, truth.downbeats, BEAT_WIDTH),
            (2, truth.boundaries, BOUNDARY_WIDTH),
        ):
            draw_peaks(target[row], crop.on_output(frames, T), width)
        labels = truth.label[nearest]
        target[3 + labels[sounds], np.flatnonzero(sounds)] = 1
    after = np.arange(T) >= crop.lead + crop.frames
    target[3 + LABELS.index("end"), ~sounds & after] = 1
    target[3 + LABELS.index("start"), ~sounds & ~after] = 1
    return target


def draw_peaks(row: NDArray[np.float32], frames: NDArray[np.float64], width: float) -> None:
    """Triangles of height 1 around fractional frames, falling to 0 at `width` frames."""
    reach = int(np.ceil(width))
    for offset in range(-reach, reach + 1):
        at = np.rint(frames).astype(int) + offset
        inside = (at >= 0) & (at < len(row))
        height = np.maximum(0, 1 - np.abs(at - frames) / width)
        np.maximum.at(row, at[inside], height[inside].astype(np.float32))


def _mix(rng: Rng, corpus: Corpus, crops: list[Crop], T: int) -> mx.array:
    """Magnitudes of the crops' mixes: stems at random levels, added in power; (B, T, 81)."""
    stems = _cut(corpus, crops, T)
    B, _, K = stems.shape[:3]
    if K == 1:
        return stems[:, :, 0]
    levels = rng.normal(0, 4, (B, K))  # dB
    quiet = rng.random(B) < 0.15
    levels[quiet, rng.integers(0, K, B)[quiet]] -= 26
    gains = mx.array((10 ** (levels / 10)).astype(np.float32))  # of power
    return mx.sqrt((mx.square(stems) * gains[:, None, :, None]).sum(axis=2))


def _cut(corpus: Corpus, crops: list[Crop], T: int) -> mx.array:
    """Magnitudes of the crops' stems, between frames by linear interpolation: (B, T, K, 81)."""
    shown, sounds = (np.stack(x) for x in zip(*(crop.positions(T) for crop in crops), strict=True))
    starts = np.floor(shown[:, 0]).astype(np.int32)
    length = int(np.ceil(np.max(shown[:, -1] - starts))) + 2
    levels = corpus.ranges([crop.index for crop in crops], starts.tolist(), length)
    levels = levels.reshape(-1, *levels.shape[2:])
    whole = np.floor(shown).astype(np.int32)
    rest = mx.array((shown - whole).astype(np.float32))[..., None, None]
    # Rows of all crops' ranges beneath one another; the frame after the last one has no weight.
    rows = mx.array(whole - starts[:, None] + length * np.arange(len(crops))[:, None])
    before, after = to_magnitudes(levels[rows]), to_magnitudes(levels[rows + 1])
    sounding = mx.array(sounds.astype(np.float32))[..., None, None]
    return (before * (1 - rest) + after * rest) * sounding


def _colour(rng: Rng, mix: mx.array) -> mx.array:
    """Equaliser, band limits, dynamics, loudness, noise: (B, T, 81) -> (B, T, 81)."""
    B = mix.shape[0]

    def each(values: NDArray[np.floating[Any]]) -> mx.array:
        return mx.array(values.astype(np.float32).reshape(B, 1, -1))

    f = np.linspace(-1, 1, BANDS)[None]

    def uniform(low: float, high: float) -> NDArray[np.float64]:
        return rng.uniform(low, high, (B, 1))

    decibels = uniform(-8, 8) * f
    for _ in range(3):
        decibels += uniform(-8, 8) * np.exp(-(((f - uniform(-1, 1)) / uniform(0.05, 0.5)) ** 2))
    dull = uniform(0, 1) < 0.2
    decibels -= 60 * dull / (1 + np.exp(-(f - uniform(0.6, 1)) * 40))
    thin = uniform(0, 1) < 0.1
    decibels -= 40 * thin / (1 + np.exp((f - uniform(-1, -0.6)) * 40))
    mix = mx.maximum(mix * each(10 ** (decibels / 20)), 1e-6)
    mix = mx.power(mix, each(uniform(0.8, 1.2)))
    loudness = mx.maximum(mix.mean(axis=(1, 2), keepdims=True), 1e-3)
    mix = mix / loudness * each(np.exp(uniform(np.log(0.3), np.log(9.0))))
    sounding = mix.sum(axis=2, keepdims=True) > 1e-3
    noise = mx.abs(mx.random.normal(mix.shape, key=mx.random.key(int(rng.integers(2**31)))))
    mix = mix + noise * each(10 ** uniform(-4, -1.3)) * sounding
    masked = rng.random((B, BANDS)) < 0.1 * (rng.random((B, 1)) < 0.2)
    return mix * each(1.0 - masked)
