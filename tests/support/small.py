"""Songs, results and networks that are small enough to make hundreds of them in a test.

The network is random, written as a checkpoint file and read as any other.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pictures.envelope import Envelope, EnvelopeMeter
from allin1_mlx.network.backend import mx
from allin1_mlx.network.loading import to_published
from allin1_mlx.network.model import AllInOne, Config
from allin1_mlx.types import Segment

RATE = 44_100
SMALL = Config(dim=8, depth=2, threshold=0.1)
RESULT = Analysis(
    path="song.wav",
    bpm=120,
    beats=(0.5, 1.0, 1.5, 2.0, 2.5),
    downbeats=(0.5, 2.5),
    beat_positions=(1, 2, 3, 4, 1),
    segments=(Segment(0.0, 2.5, "verse"), Segment(2.5, 3.0, "chorus")),
    duration=3.0,
    meter=4,
)


def measure_envelope(samples: np.ndarray) -> Envelope:
    """The envelope of samples (2, S), measured in blocks of 7 seconds."""
    meter = EnvelopeMeter()
    for first in range(0, samples.shape[1], 7 * RATE):
        meter.add(samples[:, first : first + 7 * RATE])
    return meter.envelope


def write_network(
    folder: Path, config: Config = SMALL, *, seed: int = 3, steady: bool = False
) -> list[str]:
    """Write a random network; returns the options that name it.

    steady: its output has beats everywhere, and never a boundary.
    """
    mx.random.seed(seed)
    model = AllInOne(config)
    arrays = {name: np.array(array) for name, array in to_published(model).items()}
    if steady:
        arrays["beat_classifier.classifier.bias"][:] = 1
        arrays["section_classifier.classifier.bias"][:] = -200
    folder.mkdir(parents=True, exist_ok=True)
    weights, described = folder / "small.npz", folder / "small.json"
    np.savez(weights, **arrays)
    described.write_text(json.dumps(config.to_dict()))
    return ["--mlx-weights-path", str(weights), "--mlx-config-path", str(described)]


def write_song(
    path: Path, *, seed: int = 0, seconds: float = 2.0, rate: int = RATE, bpm: float = 150.0
) -> Path:
    """Write a song of clicks and random noise; the path's suffix is its format."""
    random = np.random.default_rng(seed)
    samples = random.normal(0, 0.02, round(seconds * rate)).astype(np.float32)
    for start in np.arange(0, seconds, 60 / bpm):
        first = round(start * rate)
        length = min(2000, len(samples) - first)
        samples[first : first + length] += np.exp2(-np.arange(length) / 200) * 0.5
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack([samples, samples[::-1]], axis=1), rate)
    return path
