"""What the files of several songs are called, so that none hides another."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from .songs import Song


def name_results(songs: list[Song]) -> list[str]:
    """A JSON file's name for each song: <stem>.json; songs that share a stem get their SHA-256's
    first 8 digits, and a number where even these are the same."""
    stems = [Path(song.name).stem for song in songs]
    shared = Counter(stem.casefold() for stem in stems)
    names: list[str] = []
    for song, stem in zip(songs, stems, strict=True):
        digest = (song.analysis.audio_sha256 or "") if song.analysis else ""
        name = f"{stem}.{digest[:8] or 'result'}" if shared[stem.casefold()] > 1 else stem
        number = 2
        unique = name
        while f"{unique}.json".casefold() in (n.casefold() for n in names):
            unique = f"{name}.{number}"
            number += 1
        names.append(f"{unique}.json")
    return names
