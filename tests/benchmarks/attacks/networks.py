"""Damaged checkpoints and configurations of networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.support.hostile_results import damage
from tests.support.small import SMALL, write_network

from allin1_mlx.errors import CheckpointError
from allin1_mlx.network.loading import load_network
from allin1_mlx.network.predict import activations, predict
from allin1_mlx.weights import ModelFiles

from .row import Captive, Row, is_plain

KEYS = (*("dim_embed", "num_heads", "depth", "frames_per_step", "min_frames", "mlp_ratio"),)
VALUES = (0, -1, 3, 64, 10**7, 10**18, 10**400, 0.5, 1e300, float("nan"), "8", None, [], {}, True)


def attack_networks(folder: Path, count: int, random: np.random.Generator) -> Row:
    """`count` pairs of a checkpoint and a configuration, one of them damaged."""
    row = Row("checkpoints and configurations")
    write_network(folder)
    weights = (folder / "small.npz").read_bytes()
    values = SMALL.to_dict()
    captive = Captive(load)
    for number in range(count):
        content, config = weights, json.dumps(values).encode()
        if number % 3 == 0:
            content = _damage_archive(weights, random)
        elif number % 3 == 1:
            config = damage(values, random)
        else:
            changed = {KEYS[random.integers(len(KEYS))]: VALUES[random.integers(len(VALUES))]}
            config = json.dumps(values | changed).encode()
        path = folder / "odd.npz"
        path.write_bytes(content)
        path.with_suffix(".json").write_bytes(config)
        row.attack(lambda path=path: captive(path))
    captive.close()
    row.memory = captive.memory
    return row


def _damage_archive(content: bytes, random: np.random.Generator) -> bytes:
    noisy = bytearray(content)
    action = random.integers(3)
    if action == 0:
        return content[: random.integers(0, len(content))]
    reach = len(noisy) if action == 1 else min(2000, len(noisy))
    start = len(noisy) - reach if random.random() < 0.5 else 0  # the directory is at the end
    for place in random.integers(start, start + reach, random.integers(1, 20)):
        noisy[place] = random.integers(0, 256)
    return bytes(noisy)


def load(path: Path) -> bool:
    """Load a network, and let it hear a second of silence."""
    try:
        network = load_network(ModelFiles("odd", ((path, path.with_suffix(".json")),)))
    except CheckpointError as e:
        message = str(e)
        if not (is_plain(message, path.name) or is_plain(message, path.stem + ".json")):
            raise AssertionError(f"not one plain line: {e!r}") from e
        return False
    silence = np.zeros((network.stems, 100, 81), np.float32)
    heard = activations(predict(silence, network))
    if not 0 <= float(np.max(heard.beat)) <= 1:
        raise AssertionError("no probability")
    return True
