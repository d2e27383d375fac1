"""Beats and downbeats from the network's frame-wise probabilities.

Times are seconds from the first frame, increasing, multiples of 1/FPS. Positions in the bar count
from 1, the downbeat. After Böck, Krebs & Widmer, "Joint beat and downbeat tracking with recurrent
neural networks" (ISMIR 2016), as used by Kim & Nam (2023): `bar_pointer` finds the most probable
sequence of beats, then each beat moves to the nearby frame with the highest probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, TEMPO_FRAMES
from .bar_pointer import Path, best_path
from .tempo_space import OBSERVATION_LAMBDA, PUBLISHED, TempoSpace

BARS = (3, 4)  # beats per bar, as in the published decoder
PROBABLE = 0.2  # probability from which a beat counts as probable
LEAST_PROBABLE = 0.3  # lowest share of beats that must be probable
UNHEARD = 1e-6  # the probability used for frames in which the network returned NaN
IMPOSSIBLE = -(2.0**14)  # stands for log(0); it costs more than any other path

Probabilities = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Beats:
    """times: (B,) seconds. positions: (B,) in the bar, from 1."""

    times: NDArray[np.float64]
    positions: NDArray[np.int64]

    @property
    def downbeats(self) -> NDArray[np.float64]:
        """The times of the downbeats."""
        return self.times[self.positions == 1]


NO_BEATS = Beats(np.zeros(0), np.zeros(0, np.int64))


def decode_beats(
    beat: Probabilities,
    downbeat: Probabilities,
    *,
    threshold: float,
    tempo_space: TempoSpace = PUBLISHED,
    bars: tuple[int, ...] = BARS,
    tempo: NDArray[np.floating[Any]] | None = None,
) -> Beats:
    """Decode the probabilities (T,) of any beat and of a downbeat.

    bars: the bar lengths to choose from, in beats; the song keeps one of them.
    tempo: (C, n) as in Activations, if the network judges the tempo.
    No beats are returned before the first frame or after the last frame that reaches `threshold`.
    Raises ValueError unless both arrays are one-dimensional and have the same length.
    """
    if beat.ndim != 1 or beat.shape != downbeat.shape:
        raise ValueError(
            "beat and downbeat must have the same shape (T,): "
            f"found {beat.shape} and {downbeat.shape}"
        )
    activations = _activations(_probabilities(beat), _probabilities(downbeat))
    # A Python float is compared in the precision of the activations.
    frames = np.flatnonzero((activations >= float(threshold)).any(axis=1))
    if not frames.any():  # frame 0 alone does not count, as in the reference
        return _beats([])
    first, last = int(frames[0]), int(frames[-1])
    observed = _divide(activations[first : last + 1], tempo_space.frames)
    densities = _log_densities(observed)
    parts = None if tempo is None else tempo[:, first // TEMPO_FRAMES : last // TEMPO_FRAMES + 1]
    path = best_path(
        densities / tempo_space.frames,
        bars=bars,
        tempo_space=tempo_space,
        tempo=None if parts is None else tempo_space.scores(parts),
    )
    return _beats(
        [
            (first + (place + tempo_space.frames // 2) // tempo_space.frames, position)
            for place, position in _pick_peaks(path, observed, densities)
        ]
    )


def drop_guesses(beats: Beats, beat: Probabilities, downbeat: Probabilities) -> Beats:
    """Return the beats, or none if fewer than LEAST_PROBABLE of them are probable.

    The decoder fills any gap with a steady grid of beats, so that even a drone gets a tempo from
    its beginning and its end. beat, downbeat: (T,), the probabilities that were decoded.
    """
    frames = np.rint(beats.times * FPS).astype(np.int64)
    likely = np.maximum(beat, downbeat)[frames]
    if len(likely) and np.mean(likely >= PROBABLE) < LEAST_PROBABLE:
        return _beats([])
    return beats


def _probabilities(values: Probabilities) -> Probabilities:
    """The values without NaN, clipped to 0..1, in at least single precision."""
    wide = values.astype(np.result_type(values, np.float32))
    return np.clip(np.nan_to_num(wide, nan=UNHEARD, posinf=1, neginf=0), 0, 1)


def _activations(beat: Probabilities, downbeat: Probabilities) -> Probabilities:
    """(T, 2) probabilities of a beat that is no downbeat, and of a downbeat.

    Together with the probability of no beat they sum to one.
    """
    other = np.maximum(1e-8, beat - downbeat)
    neither = ((1 - beat) + (1 - downbeat)) / 2
    joint = np.stack([other, downbeat, neither], axis=-1)
    return (joint / joint.sum(axis=-1, keepdims=True))[:, :2]


def _divide(activations: Probabilities, parts: int) -> Probabilities:
    """Interpolate (T, 2) linearly to `parts` values per frame: ((T - 1) * parts + 1, 2)."""
    T = len(activations)
    places = np.arange((T - 1) * parts + 1) / parts
    below = np.floor(places).astype(np.int64)
    rest = (places - below)[:, None].astype(activations.dtype)
    above = np.minimum(below + 1, T - 1)
    return activations[below] * (1 - rest) + activations[above] * rest


def _log_densities(activations: Probabilities) -> NDArray[np.float64]:
    """(3, T) log-densities of no beat, a beat and a downbeat.

    The logarithms are taken in the precision of the activations.
    """
    neither = (1 - activations.sum(axis=1)) / (OBSERVATION_LAMBDA - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        densities = np.log([neither, *activations.T]).astype(np.float64)
    return np.nan_to_num(densities, nan=IMPOSSIBLE, neginf=IMPOSSIBLE)


def _pick_peaks(
    path: Path, activations: Probabilities, densities: NDArray[np.float64]
) -> list[tuple[int, int]]:
    """The frame and the position of each beat of the path; empty if the path is impossible."""
    T = len(activations)
    strength = activations.max(axis=1)
    observed = densities[0].copy()
    peaks = []
    for entry, beat, length in zip(path.entries, path.beats, path.observed, strict=True):
        left, right = max(int(entry), 0), min(int(entry + length), T)
        if left < right:
            peaks.append((left + int(strength[left:right].argmax()), int(beat) + 1))
            observed[left:right] = densities[2 if beat == 0 else 1, left:right]
    return peaks if observed.min() > IMPOSSIBLE else []


def _beats(peaks: list[tuple[int, int]]) -> Beats:
    frames, positions = np.array(peaks, dtype=np.int64).reshape(-1, 2).T
    return Beats(frames / FPS, positions)
