"""Pseudo-labels: what the published ensemble hears in real songs that nobody annotated.

The ensemble looks at spectral stems of the mix. Where its decoded beats are trusted, they sharpen
the soft targets; how far its folds agree on a song tells whether to trust it at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backend import mx
from ..beats import Beats, decode_beats
from ..demix.spectral import spectral_stems
from ..predict import Network, activations
from ..spectrogram import logarithm
from ..types import FPS, Activations
from .augment import BEAT_WIDTH, draw_peaks
from .corpus import TrainingSong, Truth, to_magnitudes
from .evaluate import BEAT_WINDOW, f_measure, in_processes

SHARPENING = 0.5  # share of the decoded beats in the targets


@dataclass(frozen=True)
class Lesson:
    """A labelled song; agreement: mean F-measure of single folds' beats with the ensemble's."""

    song: TrainingSong
    agreement: float


def label_songs(mixes: Mapping[str, NDArray[np.uint8]], ensemble: Network) -> list[Lesson]:
    """Let the ensemble label mixes, (T, 81) uint8 as in the corpus, by name."""
    answers = [_listen(mix, ensemble) for mix in mixes.values()]
    jobs = [(logits, ensemble.threshold) for logits in answers]
    return [
        _lesson(name, mix, *judged)
        for (name, mix), judged in zip(mixes.items(), in_processes(_judge, jobs), strict=True)
    ]


def _listen(mix: NDArray[np.uint8], ensemble: Network) -> NDArray[np.float32]:
    """Logits of every fold: (folds, 13, T)."""
    stems = logarithm(spectral_stems(to_magnitudes(mx.array(mix))))[None]
    return np.stack([np.array(fold(stems)[0]) for fold in ensemble.folds])


def _judge(job: tuple[NDArray[np.float32], float]) -> tuple[Activations, Beats, float]:
    """The ensemble's probabilities and beats, and how far its folds agree with them."""
    folds, threshold = job
    found = activations(folds.mean(axis=0))
    beats = decode_beats(found.beat, found.downbeat, threshold=threshold)
    agreements = []
    for one in map(activations, folds):
        times = decode_beats(one.beat, one.downbeat, threshold=threshold).times
        agreements.append(f_measure(beats.times, times, window=BEAT_WINDOW))
    return found, beats, float(np.mean(agreements))


def _lesson(
    name: str, mix: NDArray[np.uint8], found: Activations, beats: Beats, agreement: float
) -> Lesson:
    soft = np.concatenate([[found.beat, found.downbeat, found.segment], found.label])
    frames = beats.times * FPS
    downbeats = frames[beats.positions == 1]
    for row, peaks in ((0, frames), (1, downbeats)):
        sharp = np.zeros(len(mix), np.float32)
        draw_peaks(sharp, peaks, BEAT_WIDTH)
        soft[row] = (1 - SHARPENING) * soft[row] + SHARPENING * sharp
    label = found.label.argmax(axis=0).astype(np.uint8)
    truth = Truth(frames, downbeats, np.zeros(0), label, soft.astype(np.float16))
    return Lesson(TrainingSong(name, mix[:, None], truth), agreement)
