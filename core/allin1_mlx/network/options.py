"""Options of the computation. This module imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Backend = Literal["mlx_fast", "mlx"]


@dataclass(frozen=True)
class ComputeOptions:
    """Options that change speed and memory; they change results only by rounding.

    spec_backend: the fast or the reference spectrogram.
    compiled: whether the separator's kernels are fused on a GPU.
    ensemble_parallel: whether the folds of an ensemble run as one network on a GPU.
    """

    spec_backend: Backend = "mlx_fast"
    compiled: bool = True
    ensemble_parallel: bool = True
