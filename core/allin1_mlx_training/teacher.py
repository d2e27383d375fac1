"""Pseudo-labels: predictions of the published ensemble for real songs without annotations.

    python -m allin1_mlx_training.teacher --real REAL --weights WEIGHTS --out LESSONS

REAL is a folder of real mixes, WEIGHTS a folder with the harmonix checkpoints. The ensemble reads
spectral stems of the mix. Its decoded beats sharpen the soft targets. A song is used only if the
folds agree on it. The bundled checkpoint checks the teacher: where their beats differ, the song
does not count in the loss of the beats, and where their downbeats differ, not in that of the
downbeats.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.decoding.beats import Beats, decode_beats
from allin1_mlx.decoding.meters import find_beats
from allin1_mlx.demix.spectral import spectral_stems
from allin1_mlx.log_spectrogram import logarithm
from allin1_mlx.network.backend import mx
from allin1_mlx.network.loading import Network, load_network
from allin1_mlx.network.predict import Prediction, activations
from allin1_mlx.types import FPS, Activations
from allin1_mlx.weights import Access, find_model

from .corpus import load_real, to_magnitudes
from .evaluate import BEAT_WINDOW, f_measure, in_processes
from .targets import BEAT_WIDTH, TrainingSong, Truth, draw_peaks

TAUGHT = frozenset({"beat", "downbeat", "section", "label"})  # tasks of a teacher
SHARPENING = 0.5  # weight of the decoded beats in the targets
CONFIRMED = 0.9  # lowest F-measure between the teacher and the bundled network


@dataclass(frozen=True)
class Lesson:
    """A labelled song. agreement: mean F-measure between the beats of the folds and of the
    ensemble.
    """

    song: TrainingSong
    agreement: float


def label_songs(mixes: Mapping[str, NDArray[np.uint8]], ensemble: Network) -> Iterator[Lesson]:
    """Label mixes, (T, 81) uint8 as in the corpus, by the ensemble."""
    answers = [_listen(mix, ensemble) for mix in mixes.values()]
    jobs = [(logits, ensemble.threshold) for logits in answers]
    for (name, mix), judged in zip(mixes.items(), in_processes(_judge, jobs), strict=True):
        yield _lesson(name, mix, *judged)


def check_lesson(lesson: Lesson, network: Network) -> Lesson:
    """Remove beats and downbeats from the known tasks if the network's differ."""
    mix = logarithm(to_magnitudes(mx.array(lesson.song.stems)).transpose(1, 0, 2))
    found = activations(Prediction.of(np.array(network.folds[0](mix[None])[0])))
    beats = find_beats(found, threshold=network.threshold, steady=network.steady)
    truth = lesson.song.truth
    known = set(truth.known)
    for task, taught, times in (
        ("beat", truth.beats, beats.times),
        ("downbeat", truth.downbeats, beats.times[beats.positions == 1]),
    ):
        if f_measure(taught / FPS, times, window=BEAT_WINDOW) < CONFIRMED:
            known.discard(task)
    checked = replace(lesson.song, truth=replace(truth, known=frozenset(known)))
    return replace(lesson, song=checked)


def save_lesson(lesson: Lesson, path: Path) -> None:
    """Write everything except the mix, which is stored already."""
    truth = lesson.song.truth
    np.savez_compressed(
        path,
        name=np.array(lesson.song.name),
        beats=truth.beats,
        downbeats=truth.downbeats,
        soft=np.asarray(truth.soft),
        known=np.array(sorted(truth.known)),
        agreement=np.array(lesson.agreement),
    )


def load_lessons(folder: Path, mixes: Mapping[str, NDArray[np.uint8]]) -> Iterator[Lesson]:
    """The saved lessons of a folder with their mixes, ordered by name."""
    by_name = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as stored:
            by_name[str(stored["name"])] = {key: stored[key] for key in stored.files}
    for name, stored in sorted(by_name.items()):
        truth = _truth(stored["beats"], stored["downbeats"], stored["soft"])
        truth = replace(truth, known=frozenset(map(str, stored["known"])))
        yield Lesson(TrainingSong(name, mixes[name][:, None], truth), float(stored["agreement"]))


def _listen(mix: NDArray[np.uint8], ensemble: Network) -> NDArray[np.float32]:
    """The logits of all folds: (folds, 13, T)."""
    stems = logarithm(spectral_stems(to_magnitudes(mx.array(mix))))[None]
    return np.stack([np.array(fold(stems)[0]) for fold in ensemble.folds])


def _judge(job: tuple[NDArray[np.float32], float]) -> tuple[Activations, Beats, float]:
    """The ensemble's probabilities and beats, and the agreement of its folds with them."""
    folds, threshold = job
    found = activations(Prediction(folds.mean(axis=0)))
    beats = decode_beats(found.beat, found.downbeat, threshold=threshold)
    agreements = []
    for fold in folds:
        one = activations(Prediction(fold))
        times = decode_beats(one.beat, one.downbeat, threshold=threshold).times
        agreements.append(f_measure(beats.times, times, window=BEAT_WINDOW))
    return found, beats, float(np.mean(agreements))


def _lesson(
    name: str, mix: NDArray[np.uint8], found: Activations, beats: Beats, agreement: float
) -> Lesson:
    soft = np.concatenate([[found.beat, found.downbeat, found.segment], found.label])
    frames = beats.times * FPS
    downbeats = frames[beats.positions == 1]
    for row, peaks in ((0, frames), (1, downbeats)):
        sharp = np.zeros(len(mix), np.float32)
        draw_peaks(sharp, peaks, BEAT_WIDTH)
        soft[row] = (1 - SHARPENING) * soft[row] + SHARPENING * sharp
    truth = _truth(frames, downbeats, soft.astype(np.float16))
    return Lesson(TrainingSong(name, mix[:, None], truth), agreement)


def _truth(
    beats: NDArray[np.float64], downbeats: NDArray[np.float64], soft: NDArray[np.float16]
) -> Truth:
    label = soft[3:].argmax(axis=0).astype(np.uint8)
    return Truth(beats, downbeats, np.zeros(0), label, soft, known=TAUGHT)


def main() -> None:
    """Run the command in the module's docstring."""
    parser = argparse.ArgumentParser(description="Label real songs by the harmonix ensemble.")
    add = parser.add_argument
    add("--real", type=Path, required=True, help="real mixes without annotation")
    add("--weights", type=Path, required=True, help="harmonix weights, the teacher")
    add("--out", type=Path, required=True, help="folder for a .npz of each song")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    ensemble = load_network(find_model("harmonix-all", Access(options.weights)))
    bundled = load_network(find_model("bundled", Access(options.weights)))
    for number, lesson in enumerate(label_songs(load_real(options.real), ensemble)):
        save_lesson(check_lesson(lesson, bundled), options.out / f"{number:04d}.npz")


if __name__ == "__main__":
    main()
