"""What `speed` measures, in the process that it is measured in."""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from allin1_mlx.analysis import Analysis
from allin1_mlx.decoding.beats import decode_beats
from allin1_mlx.decoding.meters import find_beats
from allin1_mlx.decoding.section_peaks import pick_sections
from allin1_mlx.decoding.tempo import estimate_meter, estimate_tempo, round_tempo
from allin1_mlx.demix.spectral import spectral_stems
from allin1_mlx.errors import WeightsError
from allin1_mlx.log_spectrogram import logarithm, magnitudes, spectrogram
from allin1_mlx.network.backend import HAS_OPENBLAS, has_gpu, mx
from allin1_mlx.network.loading import Network, load_network, to_published
from allin1_mlx.network.model import AllInOne, Config
from allin1_mlx.network.predict import activations, predict
from allin1_mlx.types import SAMPLE_RATE
from allin1_mlx.weights import Access, find_model

from ..support import viterbi
from .speed import ENOUGH, MODELS

EXAMPLE = Path(__file__).parents[2] / "assets" / "example.ogg"
HAS_SOUNDFILE = all(importlib.util.find_spec(name) for name in ("soundfile", "soxr"))


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
    notes = []
    if HAS_SOUNDFILE:
        import soundfile

        samples, rate = soundfile.read(EXAMPLE, dtype="float32")
        whole = np.resize(samples, (round(options.seconds * rate), samples.shape[1]))
        soundfile.write(options.folder / "song.flac", whole, rate)
    else:
        notes.append("no soundfile or soxr: nothing is decoded, the song is noise in memory")
        random = np.random.default_rng(0)
        noise = random.normal(0, 0.1, (2, round(options.seconds * SAMPLE_RATE)))
        np.save(options.folder / "song.npy", noise.astype(np.float32))
    if not find_weights("harmonix-all", options):
        notes.append("no harmonix weights: random networks of the same shape")
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


def find_weights(name: str, options: argparse.Namespace) -> Any:
    folder = options.weights_dir if options.weights_dir.is_dir() else None
    try:
        return find_model(name, Access(folder, offline=True))
    except WeightsError:
        return None


def load(kind: str, options: argparse.Namespace) -> Network:
    """The published network, or a random one of its shape."""
    name = MODELS[kind.split(",")[0]]
    together = "," not in kind
    if files := find_weights(name, options):
        return load_network(files, ensemble_parallel=together)
    mx.random.seed(1)
    folds = tuple(AllInOne(Config()).eval() for _ in range(8 if name == "harmonix-all" else 1))
    mx.eval([fold.parameters() for fold in folds])
    return Network(f"random {kind}", folds, together=together and has_gpu())


def measure_model(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each stage of the whole song, from file to JSON."""
    start = time.perf_counter()
    network = load(options.worker, options)
    loaded = time.perf_counter() - start
    runs: list[dict[str, float]] = []
    while not runs or (len(runs) < 4 and sum(runs[0].values()) < ENOUGH):
        runs.append(analyze(network, options.folder))
    best = min(runs[1:] or runs, key=lambda stages: sum(stages.values()))
    peak, device_peak = peaks()
    if options.worker == "one fold":
        keep_for_pytorch(network, options.folder)
    return {
        "model": network.name + (", fold after fold" if "," in options.worker else ""),
        "stages": best,
        "whole": sum(best.values()),
        "first": sum(runs[0].values()),
        "load": loaded,
        "tf32": uses_tf32(),
        "peak": peak,
        "device peak": device_peak,
    }


class Watch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}

    def time(self, stage: str, compute: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = compute()
        self.stages[stage] = time.perf_counter() - start
        return result


def analyze(network: Network, folder: Path) -> dict[str, float]:
    """The stages of `pipeline.Analyzer`, which cannot be had without soundfile."""
    watch = Watch()
    values = extract_spectrograms(folder, network, watch)
    found = watch.time("network", lambda: activations(predict(values, network)))

    def decode() -> Any:
        return find_beats(found, threshold=network.threshold, steady=network.steady)

    beats = watch.time("beats", decode)
    strict = network.stems == 1
    segments = watch.time(
        "sections", lambda: pick_sections(found.segment, found.label, strict_ends=strict)
    )

    def write() -> None:
        analysis = Analysis(
            path="song",
            bpm=round_tempo(beats.times),
            beats=tuple(beats.times.tolist()),
            downbeats=tuple(beats.times[beats.positions == 1].tolist()),
            beat_positions=tuple(beats.positions.tolist()),
            segments=segments,
            tempo=estimate_tempo(beats.times),
            meter=estimate_meter(beats.positions),
        )
        (folder / "song.json").write_text(analysis.to_json(), encoding="utf-8")

    watch.time("write", write)
    return watch.stages


def extract_spectrograms(folder: Path, network: Network, watch: Watch) -> np.ndarray:
    """The network's input (K, T, 81). Decoding and spectrogram overlap; their sum is the time."""
    if not HAS_SOUNDFILE:
        samples = np.load(folder / "song.npy")
        return watch.time("spectrogram", lambda: compute_spectrograms(samples, network))
    from allin1_mlx.demix.features import FeatureOptions, extract_features

    features = extract_features(folder / "song.flac", FeatureOptions(network.stems))
    watch.stages |= {stage.stage: stage.duration for stage in features.stages}
    assert features.spectrograms is not None
    return features.spectrograms


def compute_spectrograms(samples: np.ndarray, network: Network) -> np.ndarray:
    """The network's input (K, T, 81), of samples (2, S) in memory."""
    mono = samples.mean(axis=0, keepdims=True, dtype=np.float32)
    if network.stems == 1:
        return np.array(spectrogram(mono))
    return np.array(logarithm(spectral_stems(magnitudes(mono)[0])))


def keep_for_pytorch(network: Network, folder: Path) -> None:
    """Weights, input and logits of the fold, for PyTorch to do the same."""
    weights = {name: np.array(array) for name, array in to_published(network.folds[0]).items()}
    np.savez(folder / "weights.npz", **weights)
    values = extract_spectrograms(folder, network, Watch())
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
