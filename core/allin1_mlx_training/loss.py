"""The training objective of Kim & Nam (2023): cross entropies of four tasks, weighted."""

from __future__ import annotations

from allin1_mlx.network.backend import mx, nn

from .augment import Batch

# Beats are dense and easy, boundaries rare: weights as in the published configuration.
WEIGHTS = {"beat": 1.0, "downbeat": 3.0, "section": 15.0, "label": 0.4}


def losses(logits: mx.array, batch: Batch) -> dict[str, mx.array]:
    """Mean cross entropy of each task; logits (B, 13, T). The keys are those of WEIGHTS."""
    binary = nn.losses.binary_cross_entropy(logits[:, :3], batch.targets[:, :3], reduction="none")
    beat, downbeat, section = binary.mean(axis=(0, 2))
    log_probability = logits[:, 3:] - mx.logsumexp(logits[:, 3:], axis=1, keepdims=True)
    label = -(batch.targets[:, 3:] * log_probability).sum(axis=1).mean()
    return {"beat": beat, "downbeat": downbeat, "section": section, "label": label}


def total_loss(parts: dict[str, mx.array]) -> mx.array:
    """The weighted sum."""
    return sum((WEIGHTS[task] * part for task, part in parts.items()), mx.array(0.0))
