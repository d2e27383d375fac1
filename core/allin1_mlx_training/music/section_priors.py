"""Count the lengths, places and successions of sections in real songs.

The section decoder reads the counts. They come from the Harmonix annotations (Nieto et al., ISMIR
2019). To count again:

    python -m allin1_mlx_training.music.section_priors harmonix-annotations.tar.xz \
        core/allin1_mlx/decoding/section_priors.json
"""

from __future__ import annotations

import json
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.decoding.section_labels import LONGEST, NAMES, PLACES, TIMES

from .command import read_paths
from .statistics import LABEL_OF_PART, part_of, read_annotations

START, END = "<", ">"  # before the first and after the last section
EARLY = 0.1  # seconds by which a section may begin before its downbeat


def count(archive: str | Path) -> dict[str, Any]:
    """Count lengths, successions, places and returns of labels in the annotation archive.

    A label returns if a section with another label was between.
    """
    _, beats, sections = read_annotations(archive)
    lengths = [0] * LONGEST
    following = {name: dict.fromkeys([*NAMES, END], 0) for name in [START, *NAMES]}
    places = {name: [0] * PLACES for name in NAMES}
    times = {name: [0] * TIMES for name in NAMES}
    for song, grid in beats.items():
        parts = _parts(sections.get(song, []), grid[grid[:, 1] == 1, 0])
        if not parts:
            continue
        labels = [label for label, _ in parts]
        for before, after in pairwise([START, *labels, END]):
            following[before][after] += 1
        total, at = sum(bars for _, bars in parts), 0
        for label, bars in parts:
            if bars <= LONGEST:
                lengths[bars - 1] += 1
            places[label][PLACES * (2 * at + bars) // (2 * total)] += 1
            at += bars
        runs = [label for label, _ in groupby(labels)]
        for name in set(labels):
            times[name][min(TIMES, runs.count(name)) - 1] += 1
    return {"lengths": lengths, "following": following, "places": places, "times": times}


def _parts(rows: list[tuple[float, str]], downbeats: NDArray[np.float64]) -> list[tuple[str, int]]:
    """Label and bars of each section."""
    parts = []
    for (start, name), (end, _) in pairwise(rows):
        part = part_of(name)
        bars = int(((downbeats > start - EARLY) & (downbeats < end - EARLY)).sum())
        if part is not None and bars > 0:
            parts.append((LABEL_OF_PART[part], bars))
    return parts


def main() -> None:
    """Run the command in the module's docstring."""
    archive, out = read_paths(
        "Count the sections of the Harmonix annotations.",
        archive="harmonix-annotations.tar.xz",
        out="the JSON file to write",
    )
    counts = count(archive)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(counts[key])}" for key in counts)
    out.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
