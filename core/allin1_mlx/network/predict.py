"""From spectrograms to frame-wise probabilities: one network, or the mean of an ensemble.

An ensemble's logits are the mean of its folds' logits, before sigmoid and softmax; its threshold
is the mean of theirs (Kim & Nam 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import read_arrays, read_config
from ..decoding.tempo_space import PUBLISHED, STEADY, TempoSpace
from ..errors import CheckpointError
from ..types import Activations
from ..weights import ModelFiles
from .backend import has_gpu, keep_freed_memory, mx
from .config import LOGITS, Config
from .ensemble import Ensemble
from .model import AllInOne, load_arrays


@dataclass(frozen=True)
class Network:
    """The folds of one model, ready to predict.

    name: one of weights.MODELS, never "auto". together: whether the folds run as one network.
    """

    name: str
    folds: tuple[AllInOne, ...]
    together: bool = False

    @property
    def stems(self) -> int:
        """Number of spectrograms that the network needs: 4 stems, or 1 for the mix."""
        return self.folds[0].config.stems

    @cached_property
    def passes(self) -> tuple[AllInOne, ...]:
        """The networks to run one after the other: every fold, or all of them as one."""
        if self.together and len(self.folds) > 1:
            return (Ensemble(self.folds),)
        return self.folds

    @property
    def threshold(self) -> float:
        """The activation that opens and closes the song for the beat decoder."""
        return float(np.mean([fold.config.threshold for fold in self.folds]))

    @property
    def tempo_space(self) -> TempoSpace:
        """The tempi among which the beat decoder chooses."""
        return STEADY if self.folds[0].config.steady else PUBLISHED

    def padded(self, frames: int) -> int:
        """Number of frames after padding with silence at the end, from the number before it."""
        config = self.folds[0].config
        return frames + max(-frames % config.step, config.shortest - frames)


@dataclass(frozen=True)
class Prediction:
    """logits: (13, T) float32 in the order beat, downbeat, section, LABELS.

    embeddings: (K, T, C) float32, of an ensemble (K, T, C, folds); None unless asked for.
    """

    logits: NDArray[np.float32]
    embeddings: NDArray[np.float32] | None


def load_network(model: ModelFiles, *, ensemble_parallel: bool = True) -> Network:
    """Read the checkpoints of a model. Raises CheckpointError where one does not fit.

    ensemble_parallel: run the folds of an ensemble as one network where that is faster: on a GPU,
    which then gets few, large kernels. On a CPU one fold already fills the cache and all cores.
    """
    keep_freed_memory()
    folds = []
    for weights, config in model.files:
        with _fitting(config):
            fold = AllInOne(load_config(config))
        load_arrays(fold, read_arrays(weights), name=weights.name)
        fold.eval()
        folds.append(fold)
    return Network(model.name, tuple(folds), together=ensemble_parallel and has_gpu())


def load_config(path: Path) -> Config:
    """Read the configuration of a checkpoint. Raises CheckpointError where it does not fit."""
    with _fitting(path):
        return Config.from_dict(read_config(path))


@contextmanager
def _fitting(config: Path) -> Iterator[None]:
    """Raise CheckpointError for a configuration with missing or wrong values."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        reason = f"{e} is missing" if isinstance(e, KeyError) else str(e)
        raise CheckpointError(
            f"{config.name}: not the configuration of such a network ({reason[:120]})"
        ) from e


def predict(
    spectrogram: mx.array,
    network: Network,
    *,
    embeddings: bool = False,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Prediction:
    """Run the network over a whole song.

    spectrogram: (K, T, 81) float32. on_progress is called with the fraction that is done, several
    times a second on a slow machine; an exception raised in it stops the computation.
    """
    return predict_group([spectrogram], network, embeddings=embeddings, on_progress=on_progress)[0]


def predict_group(
    spectrograms: Sequence[mx.array],
    network: Network,
    *,
    embeddings: bool = False,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> list[Prediction]:
    """Run the network over several songs in one forward pass.

    spectrograms: (K, T, 81) each, of one `Network.padded` length: the attention's windows are
    shifted at the end of a song, so that one more frame of silence would change the result.
    """
    lengths = [spectrogram.shape[1] for spectrogram in spectrograms]
    padded = network.padded(max(lengths))
    if any(network.padded(length) != padded for length in lengths):
        raise ValueError(f"songs of {lengths} frames do not fit into one forward pass")
    songs = mx.stack(
        [
            mx.pad(spectrogram, [(0, 0), (0, padded - length), (0, 0)])
            for spectrogram, length in zip(spectrograms, lengths, strict=True)
        ]
    )
    logits, embedded = [], []
    steps = sum(part.config.depth for part in network.passes)
    for index, part in enumerate(network.passes):

        def step(level: int, done: int = index * part.config.depth) -> None:
            on_progress((done + level) / steps)

        vectors = part.embed(songs, on_block=step)
        logits.append(part.classify(vectors, padded))
        mx.eval(logits[-1])
        if embeddings:
            embedded.append(np.array(vectors))
    of_folds = mx.concatenate(logits).reshape(len(network.folds), len(lengths), -1, padded)
    means = np.array(of_folds.mean(axis=0))
    return [
        Prediction(
            means[n, :, :length].copy(),
            _join(np.concatenate(embedded)[n :: len(lengths)]) if embeddings else None,
        )
        for n, length in enumerate(lengths)
    ]


def activations(logits: NDArray[np.float32]) -> Activations:
    """Probabilities of the logits (13 or more, T): sigmoid of three, softmax of the labels."""
    beat, downbeat, segment = _sigmoid(logits[:3])
    labels = logits[3:LOGITS]
    exponents = np.exp(labels - labels.max(axis=0, initial=-np.inf))
    return Activations(beat, downbeat, segment, exponents / exponents.sum(axis=0))


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # exp of a large number is inf, and 1 / inf is 0 as it should
        return (1 / (1 + np.exp(-x))).astype(np.float32)


def _join(embedded: NDArray[np.float32]) -> NDArray[np.float32]:
    """(folds, K, T, C) to (K, T, C), of an ensemble (K, T, C, folds)."""
    return embedded[0] if len(embedded) == 1 else np.moveaxis(embedded, 0, -1).copy()
