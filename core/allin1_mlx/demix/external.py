"""User-supplied stems: four or six files that are used instead of separation.

The stems of a song are searched in four places. The first place with any stems is used:

    1. <folder>/<song>/bass.wav         a folder with the song's name without suffix
    2. <folder>/<song>_bass.wav         also "<song> (Bass).flac", "<song>-bass.ogg"
    3. <folder>/<parent>/bass.wav       a folder with the name of the folder that contains the song
    4. <folder>/bass.wav                the folder itself, if only one song is analysed

Case and suffix of the names do not matter. The stems are returned mono, (4, S) float32 at
SAMPLE_RATE, in the order of STEMS. Guitar and piano of six stems are added to other.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio import Audio, file_digest, load_audio
from ..errors import AudioError, StemsError
from ..files import DIGITS, printable_name
from ..types import STEMS

FOLDED = {"guitar": "other", "piano": "other"}  # in separations into six stems

_SUFFIXES = {
    *(".wav", ".wave", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".flac"),
    *(".ogg", ".oga", ".opus", ".mp3", ".m4a", ".mp4", ".mka", ".aac", ".wma"),
}
_STEM = "|".join((*STEMS, *FOLDED))
_AFTER_SONG = re.compile(rf"[\s_.\-–([]+({_STEM})[\s)\]]*")  # after the song's name
_TOLERANCE = 1.0  # seconds by which stems may differ from their song, because codecs add padding


@dataclass(frozen=True)
class StemFiles:
    """The files of a song's stems: the path of each, by its name in STEMS or FOLDED."""

    song: str
    paths: Mapping[str, Path]


@dataclass(frozen=True)
class Stems:
    """The stems of a song.

    samples: (4, S) float32 mono at SAMPLE_RATE, in the order of STEMS.
    digest: see `stems_digest`. warnings: as in Audio.
    """

    samples: NDArray[np.float32]
    digest: str
    warnings: tuple[str, ...]


def find_stems(
    song: str | PathLike[str], folder: str | PathLike[str], *, alone: bool = True
) -> StemFiles:
    """Search `folder` for the stems of `song`, in the order given above.

    alone: whether this is the only song that is analysed; otherwise stems in the folder itself
    could belong to any song. Raises StemsError if stems are missing or ambiguous.
    """
    top = Path(folder)
    name = printable_name(song)
    title = Path(song).stem
    parent = Path(os.path.abspath(song)).parent.name
    entries = _list(top)
    places = (
        _plain(_subfolder(entries, title)),
        _prefixed(entries, title),
        _plain(_subfolder(entries, parent)),
    )
    for found in places:
        if found:
            return StemFiles(name, _one_each(found, name, top))
    found = _plain(entries)
    if not found:
        raise StemsError(
            f"{name}: there are no stems for it in {printable_name(top)}; expected "
            f"{title}/bass.wav or {title}_bass.wav, and the same for drums, other and vocals"
        )
    if not alone:
        raise StemsError(
            f"{name}: the stems in {printable_name(top)} could belong to any of several songs; "
            f"put them into its subfolder {title}"
        )
    return StemFiles(name, _one_each(found, name, top))


def load_stems(found: StemFiles, *, duration: float | None = None) -> Stems:
    """Decode the stems that `find_stems` found.

    duration: of the song in seconds, if known; used to detect the stems of another song.
    Raises StemsError if a stem cannot be read, or if lengths or sample rates differ.
    """
    names = _names(found)
    samples = np.zeros((len(STEMS), 0), dtype=np.float32)
    shapes: dict[str, tuple[int, int]] = {}
    digests, warnings = [], []
    for name in names:
        audio = _load(found, name)
        shapes[name] = (audio.source_rate, audio.source_frames)
        _check_equal(found, shapes)
        if name == names[0]:
            _check_duration(found, audio.duration, duration)
            samples = np.zeros((len(STEMS), audio.samples.shape[1]), dtype=np.float32)
        row = samples[STEMS.index(FOLDED.get(name, name))]
        left, right = audio.samples
        left += right  # in place, because the stems of a long song need much memory
        left *= 0.5
        row += left
        digests.append((name, audio.sha256))
        warnings += [f"{found.song}: stem {warning}" for warning in audio.warnings]
    return Stems(samples, _join_digests(digests), tuple(warnings))


def stems_digest(found: StemFiles) -> str:
    """The first 8 hex digits of one SHA-256 over all files. Nothing is decoded."""
    return _join_digests((name, file_digest(found.paths[name])) for name in _names(found))


def _join_digests(digests: Iterable[tuple[str, str]]) -> str:
    text = "".join(f"{name} {sha256}\n" for name, sha256 in digests)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _names(found: StemFiles) -> list[str]:
    """The names of the stems that exist, in a fixed order."""
    return [*STEMS, *(name for name in FOLDED if name in found.paths)]


def _load(found: StemFiles, name: str) -> Audio:
    try:
        return load_audio(found.paths[name])
    except AudioError as e:
        raise StemsError(f"{found.song}: stem {e}") from e


def _check_equal(found: StemFiles, shapes: Mapping[str, tuple[int, int]]) -> None:
    """Raise StemsError unless all stems read until now have the same (sample rate, frames)."""
    if len(set(shapes.values())) > 1:
        seen = "; ".join(
            f"{printable_name(found.paths[name])} {frames / rate:.3f} s at {rate} Hz"
            for name, (rate, frames) in shapes.items()
        )
        raise StemsError(
            f"{found.song}: its stems differ in length or sample rate ({seen}); "
            "export them again, all from the start to the end of the song"
        )


def _check_duration(found: StemFiles, seconds: float, expected: float | None) -> None:
    if expected is not None and abs(seconds - expected) > _TOLERANCE:
        raise StemsError(
            f"{found.song}: lasts {expected:.1f} s but its stems {seconds:.1f} s; "
            "do they belong to another song?"
        )


def _list(folder: Path) -> list[Path]:
    """The visible entries of a folder, sorted by name."""
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as e:
        raise StemsError(
            f"{printable_name(folder)}: the folder of stems cannot be opened ({e.strerror})"
        ) from e


def _fold(text: str) -> str:
    """The name in one Unicode form: macOS stores letters and accents separately."""
    return unicodedata.normalize("NFC", text).casefold()


def _subfolder(entries: Iterable[Path], name: str) -> list[Path]:
    """The contents of the folder with this name; empty if there is none."""
    same = [p for p in entries if p.is_dir() and _fold(p.name) == _fold(name)]
    exact = [p for p in same if p.name == name]
    return [inside for folder in (exact or same)[:1] for inside in _list(folder)]


def _plain(entries: Iterable[Path]) -> list[tuple[str, Path]]:
    """Files whose name is that of a stem: (stem, path)."""
    names = (*STEMS, *FOLDED)
    return [(_fold(p.stem), p) for p in _sounds(entries) if _fold(p.stem) in names]


def _prefixed(entries: Iterable[Path], title: str) -> list[tuple[str, Path]]:
    """Files whose name consists of the song's name and that of a stem: (stem, path)."""
    found = []
    for path in _sounds(entries):
        stem = _fold(path.stem)
        if stem.startswith(_fold(title)):
            match = _AFTER_SONG.fullmatch(stem, len(_fold(title)))
            if match:
                found.append((match[1], path))
    return found


def _sounds(entries: Iterable[Path]) -> Iterable[Path]:
    return (p for p in entries if p.suffix.lower() in _SUFFIXES and p.is_file())


def _one_each(found: list[tuple[str, Path]], song: str, top: Path) -> dict[str, Path]:
    """The path of each stem. Raises StemsError unless each of the four exists exactly once."""
    paths: dict[str, Path] = {}
    for name, path in found:
        if name in paths:
            raise StemsError(
                f"{song}: {printable_name(paths[name])} and {printable_name(path)} in "
                f"{printable_name(top)} are both its {name}; remove one of them"
            )
        paths[name] = path
    missing = [name for name in STEMS if name not in paths]
    if missing:
        raise StemsError(
            f"{song}: of its stems in {printable_name(top)}, {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing; found "
            + ", ".join(printable_name(path) for path in paths.values())
        )
    return paths
