"""Stems and spectrograms of songs in files: kept for later runs, or to spare memory.

    <demix_dir>/<separator>/<name>/bass.wav ...    <spec_dir>/<name>.npy, (K, T, 81) float32

Stems are sound only where a separator or the user made it; spectral stems are no sound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ..audio import Audio
from ..demix.network_input import Spectrograms
from ..log_spectrogram import logarithm
from ..network.backend import mx
from ..pipeline import Analyzer
from ..types import STEMS
from .outputs import Outputs
from .prepare import Prepared, has_sound, spectrogram_origin, stems_origin
from .receipts import forget, is_made, make
from .results import save_array
from .stems import are_kept, keep, read_mono


@dataclass(frozen=True)
class Looked:
    """A song's spectrograms, and files that are to be removed when they have been used."""

    spectrograms: Spectrograms
    passing: tuple[Path, ...]

    def discard(self) -> None:
        """Remove what was not to be kept."""
        for file in self.passing:
            forget(file)
            file.unlink(missing_ok=True)


def look_at(
    analyzer: Analyzer,
    prepared: Prepared,
    audio: Audio,
    outputs: Outputs,
    on_progress: Callable[[str, float], None],
) -> Looked:
    """The song's spectrograms: from a file, from stems in files, or from the song."""
    file = outputs.spectrogram(prepared.song.name)
    origin = spectrogram_origin(prepared.sha256, prepared.demix, analyzer.source.backend)
    stems = outputs.stems(prepared.song.name, prepared.demix)
    sound = has_sound(prepared.demix)
    has_stems = (
        sound
        and not outputs.overwrites("demix")
        and are_kept(stems, stems_origin(prepared.sha256, prepared.demix))
    )
    complete = has_stems or not (sound and outputs.keep_byproducts)
    if complete and not outputs.overwrites("spec") and is_made(file, origin):
        return Looked(Spectrograms.of(audio, _read(file), demix=prepared.demix), ())
    passing: list[Path] = []
    writes_stems = sound and not has_stems and (outputs.keep_byproducts or not outputs.in_memory)
    found = _make(analyzer, prepared, audio, stems, has_stems, writes_stems, on_progress)
    if writes_stems and not outputs.keep_byproducts:
        passing += [stems / f"{stem}.wav" for stem in STEMS]
    if outputs.keep_byproducts or not outputs.in_memory:
        make(file, origin, partial(save_array, np.asarray(found.values)))
        if not outputs.in_memory:
            found = replace(found, values=_read(file))
        if not outputs.keep_byproducts:
            passing.append(file)
    return Looked(found, tuple(passing))


def _make(
    analyzer: Analyzer,
    prepared: Prepared,
    audio: Audio,
    stems: Path,
    has_stems: bool,
    writes_stems: bool,
    on_progress: Callable[[str, float], None],
) -> Spectrograms:
    """Spectrograms from stems in files where they are, else from the song."""
    if has_stems and prepared.demix.startswith("htdemucs"):
        from ..demix.htdemucs.spectrograms import stream_magnitudes

        values = logarithm(
            stream_magnitudes(read_mono(stems), signals=len(STEMS), backend=analyzer.source.backend)
        )
        mx.eval(values)
        return Spectrograms.of(audio, values, demix=prepared.demix)
    more = {}
    if writes_stems:
        more = {"keep_stems": keep(stems, stems_origin(prepared.sha256, prepared.demix))}
    return analyzer.look(audio, path=prepared.song.file, on_progress=on_progress, **more)


def _read(file: Path) -> mx.array:
    return mx.array(np.load(file, allow_pickle=False))
