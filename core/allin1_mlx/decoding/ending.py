"""Beats of an ending that slows down.

The decoder expects long passages of one tempo, so it keeps its tempo where players slow down in the
last few bars. If the last beats of a song are improbable, the ending is decoded again with a tempo
that may change from beat to beat. The new beats are used only if they begin like the old ones, slow
down evenly, and are clearly more probable. Times are seconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, Activations
from .beats import Beats, decode_beats
from .tempo_space import PUBLISHED, STEADY

LOOSE = replace(STEADY, steadiness=PUBLISHED.steadiness, leap=None)
ENDING = 40  # beats of an ending, with some before it
LAST = 8  # number of the last beats that are checked
IMPROBABLE = 0.6  # of the song's usual probability: the last beats must be below this
AGREEING = 8  # number of beats that must be the same before the ending slows down
BEFORE = 4  # number of agreeing beats that are replaced too: they may be late already
SAME = 0.04  # greatest distance in seconds of two beats that count as the same
CLEARER = 1.5  # factor by which the new beats must be more probable
SLOWER = 1.1  # least factor between the last and the first intervals
START = 0.2  # greatest relative difference between the first interval and those before it
UNEVEN = 0.05  # greatest standard deviation of the intervals around an even change, relative
AROUND = 2  # frames before and after a beat in which its probability is read

Floats = NDArray[np.float64]


def follow_ending(beats: Beats, found: Activations, *, threshold: float) -> Beats:
    """The beats, with those of a slowing ending decoded again; else `beats` itself.

    found: the probabilities that were decoded. threshold: as for `decode_beats`.
    """
    if len(beats.times) < 2 * ENDING:
        return beats
    likely = np.nan_to_num(np.maximum(found.beat, found.downbeat))
    heights = _heights(beats.times, likely)
    if heights[-LAST:].mean() > IMPROBABLE * np.median(heights):
        return beats
    old = beats.times[-ENDING:]
    first = round(float(old[0]) * FPS) - AROUND - 1
    if first < 0:
        return beats
    part = likely[first:]
    new = decode_beats(part, part, threshold=threshold, tempo_space=LOOSE, bars=(1,)).times
    new = new + first / FPS
    same = len(new) and np.abs(new[:, None] - old).min(axis=1) < SAME
    agreeing = int(np.argmin(np.append(same, False)))
    if agreeing < AGREEING or not _slows_down(new[agreeing - 1 :], float(np.median(np.diff(old)))):
        return beats
    kept = int(np.searchsorted(beats.times, new[agreeing - 1] + SAME))
    if _heights(new[agreeing:], likely).mean() < CLEARER * heights[kept:].mean():
        return beats
    kept, new = kept - BEFORE, new[agreeing - BEFORE :]
    meter = _last_meter(beats.positions[:kept])
    counted = (beats.positions[kept - 1] + np.arange(len(new))) % meter + 1
    return Beats(np.append(beats.times[:kept], new), np.append(beats.positions[:kept], counted))


def _slows_down(times: Floats, period: float) -> bool:
    """Whether the intervals between the times grow evenly, from about `period`."""
    gaps = np.diff(times)
    if len(gaps) < LAST // 2:
        return False
    steps = np.arange(len(gaps))
    slope, start = np.polyfit(steps, gaps, 1)
    even = start + slope * steps
    rest = float(np.std(gaps - even)) / float(gaps.mean())
    grows = even[-1] > SLOWER * even[0] and abs(even[0] / period - 1) < START
    return bool(grows and rest < UNEVEN)


def _last_meter(positions: NDArray[np.int64]) -> int:
    """The number of beats of the last whole bar."""
    downbeats = np.flatnonzero(positions == 1)
    return int(downbeats[-1] - downbeats[-2]) if len(downbeats) > 1 else int(positions.max())


def _heights(times: Floats, likely: NDArray[np.floating[Any]]) -> Floats:
    """The highest probability near each time."""
    frames = np.rint(times * FPS).astype(np.int64)[:, None] + np.arange(-AROUND, AROUND + 1)
    heights: Floats = likely[np.clip(frames, 0, len(likely) - 1)].max(axis=1).astype(np.float64)
    return heights
