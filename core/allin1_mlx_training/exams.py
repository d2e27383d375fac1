"""Songs that are never used in training, and the scores of a network on them.

Magnitudes are (T, 81) float32, 100 frames/s; logits (13, T).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.log_spectrogram import logarithm
from allin1_mlx.network.backend import mx
from allin1_mlx.network.model import AllInOne
from allin1_mlx.network.predict import Prediction
from allin1_mlx.types import FPS, LABELS

from .corpus import to_magnitudes
from .evaluate import Answer, Reference, in_processes, mean_scores, score_answer
from .targets import TrainingSong
from .teacher import Lesson

TRUSTED = 0.6  # lowest agreement of the teacher's folds at which a real song is used
EXAM_EVERY = 8  # one of this many real songs is an exam


@dataclass(frozen=True)
class Exam:
    """A song that is never used in training: mix (T, 81) magnitudes, and its reference."""

    name: str
    mix: NDArray[np.float32]
    reference: Reference


def examine(model: AllInOne, exams: list[Exam], *, thresholds: tuple[float, ...]) -> dict[str, Any]:
    """The mean scores over the exams for each threshold."""
    mixes = [logarithm(mx.array(exam.mix)) for exam in exams]
    predictions = [Prediction.of(np.array(model(mix[None, None])[0])) for mix in mixes]
    jobs = [
        Answer(found, np.array(mix), exam.reference, threshold)
        for threshold in thresholds
        for found, mix, exam in zip(predictions, mixes, exams, strict=True)
    ]
    scores = in_processes(score_answer, jobs)
    return {
        str(threshold): mean_scores(scores[i * len(exams) : (i + 1) * len(exams)])
        for i, threshold in enumerate(thresholds)
    }


def split_lessons(lessons: Iterable[Lesson]) -> tuple[list[TrainingSong], list[Exam]]:
    """Songs on which the teacher's folds agree, for training; every EXAM_EVERYth is an exam."""
    learn, exams = [], []
    for number, lesson in enumerate(lessons):
        if lesson.agreement < TRUSTED:
            continue
        if number % EXAM_EVERY == 0:
            exams.append(exam_of(lesson.song))
        else:
            learn.append(lesson.song)
    return learn, exams


def split_songs(songs: Iterable[TrainingSong]) -> tuple[list[TrainingSong], list[Exam]]:
    """Songs with exact beats for training; every EXAM_EVERYth song is an exam."""
    learn, exams = [], []
    for number, song in enumerate(songs):
        if number % EXAM_EVERY == 0 and "downbeat" in song.truth.known:
            exams.append(exam_of(song))
        else:
            learn.append(song)
    return learn, exams


def exam_of(song: TrainingSong) -> Exam:
    """An exam on the mix of a song with known truth."""
    stems = to_magnitudes(mx.array(song.stems))
    mix = mx.sqrt(mx.square(stems).sum(axis=1))
    truth = song.truth
    edges = [0.0, *(truth.boundaries / FPS), song.frames / FPS]
    segments = tuple(
        (start, end, LABELS[truth.label[round(start * FPS)]])
        for start, end in itertools.pairwise(edges)
        if truth.soft is None and "section" in truth.known
    )
    return Exam(
        song.name,
        np.array(mix),
        Reference(truth.beats / FPS, truth.downbeats / FPS, segments),
    )
