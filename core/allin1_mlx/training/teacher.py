"""Pseudo-labels: what the published ensemble hears in real songs that nobody annotated.

The ensemble looks at spectral stems of the mix. Where its decoded beats are trusted, they sharpen
the soft targets; how far its folds agree on a song tells whether to trust it at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backend import mx
from ..beats import decode_beats
from ..demix.spectral import spectral_stems
from ..predict import Network, activations
from ..spectrogram import logarithm
from ..types import FPS
from .augment import BEAT_WIDTH, draw_peaks
from .corpus import TrainingSong, Truth, to_magnitudes
from .evaluate import BEAT_WINDOW, f_measure

SHARPENING = 0.5  # share of the decoded beats in the targets


@dataclass(frozen=True)
class Lesson:
    """A labelled song; agreement: mean F-measure of single folds' beats with the ensemble's."""

    song: TrainingSong
    agreement: float


def label_song(name: str, mix: NDArray[np.uint8], ensemble: Network) -> Lesson:
    """Let the ensemble label a mix, (T, 81) uint8 as in the corpus."""
    stems = logarithm(spectral_stems(to_magnitudes(mx.array(mix))))[None]
    folds = []
    for fold in ensemble.folds:
        folds.append(np.array(fold(stems)[0]))
    found = activations(np.mean(folds, axis=0))
    beats = decode_beats(found.beat, found.downbeat, threshold=ensemble.threshold)
    agreements = []
    for logits in folds:
        one = activations(logits)
        times = decode_beats(one.beat, one.downbeat, threshold=ensemble.threshold).times
        agreements.append(f_measure(beats.times, times, window=BEAT_WINDOW))
    soft = np.concatenate([[found.beat, found.downbeat, found.segment], found.label])
    frames = beats.times * FPS
    for row, peaks in ((0, frames), (1, frames[beats.positions == 1])):
        sharp = np.zeros(len(mix), np.float32)
        draw_peaks(sharp, peaks, BEAT_WIDTH)
        soft[row] = (1 - SHARPENING) * soft[row] + SHARPENING * sharp
    truth = Truth(
        frames,
        frames[beats.positions == 1],
        np.zeros(0),
        found.label.argmax(axis=0).astype(np.uint8),
        soft.astype(np.float16),
    )
    return Lesson(TrainingSong(name, mix[:, None], truth), float(np.mean(agreements)))
