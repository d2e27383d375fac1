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
from typing import Any, cast

import numpy as np
from mlx.optimizers import AdamW, clip_grad_norm
from mlx.utils import tree_flatten, tree_map, tree_unflatten

from allin1_mlx.network.backend import mx, nn
from allin1_mlx.network.loading import to_published
from allin1_mlx.network.model import AllInOne, Config

from .augment import Batch, draw_batch
from .corpus import Corpus, load_beats, load_composed, load_real
from .exams import Exam, exam_of, examine, split_lessons, split_songs
from .loss import WEIGHTS, losses, total_loss
from .targets import PreparedSong, read_prepared
from .teacher import load_lessons

WARM_UP = 150  # steps
CLIP = 0.5  # largest norm of the gradients
EMA = 0.999  # decay of the averaged parameters; smaller at the beginning
FLOOR = 0.02  # factor of the learning rate at the end of the cosine
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
class Recipe:
    """Everything that determines the result except the songs. pool: composed songs to draw from."""

    config: Config
    steps: int = 4000
    frames: int = 10_240  # per item of a batch
    composed_items: int = 14
    real_items: int = 5
    beat_items: int = 5
    pool: int = 2000
    learning_rate: float = 2.2e-3
    weight_decay: float = 0.01
    seed: int = 7


class Trainer:
    """Network, averaged copy and optimiser; `step` is called once per batch."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        mx.random.seed(recipe.seed)
        self.model = AllInOne(recipe.config)
        _start_rare(self.model)
        self.average = tree_map(lambda x: x, self.model.parameters())
        self.optimizer = AdamW(
            learning_rate=0.0, betas=[0.9, 0.98], weight_decay=recipe.weight_decay
        )
        self.optimizer.init(self.model.trainable_parameters())
        self.steps = 0
        self._gradient = nn.value_and_grad(self.model, _objective)

    def step(self, batch: Batch, *, done: float = 0.0) -> mx.array:
        """Make one step of the optimiser. Returns the losses of TASKS, not yet evaluated.

        done: the finished share of the time limit, if the training ends by time before its last
        step.
        """
        self.optimizer.learning_rate = mx.array(self._rate(done))
        (_, parts), gradients = self._gradient(self.model, batch)
        gradients, norm = clip_grad_norm(gradients, CLIP)
        # One overflow would spoil all parameters permanently, so such a step changes nothing.
        usable = mx.isfinite(norm)
        gradients = tree_map(lambda g: mx.where(usable, g, 0), gradients)
        self.optimizer.update(self.model, gradients)
        stacked = mx.stack([parts[task] for task in WEIGHTS])
        keep = min(EMA, (1 + self.steps) / (10 + self.steps))
        self.average = tree_map(
            lambda mean, new: keep * mean + (1 - keep) * new,
            self.average,
            self.model.parameters(),
        )
        self.steps += 1
        mx.async_eval(stacked, self.average, self.model.state, self.optimizer.state)
        return stacked

    def _rate(self, time_done: float) -> float:
        warm = min(1.0, (self.steps + 1) / WARM_UP)
        done = min(1.0, max(time_done, self.steps / self.recipe.steps))
        return (
            self.recipe.learning_rate
            * warm
            * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * done)))
        )

    def averaged(self) -> AllInOne:
        """A network with the averaged parameters."""
        model = AllInOne(self.recipe.config)
        model.update(self.average)
        model.eval()
        return model

    def save(self, path: Path) -> None:
        """Write everything that `restore` needs, completely or not at all."""
        trees = {
            "model": self.model.parameters(),
            "average": self.average,
            "optimizer": self.optimizer.state,
        }
        arrays = {"steps": mx.array(self.steps)}
        for name, tree in trees.items():
            flat = cast("list[tuple[str, mx.array]]", tree_flatten(tree))
            arrays.update({f"{name}/{key}": value for key, value in flat})
        temporary = path.with_name(f".part-{path.name}")
        mx.save_safetensors(str(temporary), arrays)
        temporary.replace(path)

    def restore(self, path: Path) -> None:
        """Continue from a state that `save` wrote."""
        arrays = cast("dict[str, mx.array]", mx.load(str(path)))
        self.steps = int(np.array(arrays.pop("steps")))

        def tree(name: str) -> Any:
            prefix = f"{name}/"
            return tree_unflatten(
                [(k[len(prefix) :], v) for k, v in arrays.items() if k.startswith(prefix)]
            )

        self.model.update(tree("model"))
        self.average = tree("average")
        self.optimizer.state = tree("optimizer")


def _objective(model: AllInOne, batch: Batch) -> tuple[mx.array, dict[str, mx.array]]:
    parts = losses(model(batch.spectrogram), batch)
    return total_loss(parts), parts


def _start_rare(model: AllInOne) -> None:
    """Start with small probabilities of beats and boundaries, because they are rare."""
    bias = np.zeros((model.config.step, model.heads.bias.size // model.config.step), np.float32)
    bias[:, :3] = -3.0
    model.heads.bias = mx.array(bias.reshape(-1))


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
) -> Iterator[Batch]:
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


def train(trainer: Trainer, stream: Iterator[Batch], *, out: Path, minutes: float) -> None:
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
