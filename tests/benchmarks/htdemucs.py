"""htdemucs beside PyTorch's demucs 4.0.1: one machine, one song, the same random weights.

    python tests/benchmarks/htdemucs.py --demucs FOLDER [--torch-python PYTHON] [--harmonix WEIGHTS]

FOLDER holds the unpacked `demucs` package; PYTHON is one that has PyTorch and einops, where the
one that runs this has not. Both programs load the same checkpoint of the published network's
size, written by PyTorch in half precision, and separate the same song with one random shift.
Each runs in processes of its own, once in full float32 and once with TF32 where a GPU has it;
the first MLX run, which compiles, is reported apart. With --harmonix, a folder with the published
harmonix weights, the whole song follows: file, htdemucs, harmonix-all, JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

SAMPLE_RATE = 44_100
PUBLISHED = {"channels": 48, "bottom_channels": 512, "t_layers": 5, "t_heads": 8, "dconv_mode": 3}
NARROW = {"channels": 8, "bottom_channels": 32, "t_layers": 3, "t_heads": 4, "dconv_mode": 3}
SOURCES = ["drums", "bass", "other", "vocals"]
OURS_IN_THEIRS = [SOURCES.index(name) for name in ("bass", "drums", "other", "vocals")]


def main() -> None:
    options = parse()
    if options.worker:
        workers = {"make": make_checkpoint, "torch": run_torch, "mlx": run_mlx, "song": run_song}
        workers[options.worker](options)
        return
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        np.save(options.folder / "mix.npy", compose(options.seconds))
        worker(options, "make", options.torch_python, tf32=False)
        rows = []
        for tf32 in (False, True):
            theirs = worker(options, "torch", options.torch_python, tf32=tf32)
            ours = worker(options, "mlx", sys.executable, tf32=tf32)
            rows.append((tf32, theirs, ours, compare(options.folder)))
        report(options, rows)
        if options.harmonix:
            song = worker(options, "song", sys.executable, tf32=True)
            print(f"\nFrom file to JSON: first {song['first']:.2f} s, then {song['best']:.2f} s")
            print(
                ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in song["stages"].items())
            )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demucs", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--torch-python", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--seconds", type=float, default=240, help="of the song (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="best of so many (%(default)s)")
    parser.add_argument("--no-mlx-compile", action="store_true", help="kernels as they are")
    parser.add_argument("--narrow", action="store_true", help="a small network, to try this out")
    parser.add_argument("--harmonix", type=Path, metavar="WEIGHTS", help="time the whole song too")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def compose(seconds: float) -> np.ndarray:
    """Something with beats, tones and noise, (2, S)."""
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    beat = np.exp(-8 * (t * 2 % 1)) * rng.standard_normal(t.size)
    tones = sum(np.sin(2 * np.pi * f * t) for f in (55.0, 220.0, 277.2, 329.6, 1760.0))
    mono = 0.3 * beat + 0.08 * tones * (1 + np.sin(t))
    side = 0.02 * rng.standard_normal(t.size)
    return np.stack([mono + side, mono - side]).astype(np.float32)


def worker(options: argparse.Namespace, kind: str, python: str, *, tf32: bool) -> dict:
    """Run one side in a process of its own and return what it measured."""
    arguments = ["--worker", kind, "--folder", str(options.folder), "--demucs", str(options.demucs)]
    arguments += ["--runs", str(options.runs)]
    arguments += ["--harmonix", str(options.harmonix)] if options.harmonix else []
    arguments += ["--narrow"] * options.narrow + ["--no-mlx-compile"] * options.no_mlx_compile
    environment = {**os.environ, "MLX_ENABLE_TF32": str(int(tf32))}
    command = [python, str(Path(__file__).resolve()), *arguments]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def compare(folder: Path) -> dict:
    theirs, ours = (np.load(folder / f"{side}.npy", mmap_mode="r") for side in ("torch", "mlx"))
    difference = np.abs(theirs[OURS_IN_THEIRS] - ours)
    return {
        "max": float(difference.max()),
        "rms": float(np.sqrt(np.mean(difference**2, dtype=np.float64))),
        "scale": float(np.abs(theirs).max()),
    }


def report(options: argparse.Namespace, rows: list[tuple[bool, dict, dict, dict]]) -> None:
    print(f"\n{options.seconds:.0f} s of stereo; PyTorch on {rows[0][1]['device']}, ", end="")
    print(f"MLX on {rows[0][2]['device']}\n")
    print("| TF32 | PyTorch s | MLX s | MLX / PyTorch | MLX first run s | largest difference "
          "| of peak | PyTorch MB | MLX MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for tf32, theirs, ours, gap in rows:
        print(
            f"| {'on' if tf32 else 'off'} | {theirs['best']:.2f} | {ours['best']:.2f} "
            f"| {ours['best'] / theirs['best']:.2f} | {ours['first']:.2f} "
            f"| {gap['max']:.1e} | {gap['scale']:.2f} "
            f"| {theirs['peak'] / 1e6:.0f} | {ours['peak'] / 1e6:.0f} |"
        )


def timed(separate, runs: int) -> tuple[np.ndarray, float, float]:
    """The result, the time of the first run, and the best of the following ones."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        result = separate()
        times.append(time.perf_counter() - start)
    return result, times[0], min(times[1:])


# --- the PyTorch side ------------------------------------------------------------------------


def import_demucs(folder: Path):
    """The reference package, without what it imports but does not need here."""
    import types

    sys.path.insert(0, str(folder))
    unneeded = {
        "openunmix": [],
        "openunmix.filtering": ["wiener"],
        "julius": [],
        "dora": [],
        "dora.log": ["fatal", "bold"],
        "omegaconf": ["OmegaConf"],
        "torchaudio": [],
        "lameenc": [],
    }
    for name, members in unneeded.items():
        module = sys.modules[name] = types.ModuleType(name)
        for member in members:
            setattr(module, member, None)
    from demucs import apply, htdemucs

    return apply, htdemucs


def make_checkpoint(options: argparse.Namespace) -> None:
    """A checkpoint in the authors' format, with the initial weights of seed 0."""
    from fractions import Fraction

    import torch

    _, htdemucs = import_demucs(options.demucs)
    torch.manual_seed(0)
    segment = Fraction(2) if options.narrow else Fraction(39, 5)
    kwargs = {"sources": SOURCES, "segment": segment, **(NARROW if options.narrow else PUBLISHED)}
    model = htdemucs.HTDemucs(**kwargs)
    state = {name: tensor.half() for name, tensor in model.state_dict().items()}
    package = {"klass": htdemucs.HTDemucs, "args": (), "kwargs": kwargs, "state": state}
    torch.save({**package, "training_args": {}}, options.folder / "model.th")
    print(json.dumps({}))


def run_torch(options: argparse.Namespace) -> None:
    import random

    import torch

    apply, htdemucs = import_demucs(options.demucs)
    tf32 = os.environ["MLX_ENABLE_TF32"] == "1"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    device = "cuda" if torch.cuda.is_available() else "cpu"
    package = torch.load(options.folder / "model.th", weights_only=False)
    model = htdemucs.HTDemucs(**package["kwargs"])
    model.load_state_dict(package["state"])
    model.to(device).eval()
    mix = torch.from_numpy(np.load(options.folder / "mix.npy"))

    def separate() -> np.ndarray:
        random.seed(0)
        mono = mix.mean(0)
        song = ((mix - mono.mean()) / mono.std()).to(device)
        with torch.no_grad():
            stems = apply.apply_model(model, song[None], shifts=1)[0]
        return (stems * mono.std().to(device) + mono.mean().to(device)).cpu().numpy()

    result, first, best = timed(separate, options.runs)
    np.save(options.folder / "torch.npy", result)
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
    name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    print(json.dumps({"first": first, "best": best, "peak": peak, "device": name}))


# --- our side --------------------------------------------------------------------------------


def run_mlx(options: argparse.Namespace) -> None:
    from allin1_mlx.demix.htdemucs import HTDemucs
    from allin1_mlx.network.backend import has_gpu, mx

    mix = np.load(options.folder / "mix.npy")
    checkpoint = options.folder / "model.th"
    separator = HTDemucs.from_checkpoint(checkpoint, compiled=not options.no_mlx_compile)
    result, first, best = timed(
        lambda: np.concatenate([np.asarray(c) for c in separator.stream(mix)], axis=-1),
        options.runs,
    )
    np.save(options.folder / "mlx.npy", result)
    name = str(mx.device_info()["device_name"]) if has_gpu() else "the CPU"
    measured = {"first": first, "best": best, "peak": mx.get_peak_memory(), "device": name}
    print(json.dumps(measured))


def run_song(options: argparse.Namespace) -> None:
    """The product's own way through a file, with the random separator in the published one's
    place."""
    import soundfile

    from allin1_mlx import Analyzer
    from allin1_mlx.display.timings import Timings
    from allin1_mlx.weights import Access

    wav, out = options.folder / "song.wav", options.folder / "song.json"
    mix = np.load(options.folder / "mix.npy")
    soundfile.write(wav, 0.9 * mix.T / np.abs(mix).max(), SAMPLE_RATE)
    timings = Timings()
    analyzer = Analyzer(
        "harmonix-all", "spectral", weights=Access(options.harmonix, offline=True), timings=timings
    )
    compiled = not options.no_mlx_compile
    analyzer.input = replace(
        analyzer.input, separator_file=options.folder / "model.th", compiled=compiled
    )
    _, first, best = timed(lambda: out.write_text(analyzer(wav).to_json()), options.runs)
    last = {stage.stage: stage.duration for stage in timings.stages}
    print(json.dumps({"first": first, "best": best, "stages": last}))


if __name__ == "__main__":
    main()
