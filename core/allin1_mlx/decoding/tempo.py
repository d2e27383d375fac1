"""Tempo and meter of a song's beats.

Times are seconds, increasing. They may be rounded to frames, so one interval is not precise: 0.50 s
can be any tempo between 118 and 122 bpm. A straight line through many beats is precise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, Steady, Tempo
from .steady import find_passages

SAME_BEAT = 0.1  # of a beat: in an interval that differs more, a beat is wrong or missing
SAME_TEMPO = 0.01  # of the tempo: a larger difference is another tempo
EXACT = 0.0007  # seconds from a line: the tolerance for beats rounded to the millisecond
REACH = 4  # beats before and after an interval that are used to measure the tempo around it
ENOUGH = 8  # number of intervals needed for full confidence

Floats = NDArray[np.float64]


def estimate_tempo(beats: Sequence[float] | Floats) -> Tempo:
    """Estimate the tempo of most of the song, with decimals, from its beats (B,).

    Straight lines with one common slope are fitted to all stretches of beats at that tempo. Wrong
    and missing beats, pauses and other tempos do not change it. If more than half of those beats
    lie in passages of one exact tempo, that exact tempo is returned. The confidence is the share of
    intervals in those stretches. It is low if the tempo drifts, if beats are uneven, and if there
    are few beats.
    """
    times = np.asarray(beats, dtype=np.float64)
    intervals = np.diff(times)
    if intervals.size == 0:
        return Tempo(None, 0.0)
    rough = _commonest(intervals, SAME_BEAT)
    steps = np.rint(intervals / rough)  # 2 if a beat is missing, 0 if there is one too many
    around = _periods_around(times, np.concatenate([[0], steps.cumsum()]))
    period = _commonest(around[steps == 1], 2 * SAME_TEMPO)
    steady = np.abs(intervals - period) <= SAME_BEAT * period
    steady &= np.abs(around - period) <= SAME_TEMPO * period
    if not steady.any():
        return Tempo(60 / period, 0.0)
    played = np.append(steady, False) | np.insert(steady, 0, False)
    confidence = steady.sum() / max(intervals.size, ENOUGH)
    passages = find_steady(times)
    bpm = _exact_tempo(passages, period * float(steady.sum()))
    if bpm is None:
        bpm = 60 / _common_slope(times[played], period)
    return Tempo(bpm, float(confidence), passages)


def find_steady(beats: Sequence[float] | Floats) -> tuple[Steady, ...]:
    """Find the passages of exactly constant tempo in beats (B,) that are exact to the millisecond.

    Rounding to whole frames can make uneven beats seem constant for a while. So for beats in whole
    frames, only a passage of the whole song is returned.
    """
    times = np.asarray(beats, dtype=np.float64)
    passages = find_passages(times, tolerance=EXACT)
    in_frames = np.abs(times * FPS - np.rint(times * FPS)).max(initial=0) < 1e-6
    if in_frames and [(p.first, p.last) for p in passages] != [(0, len(times) - 1)]:
        return ()
    return tuple(Steady(float(times[p.first]), float(times[p.last]), p.line.bpm) for p in passages)


def _exact_tempo(passages: Sequence[Steady], seconds: float) -> float | None:
    """The tempo of the passages that together last more than half of `seconds`, or None."""
    lengths: dict[float, float] = {}
    for passage in passages:
        bpm = round(passage.bpm, 4)
        lengths[bpm] = lengths.get(bpm, 0.0) + passage.end - passage.start
    longest = max(lengths, key=lambda bpm: lengths[bpm], default=0.0)
    return longest if lengths.get(longest, 0.0) > seconds / 2 else None


def round_tempo(beats: Sequence[float] | Floats, tempo: Tempo | None = None) -> int | None:
    """The tempo in whole bpm, or None with fewer than two beats.

    For a song of constant tempo it is `tempo`, rounded. Otherwise it is the most frequent tempo
    between consecutive beats (B,), as in the reference. The faster tempo wins a tie.
    """
    if tempo is not None and tempo.constant and tempo.bpm is not None:
        return round(tempo.bpm)
    intervals = np.diff(np.asarray(beats, dtype=np.float64))
    tempos, counts = np.unique(np.rint(60 / intervals), return_counts=True)
    return int(tempos[counts == counts.max()][-1]) if tempos.size else None


def estimate_meter(positions: Sequence[int] | NDArray[np.int64]) -> int | None:
    """The most frequent number of beats per bar, or None if no bar is complete.

    positions: (B,) of the beats in their bars, from 1. The greater number wins a tie.
    """
    downbeats = np.flatnonzero(np.asarray(positions) == 1)
    bars, counts = np.unique(np.diff(downbeats), return_counts=True)
    return int(bars[counts == counts.max()][-1]) if bars.size else None


def _commonest(values: Floats, width: float) -> float:
    """The mean of the fullest cluster: the range from v to v * (1 + width) with the most values."""
    ascending = np.sort(values)
    ends = np.searchsorted(ascending, ascending * (1 + width), side="right")
    counts = ends - np.arange(len(ascending))
    fullest = np.flatnonzero(counts == counts.max())
    first = fullest[len(fullest) // 2]  # the middle one of equally full ranges
    return float(ascending[first : ends[first]].mean())


def _periods_around(times: Floats, index: Floats) -> Floats:
    """Seconds per beat from REACH beats before to REACH beats after each interval, (B - 1,)."""
    last = len(times) - 1
    left = np.maximum(np.arange(last) - REACH, 0)
    right = np.minimum(np.arange(last) + 1 + REACH, last)
    return (times[right] - times[left]) / np.maximum(index[right] - index[left], 1)


def _common_slope(times: Floats, period: float) -> float:
    """Seconds per beat by least squares: one slope, and a separate offset for each stretch.

    An uneven beat does not end a stretch, nor does a short gap of whole beats. Any other pause
    starts a new stretch with a new offset.
    """
    gaps = np.diff(times)
    steps = np.rint(gaps / period)
    tolerance = np.where(steps == 1, 2 * SAME_BEAT, SAME_BEAT / 2) * period
    broken = (np.abs(gaps - steps * period) > tolerance) | (steps > 2 * REACH)
    stretch = np.concatenate([[0], broken.cumsum()])
    beats = np.concatenate([[0], steps.cumsum()])
    sizes = np.bincount(stretch)
    beats -= (np.bincount(stretch, beats) / sizes)[stretch]
    seconds = times - (np.bincount(stretch, times) / sizes)[stretch]
    return float(beats @ seconds / (beats @ beats))
