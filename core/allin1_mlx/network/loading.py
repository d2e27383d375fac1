"""The folds of a model as one `Network`, and how they are read from checkpoint files.

The names and shapes of the arrays are those of the published checkpoints (Kim & Nam 2023), also for
the bundled network. The threshold of an ensemble is the mean of its folds' thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from ..weights import ModelFiles
from .backend import has_gpu, keep_freed_memory, mx
from .model import AllInOne, Config, Frames

# Our names and those of the published checkpoints. Several of their arrays may form one of ours.
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
