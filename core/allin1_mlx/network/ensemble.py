"""The folds of an ensemble as one network, whose parameters have a first axis of folds (`layers`).

It gives what the folds give one after the other, with as many kernels as one fold.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlx.utils import tree_map

from .backend import mx
from .model import AllInOne


class Ensemble(AllInOne):
    """E folds of one configuration: what is (N, ...) of one network is (E N, ...), fold by fold."""

    def __init__(self, folds: Sequence[AllInOne]) -> None:
        super().__init__(folds[0].config)
        stacked = tree_map(
            lambda *arrays: mx.stack(list(arrays)), *(fold.parameters() for fold in folds)
        )
        # A convolution cannot use other weights for parts of a batch: each fold keeps its three.
        self.folds = list(folds)
        del self.embedding, stacked["embedding"]
        self.update(stacked)
        self.train(folds[0].training)

    def embed_frames(self, x: mx.array) -> mx.array:
        """Spectrograms (N, K, T, 81) to what the first block gets, (E N, K, L, C)."""
        return mx.concatenate([fold.embed_frames(x) for fold in self.folds])
