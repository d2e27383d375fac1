"""Training batches: ranges of songs, stretched, remixed and filtered, with their targets.

The variety comes from here as much as from the composer: tempo (+-20 %), stem levels, equaliser,
pitch, band limits, filtered passages, compression, loudness, noise, and short excerpts that end in
silence. All random numbers come from one numpy generator. The arrays are computed on the device.
Axes: B items, K stems, T frames, F bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.log_spectrogram import logarithm
from allin1_mlx.network.backend import mx
from allin1_mlx.types import CLASSES_PER_OCTAVE, LABELS, LOWEST_TEMPO

from .corpus import Corpus, to_magnitudes
from .targets import TEMPO, TEMPO_BASE, TEMPO_STEPS

Rng = np.random.Generator

STRETCH = 0.2  # greatest change of the logarithm of the tempo, up or down
EXCERPTS = 0.25  # share of items that are short
EXCERPT_FRAMES = (1200, 5000)
BANDS = 81
SHIFTED, SHIFT = 0.4, 2  # share of items that are transposed; most bands
FILTERED = 0.25  # share of items with filtered passages


@dataclass(frozen=True)
class TrainingBatch:
    """One batch.

    spectrogram: (B, 1, T, 81). targets: (B, 14, T), probabilities of the logits and of singing.
    tempo: (B, T), in classes with fractions; negative if there is no tempo.
    known: (B, tasks), 1 for each of TASKS whose truth is known, else 0.
    """

    spectrogram: mx.array
    targets: mx.array
    tempo: mx.array
    known: mx.array


@dataclass(frozen=True)
class Crop:
    """A range of a song: output frame t contains frame first + (t - lead) * rate, or silence."""

    length: int  # frames of the song
    index: int  # index of the song in its corpus
    first: float
    rate: float
    frames: int  # number of output frames with sound
    lead: int  # number of silent output frames before it

    def positions(self, T: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The song's frame in each of T output frames, and whether it is within the song."""
        t = np.arange(T)
        shown = self.first + (t - self.lead) * self.rate
        sounds = (t >= self.lead) & (t < self.lead + self.frames)
        sounds &= (shown >= 0) & (shown <= self.length - 1)
        return np.clip(shown, 0, self.length - 1), sounds


def draw_crop(rng: Rng, corpus: Corpus, T: int) -> Crop:
    """A random range of a random song, stretched; usually T frames long."""
    index = int(rng.integers(len(corpus)))
    song_frames = corpus.frames[index]
    rate = float(np.exp(rng.uniform(-STRETCH, STRETCH))) if rng.random() < 0.6 else 1.0
    length = T
    if rng.random() < EXCERPTS:
        length = int(min(T, rng.uniform(*EXCERPT_FRAMES)))
    lead = int(rng.integers(0, 300)) if rng.random() < 0.3 else 0
    length = min(length, T - lead)
    spare = song_frames - length * rate
    first = rng.uniform(0, spare) if spare > 0 and rng.random() < 0.85 else 0.0
    return Crop(song_frames, index, first, rate, length, lead)


@dataclass(frozen=True)
class Colour:
    """Random changes of the sound of the mixes.

    equaliser: (B, 81), gains of the bands. shift: (B, 81), the source band of each band.
    filters: pairs of (B, T) strengths and (B, 81) decibels at strength 1.
    power, loudness, noise: (B,).
    """

    equaliser: NDArray[np.float32]
    shift: NDArray[np.int32]
    filters: tuple[NDArray[np.float32], NDArray[np.float32]]
    power: NDArray[np.float32]
    loudness: NDArray[np.float32]
    noise: NDArray[np.float32]
    noise_seed: int


def draw_batch(rng: Rng, corpora: list[tuple[Corpus, int]], T: int) -> TrainingBatch:
    """Draw the given number of items of T frames from each corpus."""
    parts = []
    for corpus, items in corpora:
        crops = [draw_crop(rng, corpus, T) for _ in range(items)]
        known = mx.array(np.stack([corpus.known[crop.index] for crop in crops]))
        parts.append((*cut(corpus, crops, _draw_gains(rng, items, corpus.stems), T), known))
    mixes, targets, tempo, known = (mx.concatenate(list(x)) for x in zip(*parts, strict=True))
    mix = _colour(mixes, _draw_colour(rng, len(mixes), T))
    return TrainingBatch(logarithm(mix)[:, None], targets.transpose(0, 2, 1), tempo, known)


def _draw_gains(rng: Rng, B: int, K: int) -> NDArray[np.float64]:
    """Random gains of the stems' power, (B, K)."""
    if K == 1:
        return np.ones((B, K))
    levels = rng.normal(0, 4, (B, K))  # dB
    quiet = rng.random(B) < 0.15
    levels[quiet, rng.integers(0, K, B)[quiet]] -= 26
    gains: NDArray[np.float64] = 10 ** (levels / 10)
    return gains


def cut(
    corpus: Corpus, crops: list[Crop], gains: NDArray[np.float64], T: int
) -> tuple[mx.array, mx.array, mx.array]:
    """The mixes of the crops, as magnitudes (B, T, 81), with targets (B, T, 14) and tempo (B, T).

    Stems are added in power. Values between frames are interpolated linearly. The tempo is as in
    TrainingBatch.
    """
    B, K = gains.shape
    shown, sounds = (np.stack(x) for x in zip(*(crop.positions(T) for crop in crops), strict=True))
    whole = np.floor(shown).astype(np.int32)
    starts = whole[:, 0]
    length = int(np.max(whole[:, -1] - starts)) + 2
    levels = corpus.ranges([crop.index for crop in crops], starts.tolist(), length)
    levels = levels.reshape(B * length, -1)
    # The ranges of all crops are concatenated; the frame after the last one has weight zero.
    rows = mx.array(whole - starts[:, None] + length * np.arange(B, dtype=np.int32)[:, None])
    rest = mx.array((shown - whole).astype(np.float32))[..., None]
    sounding = mx.array(sounds.astype(np.float32))[..., None]
    before, after = levels[rows], levels[rows + 1]

    def between(low: mx.array, high: mx.array) -> mx.array:
        return (low + (high - low) * rest) * sounding

    bands = K * BANDS
    stems = between(to_magnitudes(before[..., :bands]), to_magnitudes(after[..., :bands]))
    power = (
        mx.square(stems).reshape(B, T, K, BANDS)
        * mx.array(gains.astype(np.float32))[:, None, :, None]
    )
    tempo_column = bands + TEMPO
    columns = slice(bands, tempo_column)
    targets = between(before[..., columns].astype(mx.float32), after[..., columns])
    targets = targets / 255 + mx.array(_silence(crops, sounds))
    rates = np.array([[crop.rate] for crop in crops], np.float32)
    tempo = _tempo_classes(before[..., tempo_column].astype(mx.float32), mx.array(rates))
    return mx.sqrt(power.sum(axis=2)), targets, mx.where(sounding[..., 0] > 0, tempo, -1.0)


def _tempo_classes(stored: mx.array, rate: mx.array) -> mx.array:
    """Tempo (B, T) as in TrainingBatch, from the stored tempo and the playing rate (B, 1)."""
    octaves = stored / TEMPO_STEPS + mx.log2(rate) - float(np.log2(LOWEST_TEMPO / TEMPO_BASE))
    return mx.where(stored > 0, octaves * CLASSES_PER_OCTAVE, -1.0)


def _silence(crops: list[Crop], sounds: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Targets (B, T, 14) for silence: the label is start before the song and end after it."""
    B, T = sounds.shape
    early = np.arange(T) < np.array([crop.lead for crop in crops])[:, None]
    targets = np.zeros((B, T, TEMPO), np.float32)
    targets[..., 3 + LABELS.index("start")] = early
    targets[..., 3 + LABELS.index("end")] = ~sounds & ~early
    return targets


def _draw_colour(rng: Rng, B: int, T: int) -> Colour:
    """Draw equaliser, pitch, filters, dynamics, loudness and noise of B items."""
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
    masked = rng.random((B, BANDS)) < 0.1 * (rng.random((B, 1)) < 0.2)
    steps = np.where(rng.random(B) < SHIFTED, rng.integers(-SHIFT, SHIFT + 1, B), 0)
    return Colour(
        equaliser=(10 ** (decibels / 20) * ~masked).astype(np.float32),
        shift=np.clip(np.arange(BANDS) - steps[:, None], 0, BANDS - 1).astype(np.int32),
        filters=_draw_filters(rng, B, T),
        power=rng.uniform(0.8, 1.2, B).astype(np.float32),
        loudness=np.exp(rng.uniform(np.log(0.3), np.log(9.0), B)).astype(np.float32),
        noise=(10 ** rng.uniform(-4, -1.3, B)).astype(np.float32),
        noise_seed=int(rng.integers(2**31)),
    )


def _draw_filters(rng: Rng, B: int, T: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw passages without bass or without treble, as before a drop.

    Returns strengths (B, T), which rise and end at once, and decibels (B, 81) at strength 1.
    """
    strength = np.zeros((B, T), np.float32)
    f = np.linspace(-1, 1, BANDS)
    decibels = np.zeros((B, BANDS), np.float32)
    for item in np.flatnonzero(rng.random(B) < FILTERED):
        side = rng.choice([-1.0, 1.0])
        decibels[item] = -rng.uniform(15, 45) / (
            1 + np.exp(-side * (f - rng.uniform(-0.6, 0.6)) * 15)
        )
        for _ in range(int(rng.integers(1, 4))):
            frames = int(rng.uniform(200, 1600))
            first = int(rng.integers(0, max(1, T - frames)))
            rise = rng.uniform(0.01, 1)  # of the passage
            ramp = np.minimum(np.arange(frames) / (rise * frames), 1)
            strength[item, first : first + frames] = ramp[: T - first]
    return strength, decibels


def _colour(mix: mx.array, colour: Colour) -> mx.array:
    """Apply a colour to magnitudes (B, T, 81)."""

    def each(values: NDArray[Any]) -> mx.array:
        return mx.array(values).reshape(len(values), 1, -1)

    heard = mx.take_along_axis(mix, each(colour.shift), axis=2)
    strength, decibels = colour.filters
    filtered = mx.power(10.0, mx.array(strength)[..., None] * each(decibels) / 20)
    mix = mx.maximum(heard * each(colour.equaliser) * filtered, 1e-6)
    mix = mx.power(mix, each(colour.power))
    loudness = mx.maximum(mix.mean(axis=2, keepdims=True).mean(axis=1, keepdims=True), 1e-3)
    mix = mix / loudness * each(colour.loudness)
    sounding = mix.sum(axis=2, keepdims=True) > 1e-3
    noise = mx.abs(mx.random.normal(mix.shape, key=mx.random.key(colour.noise_seed)))
    return mix + noise * each(colour.noise) * sounding
