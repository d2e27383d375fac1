"""The published network in plain PyTorch, with gathers and no tricks; a program of its own.

    python torch_network.py WEIGHTS.npz INPUT.npy OUTPUT.npy

WEIGHTS holds arrays named as the published checkpoints, INPUT spectrograms (K, T, 81), OUTPUT gets
the logits (13, T). Prints JSON: device, seconds of the first and of the best run, peak memory. It
imports nothing of allin1_mlx, so that it may run where only PyTorch is.
"""

import json
import os
import resource
import sys
import time

import numpy as np
import torch
from torch.nn import functional

HEADS = 2


def neighbours(length: int, dilation: int, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Keys of each position and the places of their biases: (length, 5) each."""
    position = torch.arange(length, device=device)
    place, residue = position // dilation, position % dilation
    places = (length - residue + dilation - 1) // dilation
    start = torch.minimum((place - 2).clamp(min=0), places - 5)
    keys = start[:, None] + torch.arange(5, device=device)
    return keys * dilation + residue[:, None], keys - place[:, None] + 4


class Network:
    """Forward pass over the arrays of a checkpoint."""

    def __init__(self, arrays: dict[str, torch.Tensor]) -> None:
        self.arrays = arrays
        layers = {name.split(".")[2] for name in arrays if name.startswith("encoder.layers.")}
        self.depth = len(layers)

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self.arrays[f"{name}.weight"], self.arrays[f"{name}.bias"])

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self.arrays[f"{name}.weight"], self.arrays[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, 1e-5)

    def conv(self, name: str, x: torch.Tensor, padding: tuple[int, int]) -> torch.Tensor:
        weight = self.arrays[f"{name}.weight"].permute(0, 3, 1, 2)
        x = functional.conv2d(x, weight, self.arrays[f"{name}.bias"], padding=padding)
        return functional.elu(functional.max_pool2d(x, (1, 3)))

    def heads(self, name: str, x: torch.Tensor) -> list[torch.Tensor]:
        parts = [self.linear(f"{name}.{part}", x) for part in ("query", "key", "value")]
        return [part.unflatten(-1, (HEADS, -1)) for part in parts]

    def attend_in_time(self, name: str, x: torch.Tensor, dilation: int) -> torch.Tensor:
        """(K, T, C) -> (K, T, C)."""
        q, k, v = self.heads(name, x)
        keys, biases = neighbours(x.shape[1], dilation, x.device)
        scores = (q[:, :, None] * k[:, keys]).sum(-1) * q.shape[-1] ** -0.5  # (K, T, 5, H)
        scores = scores + self.arrays[f"{name}.rpb"][:, biases].permute(1, 2, 0)
        return (scores.softmax(2)[..., None] * v[:, keys]).sum(2).flatten(-2)

    def attend_to_stems(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """(5, T, C) -> (5, T, C)."""
        q, k, v = self.heads(name, x)
        rows, row_biases = neighbours(5, 1, x.device)
        columns, column_biases = neighbours(x.shape[1], 1, x.device)
        near = (rows[:, None, :, None], columns[None, :, None, :])
        scores = (q[:, :, None, None] * k[near]).sum(-1) * q.shape[-1] ** -0.5
        bias = self.arrays[f"{name}.rpb"]
        bias = bias[:, row_biases[:, None, :, None], column_biases[None, :, None, :]]
        scores = (scores + bias.permute(1, 2, 3, 4, 0)).flatten(2, 3)  # (5, T, 25, H)
        return (scores.softmax(2)[..., None] * v[near].flatten(2, 3)).sum(2).flatten(-2)

    def mlp(self, name: str, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.gelu(self.linear(f"{name}.intermediate.dense", x))
        return self.linear(f"{name}.output.dense", hidden)

    def time_layer(self, name: str, x: torch.Tensor, dilation: int) -> torch.Tensor:
        T = x.shape[1]
        normed = self.norm(f"{name}.layernorm_before", x)
        normed = functional.pad(normed, (0, 0, 0, max(0, 10 * dilation - T)))
        near = self.attend_in_time(f"{name}.attention.self", normed, dilation)[:, :T]
        far = self.attend_in_time(f"{name}.attention2.self", normed, 2 * dilation)[:, :T]
        near = x + self.linear(f"{name}.attention.output.dense", near)
        far = x + self.linear(f"{name}.attention2.output.dense", far)
        both = self.norm(f"{name}.layernorm_after", torch.cat([near, far], -1))
        return (near + far) / 2 + self.mlp(name, both)

    def instrument_layer(self, name: str, x: torch.Tensor) -> torch.Tensor:
        K, T, _ = x.shape
        normed = self.norm(f"{name}.layernorm_before", x)
        normed = functional.pad(normed, (0, 0, 0, max(0, 5 - T), 0, 5 - K))
        seen = self.attend_to_stems(f"{name}.attention.self", normed)[:K, :T]
        x = x + self.linear(f"{name}.attention.output.dense", seen)
        return x + self.mlp(name, self.norm(f"{name}.layernorm_after", x))

    def __call__(self, spectrograms: torch.Tensor) -> torch.Tensor:
        """(K, T, 81) -> (13, T)."""
        x = spectrograms[:, None]
        for number, padding in enumerate([(1, 0), (0, 0), (1, 0)]):
            x = self.conv(f"embeddings.conv{number}", x, padding)
        x = self.norm("embeddings.norm", x.squeeze(3).transpose(1, 2))
        for level in range(self.depth):
            name = f"encoder.layers.{level}"
            x = self.time_layer(f"{name}.timelayer", x, 2**level)
            x = self.instrument_layer(f"{name}.instlayer", x)
        joined = self.norm("norm", x).transpose(0, 1).flatten(1)
        names = ("beat", "downbeat", "section", "function")
        return torch.cat([self.linear(f"{n}_classifier.classifier", joined) for n in names], 1).T


def main() -> None:
    weights, given, wanted = sys.argv[1:]
    tf32 = os.environ.get("MLX_ENABLE_TF32", "1") != "0"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    arrays = {name: torch.from_numpy(array).to(device) for name, array in np.load(weights).items()}
    network, x = Network(arrays), torch.from_numpy(np.load(given)).to(device)
    times: list[float] = []
    with torch.no_grad():
        while not times or (len(times) < 4 and times[0] < 20):
            start = time.perf_counter()
            logits = network(x).cpu()
            times.append(time.perf_counter() - start)
    np.save(wanted, logits.numpy())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    on_device = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    print(
        json.dumps(
            {
                "device": f"{name}, PyTorch {torch.__version__}",
                "first": times[0],
                "network": min(times[1:] or times),
                "peak": peak,
                "device peak": on_device,
            }
        )
    )


if __name__ == "__main__":
    main()
