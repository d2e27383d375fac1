"""The forms of real songs, counted in the Harmonix annotations.

The Harmonix Set (Nieto et al., ISMIR 2019) annotates beats and sections of 912 songs. Only counts
are stored here, in `statistics.json`: for each group of genres, how often one kind of section
follows two others, how many bars each lasts, and how fast songs are. This command counts again:

    python -m allin1_mlx_training.music.statistics harmonix-annotations.tar.xz statistics.json
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections import Counter, defaultdict
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .command import read_paths

START, END = "<", ">"  # before the first and after the last part of a form
TEMPO_STEP = 5  # BPM, width of the histogram's classes

# Parts of a form: finer than labels, because a prechorus sounds unlike a verse. The first of these
# names in an annotation decides.
PARTS = {
    "postchorus": "postchorus",
    "prechorus": "prechorus",
    "instchorus": "inst",
    "chorusinst": "inst",
    "chorus": "chorus",
    "refrain": "chorus",
    "verse": "verse",
    "rap": "verse",
    "bridge": "bridge",
    "trans": "build",
    "build": "build",
    "intro": "intro",
    "fadein": "intro",
    "opening": "intro",
    "outro": "outro",
    "solo": "solo",
    "inst": "inst",
    "gtr": "inst",
    "guitar": "inst",
    "riff": "inst",
    "synth": "inst",
    "break": "break",
    "stutter": "break",
    "quiet": "break",
}
LABEL_OF_PART = {
    "intro": "intro",
    "verse": "verse",
    "prechorus": "verse",
    "chorus": "chorus",
    "postchorus": "chorus",
    "bridge": "bridge",
    "build": "bridge",
    "inst": "inst",
    "solo": "solo",
    "break": "break",
    "outro": "outro",
}
GROUPS = {
    "Hip-Hop": "hiphop",
    "Dance/Electronic": "dance",
    "Rock": "rock",
    "Alternative": "rock",
    "Metal": "rock",
    "Classic Rock": "rock",
    "Grunge": "rock",
    "Prog": "rock",
    "Blues": "rock",
    "Indie Rock": "rock",
    "Punk": "rock",
    "Country": "rock",
}  # genre -> group; all others are "pop"


@lru_cache(maxsize=1)
def load_statistics() -> dict[str, Any]:
    """The stored counts by group: next, bars, tempo."""
    text = resources.files(__package__).joinpath("statistics.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def part_of(name: str) -> str | None:
    """The part that an annotated section name stands for; None for silence and unknown names."""
    lower = name.lower()
    return next((part for word, part in PARTS.items() if word in lower), None)


def count(archive: str | Path) -> dict[str, Any]:
    """Count forms, lengths and tempos in the annotation archive."""
    genres, beats, sections = read_annotations(archive)
    following: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    bars: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    tempo: dict[str, Counter[str]] = defaultdict(Counter)
    for song, grid in beats.items():
        group = GROUPS.get(genres.get(song, ""), "pop")
        bpm = 60 / np.median(np.diff(grid[:, 0]))
        tempo[group][str(int(bpm // TEMPO_STEP) * TEMPO_STEP)] += 1
        downbeats = grid[grid[:, 1] == 1, 0]
        before = (START, START)
        edges = sections[song]
        for (start, name), (end, _) in pairwise(edges):
            part = part_of(name)
            length = int(((downbeats > start - 0.1) & (downbeats < end - 0.1)).sum())
            if part is None or length == 0:
                continue
            following[group][" ".join(before)][part] += 1
            bars[group][part][str(length)] += 1
            before = (before[1], part)
        following[group][" ".join(before)][END] += 1
    return {
        group: {"next": following[group], "bars": bars[group], "tempo": tempo[group]}
        for group in sorted(tempo)
    }


def read_annotations(
    archive: str | Path,
) -> tuple[dict[str, str], dict[str, Any], dict[str, list[tuple[float, str]]]]:
    """(song -> genre, song -> (beats, 3) times, positions, bars; song -> [(start, name)])."""
    genres: dict[str, str] = {}
    beats: dict[str, Any] = {}
    sections: dict[str, list[tuple[float, str]]] = {}
    with tarfile.open(archive) as files:
        for member in files:
            content = files.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            text, path = content.read().decode(), Path(member.name)
            if path.name == "metadata.csv":
                rows = csv.DictReader(io.StringIO(text))
                genres = {row["File"]: row["Genre"] for row in rows}
            elif path.parent.name == "beats_and_downbeats":
                beats[path.stem] = np.loadtxt(io.StringIO(text), ndmin=2)
            elif path.parent.name == "segments":
                rows_ = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
                sections[path.stem] = [(float(r[0]), r[1]) for r in rows_ if len(r) == 2]
    return genres, beats, sections


def main() -> None:
    """Run the command in the module's docstring."""
    archive, out = read_paths(
        "Count the forms of the Harmonix annotations.",
        archive="harmonix-annotations.tar.xz",
        out="the JSON file to write",
    )
    counts = count(archive)
    out.write_text(json.dumps(counts, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
