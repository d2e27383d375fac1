"""How fast is everything? One song through each model, and the slow programs beside the fast ones.

    python -m tests.benchmarks.speed [--seconds 240] [--weights-dir DIR] [--torch-python PYTHON]
        [--minutes 4 60 180] [--songs 200] [--madmom-python PYTHON]

Run from the root of the repository. Every model runs in a process of its own, several times: the
first run, which compiles kernels on a GPU, is reported apart, the best of the others is shown.
Models whose weights are not in DIR are left out. PyTorch, written plainly with gathers, computes
the same fold on the same spectrograms; the decoder stands beside a frame-by-frame Viterbi.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import long_song

ROOT = Path(__file__).parents[2]
MODELS = {"one fold": "harmonix-fold0", "ensemble": "harmonix-all", "bundled": "bundled"}
STAGES = ("decode", "spectrogram", "network", "beats", "sections", "write", "whole")
ENOUGH = 20.0  # seconds: what takes longer runs once
SAME = 1e-3  # largest difference of logits that counts as equal in single precision
SAME_TF32 = 5e-2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=240, help="of the song (%(default)s)")
    parser.add_argument("--weights-dir", type=Path, default=ROOT.parent / "shared" / "weights")
    parser.add_argument("--torch-python", default=sys.executable, metavar="PYTHON",
                        help="one that has PyTorch, where this one has not")  # fmt: skip
    parser.add_argument("--minutes", type=float, nargs="*", default=[4], metavar="M",
                        help="of the songs for whole commands (4)")  # fmt: skip
    parser.add_argument("--songs", type=int, default=0, help="in a folder, for a whole command")
    parser.add_argument("--madmom-python", metavar="PYTHON", help="one that has madmom")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        from .speed_worker import measure

        print(json.dumps(measure(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        report(options)
    print("\nWhole commands, with the bundled network:")
    more = ["--model", "bundled"]
    long_song.report(options.minutes, options.songs, options.madmom_python, more)


def report(options: argparse.Namespace) -> None:
    """Measure everything, and print what is known as soon as it is."""
    facts = worker(options, "song")
    print(f"{facts['device']}, MLX {facts['mlx']}, {facts['blas']}, Python ", end="")
    print(f"{platform.python_version()}; a song of {options.seconds:g} s")
    for note in facts["notes"]:
        print(note)
    print(f"\n| seconds | {' | '.join(STAGES)} | first run | load | peak MB | GPU MB |")
    print("|---|" + "--:|" * (len(STAGES) + 4))
    kinds = [*MODELS]
    if facts["gpu"]:
        kinds.insert(2, "ensemble, fold after fold")
    fold: dict[str, Any] = {}
    for kind in kinds:
        found = worker(options, kind)
        if not found:
            print(f"| {MODELS[kind.split(',')[0]]}: no weights |", flush=True)
            continue
        if kind == "one fold":
            fold = found
        cells = [number(found["stages"].get(stage)) for stage in STAGES]
        cells += [number(found[key]) for key in ("first", "load")]
        print(f"| {found['model']} | {' | '.join(cells)} | {memory(found)} |", flush=True)
    if fold:
        print("\n| one fold's network ", end="")
        print("| seconds | times as long | largest difference | peak MB | GPU MB |")
        print("|---|--:|--:|--:|--:|--:|")
        print(f"| this program | {number(fold['stages']['network'])} | 1 | | {memory(fold)} |")
        print(beside_pytorch(options, fold), flush=True)
    decoders = worker(options, "decoders")
    print("\n| beats | seconds | times as long | same beats |\n|---|--:|--:|---|")
    print(f"| this program | {number(decoders['fast'])} | 1 | |")
    print(f"| frame-by-frame Viterbi | {number(decoders['plain'])} ", end="")
    print(f"| {decoders['plain'] / decoders['fast']:.1f} | {'yes' if decoders['same'] else 'NO'} |")


def worker(options: argparse.Namespace, kind: str) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.speed", "--worker", kind]
    command += ["--folder", str(options.folder), "--seconds", str(options.seconds)]
    command += ["--weights-dir", str(options.weights_dir)]
    return run(command)


def beside_pytorch(options: argparse.Namespace, fold: dict[str, Any]) -> str:
    """The row of the plain PyTorch network."""
    if not has_torch(options.torch_python):
        return "| plain PyTorch | skipped: no PyTorch | | | | |"
    files = [str(options.folder / name) for name in ("weights.npz", "input.npy", "torch.npy")]
    program = str(Path(__file__).with_name("torch_network.py"))
    theirs = run([options.torch_python, program, *files])
    compared = worker(options, "compare")
    allowed = SAME_TF32 if fold["tf32"] else SAME
    verdict = "" if compared["difference"] <= allowed else " NOT EQUAL"
    ratio = theirs["network"] / fold["stages"]["network"]
    return (
        f"| plain {theirs['device']} | {number(theirs['network'])} | {ratio:.1f} "
        f"| {compared['difference']:.1e}{verdict} | {memory(theirs)} |"
    )


def has_torch(python: str) -> bool:
    if python == sys.executable:
        return importlib.util.find_spec("torch") is not None
    return subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0


def run(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def number(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3g}" if seconds < 0.1 else f"{seconds:.2f}"


def memory(found: dict[str, Any]) -> str:
    on_device = found["device peak"]
    return f"{found['peak'] / 1e6:.0f} | {f'{on_device / 1e6:.0f}' if on_device else ''}"


if __name__ == "__main__":
    main()
