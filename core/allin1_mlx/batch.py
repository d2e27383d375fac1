"""Many songs: names that never collide, results written whole or not at all, failures apart.

A result is called <stem>.json after its song. Songs of one run that share a stem (also where a
file system does not tell them apart: case, Unicode form) all get <stem>.<8 hex digits of the
audio's SHA-256>.json; copies of one file among them are numbered.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .audio import file_digest
from .errors import AllInOneError, AudioError
from .files import replacing
from .pipeline import Analyzer
from .types import Analysis


@dataclass(frozen=True)
class Song:
    """An input as it was named, and the name of its results without a suffix."""

    path: str
    name: str


@dataclass(frozen=True)
class Outcome:
    """What became of a song: `analysis` written to `result`, or `error`, a line for the user."""

    song: Song
    result: Path | None = None
    analysis: Analysis | None = None
    error: str = ""


def name_songs(paths: Iterable[str]) -> list[Song]:
    """Name the results of all songs of a run, in the order of `paths`; repeats are dropped."""
    unique = list({os.path.abspath(path): path for path in paths}.values())
    shared = Counter(_folded(Path(path).stem) for path in unique)
    songs: list[Song] = []
    taken: Counter[str] = Counter()
    for path in unique:
        stem = Path(path).stem
        if shared[_folded(stem)] > 1:
            stem = f"{stem}.{_digest(path)}"
        taken[_folded(stem)] += 1
        if taken[_folded(stem)] > 1:
            stem = f"{stem}-{taken[_folded(stem)]}"
        songs.append(Song(path, stem))
    return songs


def analyze_songs(
    songs: Iterable[Song],
    analyzer: Analyzer,
    *,
    out_dir: Path,
    activations: bool = False,
    embeddings: bool = False,
    on_progress: Callable[[Song, str, float], None] = lambda song, stage, fraction: None,
) -> Iterator[Outcome]:
    """Analyse songs one by one, writing <name>.json and arrays beside it; one may fail alone.

    on_progress is called with the song, the stage and its share that is done.
    """
    for song in songs:

        def report(stage: str, fraction: float, song: Song = song) -> None:
            on_progress(song, stage, fraction)

        try:
            analysis = analyzer(
                song.path, on_progress=report, activations=activations, embeddings=embeddings
            )
            yield Outcome(song, write_results(analysis, song.name, out_dir), analysis)
        except (AllInOneError, OSError) as e:
            yield Outcome(song, error=str(e))


def write_results(analysis: Analysis, name: str, out_dir: Path) -> Path:
    """Write <name>.json, and <name>.activ.npz and <name>.embed.npy where they were kept."""
    out_dir.mkdir(parents=True, exist_ok=True)
    if (kept := analysis.activations) is not None:
        with replacing(out_dir / f"{name}.activ.npz") as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                beat=kept.beat,
                downbeat=kept.downbeat,
                segment=kept.segment,
                label=kept.label,
            )
    if analysis.embeddings is not None:
        with replacing(out_dir / f"{name}.embed.npy") as temporary, temporary.open("wb") as file:
            np.save(file, analysis.embeddings)
    result = out_dir / f"{name}.json"
    with replacing(result) as temporary:
        temporary.write_text(analysis.to_json(), encoding="utf-8")
    return result


def _folded(stem: str) -> str:
    return unicodedata.normalize("NFC", stem).casefold()


def _digest(path: str) -> str:
    """First 8 hex digits of the file's SHA-256; zeros where it cannot be read."""
    try:
        return file_digest(path)[:8]
    except AudioError:
        return "0" * 8  # its analysis will say why
