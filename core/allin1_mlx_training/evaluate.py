"""Scores of a network: its decoded beats, downbeats and sections compared with a reference.

F-measures as in mir_eval (Raffel et al. 2014): beats within 70 ms, boundaries within 0.5 s and 3 s.
Label accuracy is the share of time with the right label.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.decoding.bar_phase import align_bars
from allin1_mlx.decoding.meters import find_beats
from allin1_mlx.decoding.sections import find_sections
from allin1_mlx.network.predict import Prediction, activations
from allin1_mlx.types import FPS, LABELS, Activations

Times = Sequence[float] | NDArray[np.float64]

Job = TypeVar("Job")
Result = TypeVar("Result")

ALONE = 8  # fewer jobs are not worth starting processes
BEAT_WINDOW = 0.07  # s
BOUNDARY_WINDOWS = (0.5, 3.0)  # s


@dataclass(frozen=True)
class Reference:
    """The truth of a song: times in seconds; labels as (start, end, label), or none."""

    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]
    segments: tuple[tuple[float, float, str], ...] = ()


def f_measure(reference: Times, estimate: Times, *, window: float) -> float:
    """Harmonic mean of precision and recall; each time is matched with at most one other time."""
    if not len(reference) or not len(estimate):
        return float(len(reference) == len(estimate))
    matches, j = 0, 0
    estimated = sorted(estimate)
    for time in sorted(reference):
        while j < len(estimated) and estimated[j] < time - window:
            j += 1
        if j < len(estimated) and estimated[j] <= time + window:
            matches, j = matches + 1, j + 1
    return 2 * matches / (len(reference) + len(estimate))


def score(
    found: Activations, mix: NDArray[np.float32], reference: Reference, *, threshold: float
) -> dict[str, float]:
    """All scores of one song; those of sections only if the reference has sections.

    mix: (T, 81) its log spectrogram. Everything is decoded as with the bundled network.
    """
    detected = find_beats(found, threshold=threshold, steady=True)
    beats = align_bars(detected, mix, found.downbeat)
    downbeats = beats.times[beats.positions == 1]
    scores = {
        "beat": f_measure(reference.beats, beats.times, window=BEAT_WINDOW),
        "downbeat": f_measure(reference.downbeats, downbeats, window=BEAT_WINDOW),
    }
    if reference.segments:
        segments = find_sections(found, downbeats, mix=mix, strict_ends=True, on_bars=True)
        inner = [start for start, _, _ in reference.segments[1:]]
        estimated = [segment.start for segment in segments[1:]]
        for window in BOUNDARY_WINDOWS:
            scores[f"boundary {window} s"] = f_measure(inner, estimated, window=window)
        frames = len(found.beat)
        right = _labels(reference.segments, frames) == _labels(
            [(s.start, s.end, s.label) for s in segments], frames
        )
        scores["label"] = float(right.mean())
    return scores


def mean_scores(scores: Iterable[dict[str, float]]) -> dict[str, float]:
    """The mean of each score over the songs that have it."""
    rows = list(scores)
    names = {name: None for row in rows for name in row}
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network found in a song: mix: (T, 81) its log spectrogram."""

    prediction: Prediction
    mix: NDArray[np.float32]
    reference: Reference
    threshold: float


def score_answer(answer: Answer) -> dict[str, float]:
    """`score` of a network's answer."""
    found = activations(answer.prediction)
    return score(found, answer.mix, answer.reference, threshold=answer.threshold)


def in_processes(function: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    """Apply a function to all jobs on all cores. Processes are spawned, because a GPU is in use."""
    if len(jobs) <= ALONE:
        return [function(job) for job in jobs]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(function, jobs))


def _labels(segments: Iterable[tuple[float, float, str]], frames: int) -> NDArray[np.int64]:
    label = np.full(frames, -1)
    for start, end, name in segments:
        label[round(start * FPS) : round(end * FPS)] = LABELS.index(name)
    return label
