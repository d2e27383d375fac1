"""Build our network from the authors' checkpoint: names and layouts of its arrays.

In the checkpoint, kernels are (out, in, ...), and (in, out, ...) for transposed convolutions. Here
channels come last, and kernels that are matrix products have two axes.
"""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import cast

import numpy as np
from mlx.utils import tree_flatten, tree_unflatten
from numpy.typing import NDArray

from ...checkpoint import check_arrays, read_checkpoint
from ...errors import CheckpointError
from ...network.backend import mx
from .config import HTDemucsConfig
from .network import HTDemucsNetwork

# Indices in the authors' sequences of layers, and our names.
_RESIDUAL = {
    "0": "squeeze",
    "1": "squeeze_norm",
    "3": "expand",
    "4": "expand_norm",
}


def load_network(path: str | PathLike[str]) -> HTDemucsNetwork:
    """Build the network that a .th file describes, with its weights in float32.

    Raises CheckpointError if the file is damaged, hostile or of another network, OSError if it
    cannot be opened.
    """
    file = Path(path)
    checkpoint = read_checkpoint(file)
    kwargs = checkpoint.fields.get("kwargs")
    if not isinstance(kwargs, dict) or checkpoint.fields.get("args") not in ((), []):
        raise CheckpointError(f"{file.name}: does not say how its network is built")
    network = HTDemucsNetwork(HTDemucsConfig.from_kwargs(kwargs, name=file.name))
    theirs = {key: arrange(key, array) for key, array in checkpoint.arrays.items()}
    parameters = cast(list[tuple[str, mx.array]], tree_flatten(network.parameters()))
    ours = {key: array.shape for key, array in parameters}
    names = {key: rename(key) for key in theirs}
    missing = {key: shape for key, shape in ours.items() if key not in names.values()}
    check_arrays(
        theirs,
        {**{key: ours[name] for key, name in names.items() if name in ours}, **missing},
        name=file.name,
    )
    network.update(tree_unflatten([(names[key], mx.array(array)) for key, array in theirs.items()]))
    network.eval()
    mx.eval(network.parameters())
    return network


def rename(name: str) -> str:
    """Our name for an array of the authors' network."""
    step = re.fullmatch(r"(.*\.dconv\.layers\.\d+)\.(\d)\.(weight|bias)", name)
    if step and step[2] in _RESIDUAL:
        return f"{step[1]}.{_RESIDUAL[step[2]]}.{step[3]}"
    name_of_scale = re.sub(r"(\.dconv\.layers\.\d+)\.6\.scale$", r"\1.scale", name)
    return re.sub(r"(\.gamma_[12])\.scale$|\.embedding\.weight$", r"\1", name_of_scale)


def arrange(name: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """An array of the authors' network in our layout. name: its name there."""
    if array.ndim < 3:
        return array
    if name.endswith(".conv_tr.weight"):  # (in, out, 8[, 1])
        return np.moveaxis(array, 1, -1).reshape(array.shape[0], -1)
    channels_last = np.moveaxis(array, 1, -1)
    if name.endswith(".conv.weight") or array[0, 0].size == 1:  # (out, in, 8[, 1]) or 1 x 1
        return channels_last.reshape(array.shape[0], -1)
    return channels_last
