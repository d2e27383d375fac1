"""Composed songs in files that are fast to load.

A shard is `songs_00000.npy`, (frames of all its songs, 4, 81) uint8 = round(STEPS log10(1 + linear
band magnitude)), stems bass, drums, other, vocals, 100 frames/s, and `songs_00000.json`: the truth
of each song with its first frame and number of frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .composer import ComposedSong
from .music.score import Score

STEPS = 100  # steps of the stored uint8 per unit of log10(1 + magnitude)


def truth(score: Score) -> dict[str, Any]:
    """The truth of a song as JSON values; times are seconds."""
    facts = {
        "seed": score.seed,
        "style": score.style,
        "bpm": round(score.bpm, 3),
        "meter": score.meter,
        "duration": round(score.duration, 3),
        "beats": [round(t, 4) for t in score.beats],
        "positions": list(score.positions),
        "segments": [[round(s.start, 4), round(s.end, 4), s.label] for s in score.segments],
    }
    if set(score.known) != set(Score.known):
        facts["known"] = list(score.known)
    return facts


def quantise(stems: NDArray[np.float16]) -> NDArray[np.uint8]:
    """Linear magnitudes (4, T, 81) -> (T, 4, 81) steps of log10(1 + magnitude)."""
    level = np.log10(1 + stems.astype(np.float32))
    steps = np.minimum(np.round(STEPS * level), 255).astype(np.uint8)
    return np.ascontiguousarray(steps.transpose(1, 0, 2))


def read_shard(path: str | Path) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
    """The songs of a shard (its .npy): (T, 4, 81) uint8, memory-mapped, with their truth."""
    frames = np.load(path, mmap_mode="r")
    for song in json.loads(Path(path).with_suffix(".json").read_text(encoding="utf-8")):
        yield frames[song["first"] : song["first"] + song["frames"]], song


def write_shard(out: Path, number: int, songs: list[ComposedSong]) -> None:
    """Write songs as shard `number` into the folder `out`."""
    arrays = [quantise(song.stems) for song in songs]
    starts = np.cumsum([0, *(len(a) for a in arrays)])
    facts = [
        {**truth(song.score), "first": int(first), "frames": len(array)}
        for song, array, first in zip(songs, arrays, starts, strict=False)
    ]
    np.save(out / f"songs_{number:05d}.npy", np.concatenate(arrays))
    (out / f"songs_{number:05d}.json").write_text(json.dumps(facts), encoding="utf-8")
