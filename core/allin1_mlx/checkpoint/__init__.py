"""Checkpoints: files of named arrays and the configuration beside them, read without trust.

A file from outside can only give arrays or a CheckpointError: nothing in it is executed, and no
size that it claims is believed before it fits the file.

    arrays.py        `read_arrays`, whatever the kind of file; `check_arrays` against a network
    config.py        `read_config`: hyperparameters
    npz.py           NumPy's .npz
    safetensors.py   .safetensors
    torchfile.py     `read_checkpoint`: PyTorch's .th and .pth, without PyTorch
    pickled.py       the pickle in them, read without running it
    archive.py       zip files that may lie
    floats.py        bytes -> float32
"""

from .arrays import check_arrays, read_arrays
from .config import CONFIG_SUFFIXES, read_config
from .torchfile import Checkpoint, read_checkpoint

__all__ = [
    "CONFIG_SUFFIXES",
    "Checkpoint",
    "check_arrays",
    "read_arrays",
    "read_checkpoint",
    "read_config",
]
