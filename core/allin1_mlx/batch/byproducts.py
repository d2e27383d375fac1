"""The second stage: make or read spectrograms, and write files of spectrograms and stems.

    <demix_dir>/<separator>/<name>/bass.wav ...    <spec_dir>/<name>.npy, (K, T, 81) float32

The files are kept for later runs, or, to save memory, only until the analysis is finished.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..demix.features import Features
from ..demix.network_input import Spectrograms
from ..log_spectrogram import frame_count, gather, logarithm, stream_magnitudes
from ..pipeline import Analyzer
from ..types import STEMS, Progress
from .outputs import Outputs
from .plan import Plan, SpectrogramSource
from .prepare import Prepared
from .receipts import make
from .results import save_array
from .stages import Ready
from .stems import keep, read_mono


def make_spectrograms(
    analyzer: Analyzer, prepared: Prepared, outputs: Outputs, on_progress: Progress
) -> Ready:
    """The spectrograms of a prepared song; made or read, and written, as its plan says."""
    plan, features = prepared.plan, prepared.features
    if features is None:
        raise ValueError(f"{plan.song.path}: planned with spectrograms, but not decoded")
    file = outputs.spectrogram(plan.song.name)
    stems = outputs.stems(plan.song.name, plan.provenance.stems)
    if plan.spectrograms is SpectrogramSource.FILE:
        spectrograms = Spectrograms.of(features, _read(file), plan.provenance.stems)
    elif plan.spectrograms is SpectrogramSource.STEMS:
        spectrograms = _from_kept_stems(analyzer, plan, features, stems)
    elif plan.keep_stems:
        spectrograms = analyzer.make_spectrograms(
            features,
            path=plan.song.file,
            on_progress=on_progress,
            keep_stems=keep(stems, plan.provenance.of_stems),
        )
    else:
        spectrograms = analyzer.make_spectrograms(
            features, path=plan.song.file, on_progress=on_progress
        )
    temporary: list[Path] = []
    if plan.keep_stems and not outputs.keep_byproducts:
        temporary += [stems / f"{stem}.wav" for stem in STEMS]
    if plan.keep_spectrograms:
        write = partial(save_array, spectrograms.values)
        make(file, plan.provenance.of_spectrograms, write)
        if not outputs.in_memory:
            spectrograms = replace(spectrograms, values=_read(file))
        if not outputs.keep_byproducts:
            temporary.append(file)
    # A song may wait for others of the same length, without its sound unless it is needed later.
    samples = features.samples if outputs.hold_sound else None
    return Ready(plan.song, spectrograms, samples, features.envelope, tuple(temporary))


def _from_kept_stems(
    analyzer: Analyzer, plan: Plan, features: Features, stems: Path
) -> Spectrograms:
    magnitudes = stream_magnitudes(
        read_mono(stems), signals=len(STEMS), backend=analyzer.input.backend
    )
    room = frame_count(features.info.frames)
    values = gather(map(logarithm, magnitudes), signals=len(STEMS), room=room)
    return Spectrograms.of(features, values, plan.provenance.stems)


def _read(file: Path) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.load(file, allow_pickle=False)
    return values
