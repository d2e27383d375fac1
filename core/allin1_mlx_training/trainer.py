"""One step of the training, and its state: network, averaged copy and optimiser."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from mlx.optimizers import AdamW, clip_grad_norm
from mlx.utils import tree_flatten, tree_map, tree_unflatten

from allin1_mlx.network.backend import mx, nn
from allin1_mlx.network.model import AllInOne, Config

from .augment import TrainingBatch
from .loss import WEIGHTS, losses, total_loss

WARM_UP = 150  # steps
CLIP = 0.5  # largest norm of the gradients
EMA = 0.999  # decay of the averaged parameters; smaller at the beginning
FLOOR = 0.02  # factor of the learning rate at the end of the cosine


@dataclass(frozen=True)
class Recipe:
    """Everything that determines the result except the songs. pool: composed songs to draw from."""

    config: Config
    steps: int = 4000
    frames: int = 10_240  # per item of a batch
    composed_items: int = 12
    real_items: int = 7
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

    def step(self, batch: TrainingBatch, *, done: float = 0.0) -> mx.array:
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


def _objective(model: AllInOne, batch: TrainingBatch) -> tuple[mx.array, dict[str, mx.array]]:
    parts = losses(model(batch.spectrogram), batch)
    return total_loss(parts), parts


def _start_rare(model: AllInOne) -> None:
    """Start with small probabilities of beats and boundaries, because they are rare."""
    bias = np.zeros((model.config.step, model.heads.bias.size // model.config.step), np.float32)
    bias[:, :3] = -3.0
    model.heads.bias = mx.array(bias.reshape(-1))
