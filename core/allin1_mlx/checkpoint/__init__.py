"""Checkpoints: files of named arrays and their configuration. Files are not trusted.

Reading a file from a stranger gives either arrays or a CheckpointError. Nothing in it is executed,
and every size that it claims is checked against the size of the file.

    arrays.py      `read_arrays` for all kinds of files, `read_config`, `check_arrays`
    formats.py     .npz and .safetensors
    torchfile.py   `read_checkpoint`: PyTorch's .th and .pth, without PyTorch
    pickled.py     the pickle in a PyTorch file, read without running it
    archive.py     zip files whose claims are checked
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
