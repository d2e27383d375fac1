"""The training objective: weighted cross entropies of all tasks.

After Kim & Nam (2023), with two more tasks: singing, and the tempo. A song contributes only to the
losses of tasks whose truth is known for it.
"""

from __future__ import annotations

from allin1_mlx.network.backend import mx, nn
from allin1_mlx.network.model import LOGITS

from .augment import TrainingBatch
from .targets import TASKS, VOICE

# Beats are dense and easy, boundaries rare: weights as in the published configuration.
WEIGHTS = {
    "beat": 1.0,
    "downbeat": 3.0,
    "section": 15.0,
    "label": 0.4,
    "voice": 0.1,
    "tempo": 0.1,
}


def losses(logits: mx.array, batch: TrainingBatch) -> dict[str, mx.array]:
    """The mean cross entropy of each of TASKS; logits (B, 14 + tempo classes, T)."""
    rows = mx.concatenate([logits[:, :3], logits[:, VOICE : VOICE + 1]], axis=1)
    wanted = mx.concatenate([batch.targets[:, :3], batch.targets[:, VOICE : VOICE + 1]], axis=1)
    binary = nn.losses.binary_cross_entropy(rows, wanted, reduction="none").mean(axis=2)
    label = -(batch.targets[:, 3:LOGITS] * _log_softmax(logits[:, 3:LOGITS])).sum(axis=1)
    songs = {
        "beat": binary[:, 0],
        "downbeat": binary[:, 1],
        "section": binary[:, 2],
        "voice": binary[:, 3],
        "label": label.mean(axis=1),
        "tempo": _tempo_loss(logits[:, VOICE + 1 :], batch.tempo),
    }
    return {
        task: (songs[task] * batch.known[:, i]).sum() / mx.maximum(batch.known[:, i].sum(), 1)
        for i, task in enumerate(TASKS)
    }


def _log_softmax(logits: mx.array) -> mx.array:
    return logits - mx.logsumexp(logits, axis=1, keepdims=True)


def _tempo_loss(logits: mx.array, tempo: mx.array) -> mx.array:
    """(B,) cross entropy with the two classes nearest to the tempo, over frames that have a tempo.

    logits: (B, classes, T); tempo: (B, T) in classes.
    """
    classes = mx.arange(logits.shape[1])[None, :, None]
    wanted = mx.maximum(0, 1 - mx.abs(classes - tempo[:, None]))
    counted = ((tempo >= 0) & (tempo <= logits.shape[1] - 1)).astype(mx.float32)
    frames = -(wanted * _log_softmax(logits)).sum(axis=1)
    return (frames * counted).sum(axis=1) / mx.maximum(counted.sum(axis=1), 1)


def total_loss(parts: dict[str, mx.array]) -> mx.array:
    """The weighted sum."""
    return sum((WEIGHTS[task] * part for task, part in parts.items()), mx.array(0.0))
