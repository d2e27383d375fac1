"""Load a network from its checkpoint files, and turn spectrograms into frame-wise probabilities.

The logits of an ensemble are the mean of its folds' logits, before sigmoid and softmax. Its
threshold is the mean of the folds' thresholds (Kim & Nam 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from mlx.utils import tree_flatten, tree_map, tree_unflatten
from numpy.typing import NDArray

from ..checkpoint import check_arrays, read_arrays, read_config
from ..errors import CheckpointError
from ..types import TEMPO_FRAMES, Activations
from ..weights import ModelFiles
from .backend import has_gpu, keep_freed_memory, mx, release_freed_memory
from .model import LOGITS, AllInOne, Config, Frames


class Ensemble(AllInOne):
    """E folds of one configuration as one network, with as many kernels as a single fold.

    Its parameters have a first axis of folds (see `layers`). An array that is (N, ...) in one fold
    is (E N, ...) here, fold by fold. The results equal those of the folds one after the other.
    """

    def __init__(self, folds: Sequence[AllInOne]) -> None:
        super().__init__(folds[0].config)
        parameters = (fold.parameters() for fold in folds)
        stacked = tree_map(lambda *arrays: mx.stack(list(arrays)), *parameters)
        # A convolution cannot use several weights within a batch: each fold keeps its embedding.
        self.folds = list(folds)
        del self.embedding, stacked["embedding"]
        self.update(stacked)
        self.train(folds[0].training)

    def embed_frames(self, x: Frames) -> mx.array:
        """Spectrograms (N, K, T, 81) to the input of the first block, (E N, K, L, C)."""
        return mx.concatenate([fold.embed_frames(x) for fold in self.folds])


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
        """Lowest probability of the first and the last beat of a song."""
        return float(np.mean([fold.config.threshold for fold in self.folds]))

    @property
    def steady(self) -> bool:
        """Whether its beats are decoded with `STEADY` tempos; see `find_beats`."""
        return self.folds[0].config.steady

    def padded(self, frames: int) -> int:
        """Number of frames after padding with silence at the end. frames: the number before."""
        config = self.folds[0].config
        return frames + max(-frames % config.step, config.shortest - frames)


@dataclass(frozen=True)
class Prediction:
    """The output of a network for one song.

    logits: (13, T) float32 in the order beat, downbeat, section, LABELS.
    embeddings: (K, T, C) float32, or (K, T, C, folds) for an ensemble; None unless requested.
    """

    logits: NDArray[np.float32]
    embeddings: NDArray[np.float32] | None


def load_network(model: ModelFiles, *, ensemble_parallel: bool = True) -> Network:
    """Read the checkpoints of a model. Raises CheckpointError if a file does not fit the network.

    ensemble_parallel: on a GPU, run the folds as one network with fewer, larger kernels.
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
    """Read the configuration of a checkpoint. Raises CheckpointError if it is not valid."""
    with _fitting(path):
        return Config.from_dict(read_config(path))


@contextmanager
def _fitting(config: Path) -> Iterator[None]:
    """Raise CheckpointError if a configuration has missing or wrong values."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        reason = f"{e} is missing" if isinstance(e, KeyError) else str(e)
        raise CheckpointError(
            f"{config.name}: not the configuration of an all-in-one network ({reason[:120]})"
        ) from e


UNLIKELY = 1e-3  # added to the probabilities of tempos, so that none counts as impossible

# Our names and those of the published checkpoints. Several arrays there may form one of ours.
_HEADS = ("beat", "downbeat", "section", "function")
_NAMES = (
    ("embedding.", "embeddings."),
    ("blocks.", "encoder.layers."),
    (".time.near_out.", ".timelayer.attention.output.dense."),
    (".time.far_out.", ".timelayer.attention2.output.dense."),
    (".time.near.", ".timelayer.attention.self."),
    (".time.far.", ".timelayer.attention2.self."),
    (".time.", ".timelayer."),
    (".instrument.attention_out.", ".instlayer.attention.output.dense."),
    (".instrument.attention.", ".instlayer.attention.self."),
    (".instrument.", ".instlayer."),
    (".norm_before.", ".layernorm_before."),
    (".norm_after.", ".layernorm_after."),
    (".expand.", ".intermediate.dense."),
    (".shrink.", ".output.dense."),
)


def parameters(model: AllInOne) -> list[tuple[str, mx.array]]:
    """All parameters with their names, in a fixed order."""
    return cast("list[tuple[str, mx.array]]", tree_flatten(model.parameters()))


def published_names(name: str, config: Config) -> tuple[str, ...]:
    """The names, in a checkpoint file, of the arrays that are joined to one parameter, in order."""
    for ours, theirs in _NAMES:
        name = name.replace(ours, theirs)
    if ".qkv." in name:
        return tuple(name.replace(".qkv.", f".{part}.") for part in ("query", "key", "value"))
    if name.startswith("heads.") and config.step == 1:
        return tuple(name.replace("heads.", f"{head}_classifier.classifier.") for head in _HEADS)
    return (name,)


def to_published(model: AllInOne) -> dict[str, mx.array]:
    """The network's parameters with the names and shapes of a checkpoint file."""
    arrays: dict[str, mx.array] = {}
    for name, array in parameters(model):
        parts = published_names(name, model.config)
        if len(parts) == len(_HEADS):
            ends = [1, 2, 3]
        else:
            ends = [array.shape[0] // len(parts) * part for part in range(1, len(parts))]
        arrays.update(zip(parts, mx.split(array, ends), strict=True))
    return arrays


def load_arrays(model: AllInOne, arrays: Mapping[str, NDArray[np.float32]], *, name: str) -> None:
    """Set the parameters of a network from the arrays of the checkpoint file `name`.

    Raises CheckpointError unless names and shapes are exactly those of the network.
    """
    expected = {part: array.shape for part, array in to_published(model).items()}
    check_arrays(arrays, expected, name=name)
    joined: list[tuple[str, Any]] = []
    for parameter, _ in parameters(model):
        parts = [arrays[part] for part in published_names(parameter, model.config)]
        joined.append((parameter, mx.array(np.concatenate(parts))))
    model.update(tree_unflatten(joined))


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
    folds = mx.concatenate(logits) if len(logits) > 1 else logits[0]
    folds = folds.reshape(len(network.folds), len(lengths), -1, padded)
    mean = folds.mean(axis=0) if len(network.folds) > 1 else folds[0]
    mx.eval(mean)
    del folds
    logits.clear()  # as many numbers as the spectrogram has
    means = np.asarray(mean)
    release_freed_memory()
    return [
        Prediction(
            means[n, :, :length].copy(),
            _join(np.concatenate(embedded)[n :: len(lengths)]) if embeddings else None,
        )
        for n, length in enumerate(lengths)
    ]


def _join_songs(songs: Sequence[NDArray[np.float32]], padded: int) -> NDArray[np.float32]:
    """Several songs (K, T, 81) as one array (N, K, padded, 81); one song is not copied."""
    if len(songs) == 1:
        return songs[0][None]  # the network adds silence at its end
    K, _, F = songs[0].shape
    joined = np.zeros((len(songs), K, padded, F), np.float32)
    for room, song in zip(joined, songs, strict=True):
        room[:, : song.shape[1]] = song
    return joined


def activations(logits: NDArray[np.float32]) -> Activations:
    """Convert logits (R, T) to probabilities: sigmoid of the first three, softmax of the labels.

    Rows after these 13 are the voice and the classes of tempo, if the network has them."""
    beat, downbeat, segment = _sigmoid(logits[:3])
    label = _softmax(logits[3:LOGITS])
    classes = logits[LOGITS + 1 :]
    return Activations(
        beat,
        downbeat,
        segment,
        label,
        tempo=_judge_tempo(classes) if len(classes) else None,
        voice=_sigmoid(logits[LOGITS]) if len(logits) > LOGITS else None,
    )


def _judge_tempo(classes: NDArray[np.float32]) -> NDArray[np.float32]:
    """`Activations.tempo` of the logits (C, T) of the classes of tempo."""
    step = 100 * TEMPO_FRAMES  # a part of the song at a time, to save memory
    parts = [classes[:, start : start + step] for start in range(0, classes.shape[1], step)]
    return np.concatenate([_judge_part(part) for part in parts or [classes]], axis=1)


def _judge_part(classes: NDArray[np.float32]) -> NDArray[np.float32]:
    starts = np.arange(0, classes.shape[1], TEMPO_FRAMES)
    sums = np.add.reduceat(np.log(_softmax(classes) + UNLIKELY), starts, axis=1)
    counts = np.diff(np.append(starts, classes.shape[1]))
    return (sums / counts).astype(np.float32)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    exponents = np.exp(logits - logits.max(axis=0, initial=-np.inf))
    return exponents / exponents.sum(axis=0)


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # exp of a large number is inf, and 1 / inf is 0 as it should
        return (1 / (1 + np.exp(-x))).astype(np.float32)


def _join(embedded: NDArray[np.float32]) -> NDArray[np.float32]:
    """(folds, K, T, C) to (K, T, C) for one fold, else to (K, T, C, folds)."""
    return embedded[0] if len(embedded) == 1 else np.moveaxis(embedded, 0, -1).copy()
