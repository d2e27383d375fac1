"""Correct the first beats of bars by changes of the music.

Sections begin with bars. So the beats at which the music changes most are evidence for bar lines.
This evidence can change the result if the network's downbeats are uncertain. It is used only for
songs in which all bars have the same number M of beats.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..types import FPS
from .beats import Beats, Probabilities
from .section_cuts import Array, level_edges, mean_between, measure_sound, repetition_edges

FEWEST_BARS = 32  # fewer bars have too few changes
CHANGES = 0.4  # weight of the changes relative to the network's downbeats
MOST_BEATS = 1024  # only this number of beats is compared in longer songs
PLACES = 8  # number of parts of a beat in which the spectrum is measured
AROUND = 4  # number of bars that are compared before and after a beat
SECTION = 8  # bars in which one change of the music is expected
LEAD = 0.05  # least advantage of another beat over the present one
NEAR = 2  # frames around a beat in which the network's downbeat is read

Floats = NDArray[np.float64]


def align_bars(beats: Beats, mix: Array, downbeat: Probabilities) -> Beats:
    """The beats, with bars that begin where the music and the network agree best.

    mix: (T, 81) log spectrogram. downbeat: (T,) probabilities from the network.
    """
    M = constant_meter(beats)
    if M is None or len(beats.times) < FEWEST_BARS * M:
        return beats
    first = int(np.argmax(beats.positions == 1))
    times = beats.times[first:]
    likely = CHANGES * phase_changes(times, mix, M) + _heard(times, downbeat, M)
    phase = int(likely.argmax())
    if likely[phase] <= likely[0] + LEAD:
        return beats
    return replace(beats, positions=(beats.positions - 1 - phase) % M + 1)


def constant_meter(beats: Beats) -> int | None:
    """The number of beats of all bars; None if bars differ or have fewer than three beats."""
    positions = beats.positions
    M = int(positions.max(initial=0))
    if M < 3:
        return None
    expected = (np.arange(len(positions)) + positions[0] - 1) % M + 1
    return M if np.array_equal(positions, expected) else None


def phase_changes(times: Floats, mix: Array, M: int) -> Floats:
    """(M,) the share of the music's changes on every M-th beat, counted from each of the first M.

    Three kinds of changes are measured: of repetitions, of the sound, and of the loudness.
    """
    some = times[:MOST_BEATS]
    edges = np.append(some, 2 * some[-1] - some[-2])
    level = mix.mean(axis=1, keepdims=True)
    sound = measure_sound(mix - level, edges, places=PLACES)
    loudness = mean_between(level, np.round(edges * FPS).astype(np.int64))[:, 0]
    around = AROUND * M
    ways = (
        repetition_edges(sound, (around,))[0],
        block_edges(sound, around),
        level_edges(loudness, around),
    )
    shares = []
    for change in ways:
        change[:around] = change[-around:] = 0  # start and end of the song
        shares.append(_shares(change[:-1], M))
    return np.asarray(np.mean(shares, axis=0))


def block_edges(sound: NDArray[np.float32], around: int) -> Floats:
    """(B + 1,) similarity within the `around` units before and after each edge, minus across it.

    After Foote (2000).
    """
    B = len(sound)
    R = (sound @ sound.T).astype(np.float64)
    np.fill_diagonal(R, 0)
    sums = np.pad(R.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    edges = np.zeros(B + 1)
    at = np.arange(around, B - around + 1)
    low = at - around

    def total(a: NDArray[np.int64], b: NDArray[np.int64]) -> Floats:
        """The sums of R over the `around` rows from a and columns from b."""
        c, d = a + around, b + around
        return np.asarray(sums[c, d] - sums[a, d] - sums[c, b] + sums[a, b])

    within = (total(low, low) + total(at, at)) / (around * (around - 1))
    edges[at] = within - 2 * total(low, at) / around**2
    return edges


def _shares(change: Floats, M: int) -> Floats:
    """(M,) shares of the highest peaks of a change (n,), with one peak per SECTION bars."""
    height = np.maximum(change - np.median(change), 0)
    padded = np.pad(height, M - 1)
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * M - 1).max(axis=1)
    peaks = np.flatnonzero((height == highest) & (height > 0))
    best = peaks[np.argsort(-height[peaks], kind="stable")][: max(4, len(change) // (M * SECTION))]
    shares = np.bincount(best % M, weights=height[best], minlength=M)
    return shares / max(float(shares.sum()), 1e-9)


def _heard(times: Floats, downbeat: Probabilities, M: int) -> Floats:
    """(M,) shares of the network's downbeats on every M-th beat, from each of the first M."""
    frames = np.clip(np.round(times * FPS).astype(np.int64), 0, len(downbeat) - 1)
    padded = np.pad(np.nan_to_num(downbeat), NEAR)
    heights = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEAR + 1).max(axis=1)[frames]
    means = np.array([heights[phase::M].mean() for phase in range(M)])
    return means / max(float(means.sum()), 1e-9)
