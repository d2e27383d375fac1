"""Long songs are computed in chunks, with the same result."""

from __future__ import annotations

import numpy as np
import pytest

from allin1_mlx.network import model
from allin1_mlx.network.backend import mx
from allin1_mlx.network.model import AllInOne, Config


@pytest.mark.parametrize(
    "config",
    [Config(dim=8, depth=5), Config(stems=1, dim=8, depth=4, step=4, shortest=256)],
    ids=["plain", "pooled"],
)
@pytest.mark.parametrize("frames", [1599, 1601, 4000])
def test_chunks_give_the_same_as_the_whole_song(
    config: Config, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mx.random.seed(1)
    network = AllInOne(config)
    random = np.random.default_rng(frames)
    song = mx.array(random.gamma(1, 0.2, (1, config.stems, frames, 81)).astype(np.float32))
    whole = np.array(network(song))
    monkeypatch.setattr(model, "CHUNK", 200)
    passes = count_passes(network)
    chunked = np.array(network.eval()(song))
    assert passes[0] > config.depth  # it was cut
    assert np.abs(chunked - whole).max() <= 1e-5


def count_passes(network: AllInOne) -> list[int]:
    """Count how often blocks run from now on."""
    passes = [0]

    class Counting:
        def __init__(self, block: model.Block) -> None:
            self.block = block
            self.reach = block.reach

        def __call__(self, x: mx.array) -> mx.array:
            passes[0] += 1
            return self.block(x)

    network.blocks = [Counting(block) for block in network.blocks]
    return passes


def test_memory_of_the_network_stops_growing_with_the_song() -> None:
    """Without input and output, which are small compared with what a layer needs."""
    network = AllInOne(Config(stems=1, dim=24, depth=2)).eval()
    peaks = []
    for frames in (24_000, 96_000):
        song = mx.random.uniform(shape=(1, 1, frames, 81))
        mx.eval(song)
        mx.reset_peak_memory()
        before = mx.get_active_memory()
        mx.eval(network(song))
        peaks.append(mx.get_peak_memory() - before)
        del song
    extra = 72_000 * 4 * (81 + 8 * 24)  # padded input, and a few arrays of embeddings
    assert peaks[1] <= peaks[0] * 1.3 + extra
