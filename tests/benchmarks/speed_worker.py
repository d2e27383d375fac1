"""What `speed` measures, in the process that it is measured in."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from allin1_mlx.decoding.beats import decode_beats
from allin1_mlx.demix.features import FeatureOptions, extract_features
from allin1_mlx.display.timings import Timings
from allin1_mlx.errors import WeightsError
from allin1_mlx.network.backend import HAS_OPENBLAS, has_gpu, mx
from allin1_mlx.network.loading import Network, to_published
from allin1_mlx.network.predict import predict
from allin1_mlx.options import ComputeOptions
from allin1_mlx.pipeline import Analyzer
from allin1_mlx.weights import Access, find_model

from ..support import viterbi
from .speed import ENOUGH, MODELS

EXAMPLE = Path(__file__).parents[2] / "assets" / "example.ogg"


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Do what the option `worker` says; the result can be written as JSON."""
    if options.worker == "song":
        return make_song(options)
    if options.worker == "compare":
        ours, theirs = (np.load(options.folder / f"{side}.npy") for side in ("mlx", "torch"))
        return {"difference": float(np.abs(ours - theirs).max())}
    if options.worker == "decoders":
        return measure_decoders(options.seconds)
    return measure_model(options)


def make_song(options: argparse.Namespace) -> dict[str, Any]:
    """Write the song; what is to be said about this machine."""
    samples, rate = soundfile.read(EXAMPLE, dtype="float32")
    whole = np.resize(samples, (round(options.seconds * rate), samples.shape[1]))
    soundfile.write(options.folder / "song.flac", whole, rate)
    notes = []
    if has_gpu() and uses_tf32():
        notes.append("matrices are multiplied in TF32; MLX_ENABLE_TF32=0 for full precision")
    info = mx.device_info() if has_gpu() else {}
    name = str(info.get("device_name", "a GPU")) if has_gpu() else f"CPU, {os.cpu_count()} cores"
    return {
        "device": name,
        "gpu": has_gpu(),
        "mlx": mx.__version__,
        "blas": "OpenBLAS" if HAS_OPENBLAS else "MLX's own BLAS",
        "notes": notes,
    }


def uses_tf32() -> bool:
    return has_gpu() and os.environ.get("MLX_ENABLE_TF32", "1") != "0"


def make_analyzer(kind: str, options: argparse.Namespace, timings: Timings) -> Analyzer | None:
    """An analyzer with spectral stems; None if the weights of its model are not there."""
    name = MODELS[kind.split(",")[0]]
    access = Access(options.weights_dir if options.weights_dir.is_dir() else None, offline=True)
    try:
        find_model(name, access)
    except WeightsError:
        return None
    return Analyzer(
        name,
        "auto" if name == "bundled" else "spectral",
        weights=access,
        compute=ComputeOptions(ensemble_parallel="," not in kind),
        timings=timings,
    )


def measure_model(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each stage of the whole song, from file to JSON; empty without weights."""
    timings = Timings()
    analyzer = make_analyzer(options.worker, options, timings)
    if analyzer is None:
        return {}
    start = time.perf_counter()
    analyzer.load()
    loaded = time.perf_counter() - start
    runs: list[dict[str, float]] = []
    while not runs or (len(runs) < 4 and runs[0]["whole"] < ENOUGH):
        runs.append(analyze(analyzer, timings, options.folder))
    peak, device_peak = peaks()
    if options.worker == "one fold":
        keep_for_pytorch(analyzer.network, options.folder)
    return {
        "model": analyzer.network.name + (", fold after fold" if "," in options.worker else ""),
        "stages": min(runs[1:] or runs, key=lambda stages: stages["whole"]),
        "first": runs[0]["whole"],
        "load": loaded,
        "tf32": uses_tf32(),
        "peak": peak,
        "device peak": device_peak,
    }


def analyze(analyzer: Analyzer, timings: Timings, folder: Path) -> dict[str, float]:
    """Analyse the song and write its result; the seconds of each stage, and of the whole."""
    timings.stages.clear()
    start = time.perf_counter()
    analysis = analyzer(folder / "song.flac")
    with timings.stage("write", track="song.flac"):
        (folder / "song.json").write_text(analysis.to_json(), encoding="utf-8")
    whole = time.perf_counter() - start
    return {stage.stage: stage.duration for stage in timings.stages} | {"whole": whole}


def keep_for_pytorch(network: Network, folder: Path) -> None:
    """Weights, input and logits of the fold, for PyTorch to do the same."""
    weights = {name: np.array(array) for name, array in to_published(network.folds[0]).items()}
    np.savez(folder / "weights.npz", **weights)
    values = extract_features(folder / "song.flac", FeatureOptions(network.stems)).spectrograms
    assert values is not None
    np.save(folder / "input.npy", values)
    np.save(folder / "mlx.npy", predict(values, network).logits)


def peaks() -> tuple[int, int]:
    """Most bytes of memory, and of the GPU's, that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage may tell the peak of the process that started this one
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        peak = int(line.split()[1]) * 1024
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak *= 1 if sys.platform == "darwin" else 1024
    return peak, int(mx.get_peak_memory()) if has_gpu() else 0


def measure_decoders(seconds: float) -> dict[str, Any]:
    """The decoder and its oracle on one random song."""
    song = viterbi.random_song(1, frames=round(seconds * 100))
    times = []
    for decode, repeats in ((decode_beats, 3), (viterbi.decode, 1)):
        runs = []
        for _ in range(repeats):
            start = time.perf_counter()
            found = decode(*song, threshold=0.24)
            runs.append(time.perf_counter() - start)
        times.append((min(runs), found))
    (fast, ours), (plain, theirs) = times
    same = np.array_equal(ours.times, theirs[0]) and np.array_equal(ours.positions, theirs[1])
    return {"fast": fast, "plain": plain, "same": same}
