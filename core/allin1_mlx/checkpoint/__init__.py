"""Checkpoints: files of named arrays and their configuration, read without trust.

A file from outside can only give arrays or a CheckpointError. Nothing in it is executed, and every
size that it claims is checked against the file.

    arrays.py      `read_arrays`, whatever the kind of file; `read_config`; `check_arrays`
    formats.py     .npz and .safetensors
    torchfile.py   `read_checkpoint`: PyTorch's .th and .pth, without PyTorch
    pickled.py     the pickle in them, read without running it
    archive.py     zip files, whose claims are checked
"""

from .arrays import CONFIG_SUFFIXES, check_arrays, read_arrays, read_config
from .torchfile import Checkpoint, read_checkpoint

__all__ = [
    "CONFIG_SUFFIXES",
    "Checkpoint",
    "check_arrays",
    "read_arrays",
    "read_checkpoint",
    "read_config",
]
