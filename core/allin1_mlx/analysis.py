"""The analysis of one song: the fields of its result file, and fields that exist only in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from .result_file import read_result, write_result
from .types import Activations, Result


@dataclass(frozen=True)
class Analysis(Result):
    """The structure of one song.

    The fields of Result are written to the result file; the fields below are not.
    warnings: one line for each problem of a damaged or doubtful input.
    activations, embeddings: None unless requested. Embeddings are float32, (4, T, 24), or (4, T,
    24, 8) for an ensemble.
    """

    warnings: tuple[str, ...] = field(default=(), compare=False)
    activations: Activations | None = field(default=None, compare=False, repr=False)
    embeddings: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> str:
        """The text of the result file."""
        return write_result(self)

    @classmethod
    def from_json(cls, path: str | PathLike[str]) -> Analysis:
        """Read a result file of this program or of the reference programs.

        Raises ResultError if the file is not a valid result, OSError if it cannot be read.
        """
        return read_result(path, cls)
