"""Fit the shares of the spectral stems to the true stems of composed songs.

    python -m allin1_mlx_training.shares --bank own.npz gm.npz

Writes demix/shares.json: the share of each stem in the percussive and in the harmonic part of a
mix, for each band. The fit is on log10(1 + magnitude), the scale of the network's input. The drums
always get the whole percussive part, because the beat depends on them. All shares are doubled,
because the published networks were trained on loud masters.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.demix import spectral
from allin1_mlx.demix.spectral import part
from allin1_mlx.network.backend import mx
from allin1_mlx.types import STEMS

from .bank import Bank, load_bank
from .composer import compose

FIRST_SEED = 5000
SONGS = 120
FRAMES = 250  # of each song
LOUDER = 2.0
COARSE = np.linspace(0, 1.2, 13)
STEPS = (0.08, 0.04, 0.02, 0.01, 0.005, 0.0025)
ROUNDS = 4  # at each step
SMOOTHING = np.array([1, 2, 3, 2, 1]) / 9  # over neighbouring bands

Frames = NDArray[np.float32]  # (n, 81)
Table = NDArray[np.float64]  # (4, 81)


def draw_frames(bank: Bank) -> tuple[Frames, Frames, Frames]:
    """Percussive and harmonic parts (n, 81) of mixes, and their true stems (4, n, 81)."""
    rng = np.random.default_rng(0)
    percussive, harmonic, stems = [], [], []
    for seed in range(FIRST_SEED, FIRST_SEED + SONGS):
        song = compose(seed, bank).stems.astype(np.float32)
        parts = part(mx.array(np.sqrt(np.square(song).sum(axis=0))))
        chosen = rng.choice(song.shape[1], FRAMES, replace=False)
        percussive.append(np.array(parts[0])[chosen])
        harmonic.append(np.array(parts[1])[chosen])
        stems.append(song[:, chosen])
    return np.concatenate(percussive), np.concatenate(harmonic), np.concatenate(stems, axis=1)


def fit_shares(percussive: Frames, harmonic: Frames, stems: Frames) -> tuple[Table, Table]:
    """The shares (4, 81) of both parts with the least squared error of the logarithm."""
    target = np.log10(1 + stems)

    def errors(p: Table, h: Table) -> Table:
        fitted = np.log10(1 + p[:, None] * percussive + h[:, None] * harmonic)
        return np.square(fitted - target).mean(axis=1)

    ones = np.ones((len(STEMS), percussive.shape[1]))
    best = (ones * 0, ones * 0)
    least = errors(*best)

    def take(p: Table, h: Table) -> None:
        nonlocal best, least
        found = errors(p, h)
        better = found < least
        best = (np.where(better, p, best[0]), np.where(better, h, best[1]))
        least = np.where(better, found, least)

    for p in COARSE:
        for h in COARSE:
            take(ones * p, ones * h)
    for step in STEPS:
        for _ in range(ROUNDS):
            for along in ((step, 0), (-step, 0), (0, step), (0, -step)):
                take(np.maximum(best[0] + along[0], 0), np.maximum(best[1] + along[1], 0))
    return _smooth(best[0]), _smooth(best[1])


def _smooth(table: Table) -> Table:
    width = len(SMOOTHING) // 2
    padded = np.pad(table, ((0, 0), (width, width)), mode="edge")
    return np.stack([np.convolve(row, SMOOTHING, "valid") for row in padded])


def main() -> None:
    """Run the command in the module's docstring."""
    parser = argparse.ArgumentParser(description="Fit the spectral stems' shares.")
    parser.add_argument("--bank", nargs="+", required=True, help="files of training.bank")
    percussive, harmonic = fit_shares(*draw_frames(load_bank(*parser.parse_args().bank)))
    percussive[STEMS.index("drums")] = 1
    tables = {
        kind: {
            stem: (LOUDER * row).round(3).tolist() for stem, row in zip(STEMS, table, strict=True)
        }
        for kind, table in (("percussive", percussive), ("harmonic", harmonic))
    }
    path = Path(spectral.__file__).parent / "shares.json"
    path.write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
