"""Neighbourhood attention: by slices, by gathered windows, and by the CUDA kernels where there is
an NVIDIA GPU; forward, and with gradients.

    python -m tests.benchmarks.attention [--frames 24000] [--items 4] [--dim 24]

Slices touch little memory, gathers need few kernels: which is faster depends on the device.
"""

import argparse
import time
from collections.abc import Callable

from allin1_mlx.network import layers
from allin1_mlx.network.backend import has_cuda, has_gpu, mx, nn
from allin1_mlx.network.layers import NeighbourhoodAttention1d

from ..support.neighbours import KERNEL, neighbours


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
    kernels = has_cuda()
    ways = {
        "slices": (NeighbourhoodAttention1d(options.dim, 2), False),
        "gathers": (Gathered(options.dim, 2), False),
        **({"kernels": (NeighbourhoodAttention1d(options.dim, 2), True)} if kernels else {}),
    }
    parameters = ways["slices"][0].parameters()
    print(f"{'GPU' if has_gpu() else 'CPU'}, {options.items} x {options.frames} x {options.dim}")
    print("| dilation | way | ms | / slices | with gradients: ms | / slices | difference |")
    print("|---|---|---|---|---|---|---|")
    for dilation in (1, 32, options.frames // (4 * KERNEL)):
        expected, first = None, None
        for name, (layer, fused) in ways.items():
            layer.update(parameters)
            layers.has_cuda = lambda fused=fused: fused

            def forward(layer: nn.Module = layer, d: int = dilation) -> mx.array:
                return layer(x, d)

            def back(layer: nn.Module = layer, d: int = dilation) -> object:
                return nn.value_and_grad(layer, lambda x: mx.square(layer(x, d)).sum())(x)

            plain, graded = seconds(forward), seconds(back)
            expected = forward() if expected is None else expected
            first = first or (plain, graded)
            difference = float(mx.abs(forward() - expected).max())
            print(
                f"| {dilation} | {name} | {plain * 1e3:.1f} | {plain / first[0]:.2f} "
                f"| {graded * 1e3:.1f} | {graded / first[1]:.2f} | {difference:.1e} |"
            )


if __name__ == "__main__":
    main()
