"""Run a network over spectrograms, and convert its output to frame-wise probabilities.

The logits of an ensemble are the mean of its folds' logits, before sigmoid and softmax (Kim & Nam
2023). Its judgement of the tempo is the mean of its folds' judgements.

Axes: E folds, N songs, K stems, T frames, F bands, L positions, C channels, R outputs per frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import TEMPO_FRAMES, Activations
from .backend import mx, release_freed_memory, single_blas_thread
from .loading import Network
from .model import LOGITS, AllInOne, Frames

VOICE = LOGITS  # the row of singing, if the network has one
CLASSES = LOGITS + 1  # the first row of the classes of tempo, if the network has them
UNLIKELY = 1e-3  # added to the probabilities of tempos, so that none counts as impossible
READ_OUT = 40 * TEMPO_FRAMES  # frames that have all their outputs in memory at once

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The output of a network for one song.

    logits: (13, T) float32 in the order beat, downbeat, section, LABELS; (14, T) with singing.
    tempo: (classes, n) as in `Activations`; None if the network does not judge the tempo.
    embeddings: (K, T, C) float32, or (K, T, C, folds) for an ensemble; None unless requested.
    """

    logits: Floats
    tempo: Floats | None = None
    embeddings: Floats | None = None

    @classmethod
    def of(cls, outputs: Floats) -> Prediction:
        """The prediction with all outputs (R, T) of one network."""
        return cls(outputs[:CLASSES].copy(), _judge_tempo(outputs[CLASSES:]))


def predict(
    spectrogram: Frames,
    network: Network,
    *,
    embeddings: bool = False,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Prediction:
    """Run the network over a whole song.

    spectrogram: (K, T, 81) float32, of NumPy or MLX. on_progress: called often with the finished
    fraction. An exception raised in it stops the computation.
    """
    return predict_group([spectrogram], network, embeddings=embeddings, on_progress=on_progress)[0]


def predict_group(
    spectrograms: Sequence[Frames],
    network: Network,
    *,
    embeddings: bool = False,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> list[Prediction]:
    """Run the network over several songs in one forward pass.

    spectrograms: (K, T, 81) each, all with the same `Network.padded` length. Other lengths are not
    allowed (ValueError), because attention windows are shifted at the end of a song: one more frame
    of silence would change the result.
    """
    lengths = [spectrogram.shape[1] for spectrogram in spectrograms]
    padded = network.padded(max(lengths))
    if any(network.padded(length) != padded for length in lengths):
        raise ValueError(f"songs of {lengths} frames cannot share one forward pass")
    release_freed_memory()  # of decoding
    songs = _join_songs([np.asarray(spectrogram) for spectrogram in spectrograms], padded)
    found: list[list[Prediction]] = [[] for _ in lengths]
    steps = sum(part.config.depth for part in network.passes)
    for index, part in enumerate(network.passes):

        def step(level: int, done: int = index * part.config.depth) -> None:
            on_progress((done + level) / steps)

        with single_blas_thread:
            vectors = part.embed(songs, on_block=step)
            for n, length in enumerate(lengths):
                # The batch has the songs of the first fold, then those of the second.
                own = vectors[n :: len(lengths)]
                found[n] += _read_out(part, own, length, embeddings=embeddings)
    predictions = [_mean(folds) for folds in found]
    release_freed_memory()
    return predictions


def _join_songs(songs: Sequence[Floats], padded: int) -> Floats:
    """Several songs (K, T, 81) as one array (N, K, padded, 81); one song is not copied."""
    if len(songs) == 1:
        return songs[0][None]  # the network adds silence at its end
    K, _, F = songs[0].shape
    joined = np.zeros((len(songs), K, padded, F), np.float32)
    for room, song in zip(joined, songs, strict=True):
        room[:, : song.shape[1]] = song
    return joined


def _read_out(
    part: AllInOne, vectors: mx.array, frames: int, *, embeddings: bool
) -> list[Prediction]:
    """The predictions of the folds of one pass. vectors: (E, K, L, C), the embeddings of a song.

    The classes of tempo are more than half of all outputs, so they are judged piece by piece.
    """
    E, step = len(vectors), part.config.step
    pieces: list[list[Prediction]] = [[] for _ in range(E)]
    size = READ_OUT * step
    for start in range(0, max(frames, 1), size):
        stop = min(start + size, frames)
        seen = vectors[:, :, start // step : -(-stop // step)]
        outputs = np.ascontiguousarray(part.classify(seen, stop - start))
        for fold, rows in zip(pieces, outputs, strict=True):
            fold.append(Prediction.of(rows))
    kept = np.array(vectors) if embeddings else [None] * E
    return [_concatenate(fold, whole) for fold, whole in zip(pieces, kept, strict=True)]


def _concatenate(pieces: Sequence[Prediction], embeddings: Floats | None) -> Prediction:
    """One prediction of consecutive pieces of a song, and its embeddings (K, T, C)."""
    logits = np.concatenate([piece.logits for piece in pieces], axis=1)
    judged = [piece.tempo for piece in pieces if piece.tempo is not None]
    return Prediction(logits, np.concatenate(judged, axis=1) if judged else None, embeddings)


def _mean(folds: Sequence[Prediction]) -> Prediction:
    """The prediction of an ensemble."""
    if len(folds) == 1:
        return folds[0]
    judged = [fold.tempo for fold in folds if fold.tempo is not None]
    vectors = [fold.embeddings for fold in folds if fold.embeddings is not None]
    return Prediction(
        np.mean([fold.logits for fold in folds], axis=0),
        np.mean(judged, axis=0) if judged else None,
        np.stack(vectors, axis=-1) if vectors else None,
    )


def activations(prediction: Prediction) -> Activations:
    """Convert logits to probabilities: sigmoid, but softmax of the labels."""
    logits = prediction.logits
    beat, downbeat, segment = _sigmoid(logits[:3])
    return Activations(
        beat,
        downbeat,
        segment,
        label=_softmax(logits[3:LOGITS]),
        tempo=prediction.tempo,
        voice=_sigmoid(logits[VOICE]) if len(logits) > VOICE else None,
    )


def _judge_tempo(classes: Floats) -> Floats | None:
    """The mean logarithms of the probabilities, `Activations.tempo`, from logits (classes, T)."""
    if not len(classes):
        return None
    starts = np.arange(0, classes.shape[1], TEMPO_FRAMES)
    sums = np.add.reduceat(np.log(_softmax(classes) + UNLIKELY), starts, axis=1)
    counts = np.diff(np.append(starts, classes.shape[1]))
    return (sums / counts).astype(np.float32)


def _softmax(logits: Floats) -> Floats:
    exponents = np.exp(logits - logits.max(axis=0, initial=-np.inf))
    return exponents / exponents.sum(axis=0)


def _sigmoid(x: Floats) -> Floats:
    with np.errstate(over="ignore"):  # exp of a large number is inf, and 1 / inf is 0 as it should
        return (1 / (1 + np.exp(-x))).astype(np.float32)
