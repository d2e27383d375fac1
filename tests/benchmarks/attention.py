"""Neighbourhood attention: by slices (the product's) beside gathered windows, forward and back.

    python -m tests.benchmarks.attention [--frames 24000] [--items 4] [--dim 24]

Slices touch little memory, gathers need few kernels: which is faster depends on the device.
"""

import argparse
import time
from collections.abc import Callable

from allin1_mlx.attention import NeighbourhoodAttention1d
from allin1_mlx.backend import has_gpu, mx, nn

from ..neighbours import KERNEL, neighbours


class Gathered(NeighbourhoodAttention1d):
    """The same attention with every position's keys gathered into an array of their own."""

    def __call__(self, x: mx.array, dilation: int) -> mx.array:
        N, L, C = x.shape
        H, D = self.heads, C // self.heads
        q, k, v = (part.reshape(N, L, H, D) for part in mx.split(self.qkv(x), 3, axis=-1))
        keys, biases = (mx.array(index) for index in neighbours(L, dilation))
        scores = (q[:, :, None] * k[:, keys]).sum(axis=-1) * D**-0.5
        weights = mx.softmax(scores + self.rpb[:, biases].transpose(1, 2, 0), axis=2)
        return (weights[..., None] * v[:, keys]).sum(axis=2).reshape(N, L, C)


def seconds(run: Callable[[], object], repeats: int = 5) -> float:
    """The fastest of some runs."""
    mx.eval(run())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        mx.eval(run())
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=24_000)
    parser.add_argument("--items", type=int, default=4)
    parser.add_argument("--dim", type=int, default=24)
    options = parser.parse_args()
    x = mx.random.normal((options.items, options.frames, options.dim))
    mx.eval(x)
    slices = NeighbourhoodAttention1d(options.dim, 2)
    gathered = Gathered(options.dim, 2)
    gathered.update(slices.parameters())
    print(f"{'GPU' if has_gpu() else 'CPU'}, {options.items} x {options.frames} x {options.dim}")
    print("| dilation | slices ms | gathered / slices | with gradients: slices ms | ratio | diff |")
    print("|---|---|---|---|---|---|")
    for dilation in (1, 32, options.frames // (4 * KERNEL)):

        def forward(layer: nn.Module, d: int = dilation) -> mx.array:
            return layer(x, d)

        def back(layer: nn.Module, d: int = dilation) -> object:
            return nn.value_and_grad(layer, lambda x: mx.square(layer(x, d)).sum())(x)

        difference = float(mx.abs(forward(slices) - forward(gathered)).max())
        plain = [seconds(lambda layer=layer: forward(layer)) for layer in (slices, gathered)]
        graded = [seconds(lambda layer=layer: back(layer)) for layer in (slices, gathered)]
        print(
            f"| {dilation} | {plain[0] * 1e3:.1f} | {plain[1] / plain[0]:.2f} "
            f"| {graded[0] * 1e3:.1f} | {graded[1] / graded[0]:.2f} | {difference:.1e} |"
        )


if __name__ == "__main__":
    main()
