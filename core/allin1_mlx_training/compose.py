"""Compose many songs into shards that load fast.

    python -m allin1_mlx_training.compose --out songs --songs 2400 --seed 1 --bank bank.npz \
        [--tunes tunes.json.gz]

Song i has the seed 1 000 000 * seed + i. A shard is `songs_00000.npy`, (frames of all its songs, 4,
81) uint8 = round(100 log10(1 + linear band magnitude)), stems bass, drums, other, vocals, 100
frames/s, and `songs_00000.json`, the truth of each song with its first frame and its frames.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.files import count_cores

from .bank import Bank, load_bank
from .composer import Song, compose
from .music.pop909 import Tune, load_tunes
from .music.score import Score

SEEDS_PER_RUN = 1_000_000
SONGS_PER_SHARD = 32
STEPS = 100  # steps of the stored uint8 per unit of log10(1 + magnitude)

_supplies: list[tuple[Bank, tuple[Tune, ...]]] = []  # of a worker process


def truth(score: Score) -> dict[str, Any]:
    """What is true of a song, as JSON values; times in s."""
    return {
        "seed": score.seed,
        "style": score.style,
        "bpm": round(score.bpm, 3),
        "meter": score.meter,
        "duration": round(score.duration, 3),
        "beats": [round(t, 4) for t in score.beats],
        "positions": list(score.positions),
        "segments": [[round(s.start, 4), round(s.end, 4), s.label] for s in score.segments],
    }


def quantise(stems: NDArray[np.float16]) -> NDArray[np.uint8]:
    """Linear magnitudes (4, T, 81) -> (T, 4, 81) steps of log10(1 + magnitude)."""
    level = np.log10(1 + stems.astype(np.float32))
    steps = np.minimum(np.round(STEPS * level), 255).astype(np.uint8)
    return np.ascontiguousarray(steps.transpose(1, 0, 2))


def read_shard(path: str | Path) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
    """The songs of a shard (its .npy): (T, 4, 81) uint8, memory-mapped, and their truth."""
    frames = np.load(path, mmap_mode="r")
    for song in json.loads(Path(path).with_suffix(".json").read_text(encoding="utf-8")):
        yield frames[song["first"] : song["first"] + song["frames"]], song


def write_shard(out: Path, number: int, songs: list[Song]) -> None:
    """Write songs as shard `number` into the folder `out`."""
    arrays = [quantise(song.stems) for song in songs]
    starts = np.cumsum([0, *(len(a) for a in arrays)])
    facts = [
        {**truth(song.score), "first": int(first), "frames": len(array)}
        for song, array, first in zip(songs, arrays, starts, strict=False)
    ]
    np.save(out / f"songs_{number:05d}.npy", np.concatenate(arrays))
    (out / f"songs_{number:05d}.json").write_text(json.dumps(facts), encoding="utf-8")


def _prepare(banks: list[str], tunes: str) -> None:
    _supplies.append((load_bank(*banks), load_tunes(tunes) if tunes else ()))


def _work(job: tuple[str, int, list[int]]) -> None:
    out, number, seeds = job
    bank, tunes = _supplies[0]
    write_shard(Path(out), number, [compose(seed, bank, tunes=tunes) for seed in seeds])


def main() -> None:
    """The command in this module's head."""
    parser = argparse.ArgumentParser(description="Compose songs for training.")
    parser.add_argument("--out", required=True, help="folder to write shards into")
    parser.add_argument("--songs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bank", nargs="+", required=True, help="files of training.bank")
    parser.add_argument("--tunes", default="", help="file of training.music.pop909")
    parser.add_argument("--jobs", type=int, default=count_cores())
    options = parser.parse_args()
    Path(options.out).mkdir(parents=True, exist_ok=True)
    seeds = [SEEDS_PER_RUN * options.seed + i for i in range(options.songs)]
    jobs = [
        (options.out, n, seeds[i : i + SONGS_PER_SHARD])
        for n, i in enumerate(range(0, len(seeds), SONGS_PER_SHARD))
    ]
    # Fork shares the bank's memory, but is unsafe once a GPU is in use: workers load their own.
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.jobs, _prepare, (options.bank, options.tunes)) as pool:
        for _ in pool.imap_unordered(_work, jobs):
            pass


if __name__ == "__main__":
    main()
