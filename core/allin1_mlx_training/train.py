"""Train the bundled checkpoint on any device that MLX supports. Training can be interrupted.

    python -m allin1_mlx_training.train --songs SONGS --exams EXAMS --real REAL --lessons LESSONS
        --beats BEATS --out OUT

SONGS is a folder into which `compose --wait` writes songs all the time; songs that were read are
deleted. EXAMS are folders of composed songs with other seeds, REAL is a folder of real mixes
without annotation, LESSONS has their labels (`teacher`), and BEATS has real mixes with exact beats.
After an interruption, the same command continues from OUT/state.safetensors.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import numpy as np

from allin1_mlx.network.backend import mx
from allin1_mlx.network.loading import to_published
from allin1_mlx.network.model import AllInOne, Config

from .augment import TrainingBatch, draw_batch
from .corpus import Corpus, load_beats, load_composed, load_real
from .exams import Exam, exam_of, examine, split_lessons, split_songs
from .loss import WEIGHTS
from .targets import PreparedSong, read_prepared
from .teacher import load_lessons
from .trainer import Recipe, Trainer

LOG_STEPS = 100
SAVE_STEPS = 200
FRESH_STEPS = 10  # steps between two new shards of songs
FEWEST = 320  # number of composed songs needed to start
STATE = "state.safetensors"
CONFIG = Config(
    stems=1,
    dim=56,
    depth=10,
    step=2,
    shortest=10_240,
    instrument_attention=False,
    threshold=0.05,
    steady=True,
    voice=True,
    tempo_classes=50,
)


@dataclass(frozen=True)
class Corpora:
    """Songs for training: composed ones, labelled by a teacher, and real ones with exact beats."""

    composed: Corpus
    real: Corpus
    beats: Corpus


def batches(
    recipe: Recipe,
    corpora: Corpora,
    first: int,
    *,
    fresh: Callable[[], list[PreparedSong]] = list,
) -> Iterator[TrainingBatch]:
    """Endless batches, starting with number `first`. fresh: sometimes returns new composed songs.

    Batch n depends only on the recipe's seed, on n and on the songs.
    """
    counted = [
        (corpora.composed, recipe.composed_items),
        (corpora.real, recipe.real_items),
        (corpora.beats, recipe.beat_items),
    ]
    for number in itertools.count(first):
        if number % FRESH_STEPS == 0:
            corpora.composed.extend(fresh(), keep=recipe.pool)
        rng = np.random.default_rng([recipe.seed, number])
        yield draw_batch(rng, [(c, n) for c, n in counted if n], recipe.frames)


class Shards:
    """Reads the shards of a folder in a thread, in advance, and deletes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready: Queue[list[PreparedSong]] = Queue(maxsize=2)
        Thread(target=self._read, daemon=True).start()

    def take(self) -> list[PreparedSong]:
        """The songs of one more shard; none if there is no new one."""
        try:
            return self._ready.get_nowait()
        except Empty:
            return []

    def begin(self) -> Corpus:
        """Wait for the first songs and return them."""
        corpus = Corpus([])
        while len(corpus) < FEWEST:
            corpus.extend(self._ready.get())
        return corpus

    def _read(self) -> None:
        while True:
            for facts in sorted(self._folder.glob("songs_*.json")):
                songs = read_prepared(facts)
                facts.unlink()
                facts.with_suffix(".npy").unlink()
                self._ready.put(songs)
            time.sleep(1)


def train(trainer: Trainer, stream: Iterator[TrainingBatch], *, out: Path, minutes: float) -> None:
    """Train until the recipe's number of steps or the time limit; log and state go to `out`."""
    began = time.monotonic()
    sums, counted = np.zeros(len(WEIGHTS)), 0
    pending: mx.array | None = None
    while trainer.steps < trainer.recipe.steps and time.monotonic() - began < minutes * 60:
        done = (time.monotonic() - began) / (60 * minutes)
        parts = trainer.step(next(stream), done=done)
        if pending is not None:  # one step is computed while the next batch is drawn
            sums += np.array(pending)
            counted += 1
        pending = parts
        if trainer.steps % SAVE_STEPS == 0:
            trainer.save(out / STATE)
        if trainer.steps % LOG_STEPS == 0:
            losses = (sums / max(counted, 1)).round(5).tolist()
            seconds = round(time.monotonic() - began, 1)
            loss = dict(zip(WEIGHTS, losses, strict=True))
            write_log(out, {"step": trainer.steps, "seconds": seconds, "loss": loss})
            sums, counted = np.zeros(len(WEIGHTS)), 0
    trainer.save(out / STATE)


def examine_all(
    trainer: Trainer, exams: dict[str, list[Exam]], thresholds: tuple[float, ...]
) -> dict[str, Any]:
    """Scores of the averaged network on every set of exams."""
    model = trainer.averaged()
    return {name: examine(model, songs, thresholds=thresholds) for name, songs in exams.items()}


def write_log(out: Path, entry: dict[str, Any]) -> None:
    """Append one line of JSON to the log."""
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def write_checkpoint(model: AllInOne, config: Config, folder: Path) -> None:
    """Write allin1-mlx.safetensors and allin1-mlx.json, as the package bundles them."""
    arrays = {name: array.astype(mx.float32) for name, array in to_published(model).items()}
    mx.save_safetensors(str(folder / "allin1-mlx.safetensors"), arrays)
    text = json.dumps(config.to_dict(), indent=2) + "\n"
    (folder / "allin1-mlx.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Run the command in the module's docstring."""
    parser = argparse.ArgumentParser(description="Train the bundled checkpoint.")
    add = parser.add_argument
    add("--songs", type=Path, required=True, help="composed songs to learn from, kept filled")
    add("--exams", type=Path, required=True, nargs="+", help="composed songs of other seeds")
    add("--real", type=Path, required=True, help="real mixes without annotation")
    add("--lessons", type=Path, required=True, help="the teacher's labels of these")
    add("--beats", type=Path, required=True, help="real mixes with exact beats")
    add("--out", type=Path, required=True, help="log, state and checkpoint")
    add("--steps", type=int, default=Recipe.steps)
    add("--seed", type=int, default=Recipe.seed)
    add("--dim", type=int, default=CONFIG.dim)
    add(
        "--minutes",
        type=float,
        default=math.inf,
        help="stop after this time; the same command continues later",
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(replace(CONFIG, dim=options.dim), steps=options.steps, seed=options.seed)
    trainer = Trainer(recipe)
    if (options.out / STATE).exists():
        trainer.restore(options.out / STATE)
    learn, real_exams = split_lessons(load_lessons(options.lessons, load_real(options.real)))
    exact, beat_exams = split_songs(load_beats(options.beats))
    exams = {"real": real_exams, "beats": beat_exams}
    for folder in options.exams:
        exams[folder.name] = [exam_of(song) for song in load_composed(folder)]
    shards = Shards(options.songs)
    corpora = Corpora(shards.begin(), Corpus(learn), Corpus(exact))
    stream = batches(recipe, corpora, trainer.steps, fresh=shards.take)
    train(trainer, stream, out=options.out, minutes=options.minutes)
    write_checkpoint(trainer.averaged(), recipe.config, options.out)
    write_log(options.out, {"scores": examine_all(trainer, exams, (recipe.config.threshold,))})


if __name__ == "__main__":
    main()
