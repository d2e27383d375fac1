"""Tempo and meter of a song's beats.

Times are seconds, increasing. They may lie on the grid of frames, so that one interval says
little: 0.50 s is anything between 118 and 122 bpm. A straight line through many beats says more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, Steady, Tempo
from .steady import find_passages

SAME_BEAT = 0.1  # of a beat: an interval further off has a beat that is wrong or missing
SAME_TEMPO = 0.01  # of the tempo: what differs more is another tempo
EXACT = 0.0007  # seconds from a line: beats rounded to the millisecond
REACH = 4  # beats to either side by which the tempo around an interval is measured
ENOUGH = 8  # intervals it takes to be sure

Floats = NDArray[np.float64]


def estimate_tempo(beats: Sequence[float] | Floats) -> Tempo:
    """The tempo at which most of the song is played, with decimals, from its beats (B,).

    It is the common slope of straight lines through all stretches of beats at that tempo, so that
    wrong and missing beats, pauses and other tempi leave it alone; where most of those beats lie in
    passages of one exact tempo, it is theirs. The confidence is the share of intervals that belong
    to those stretches: it falls where the tempo drifts, where beats are uneven, and where there are
    hardly any.
    """
    times = np.asarray(beats, dtype=np.float64)
    intervals = np.diff(times)
    if intervals.size == 0:
        return Tempo(None, 0.0)
    rough = _commonest(intervals, SAME_BEAT)
    steps = np.rint(intervals / rough)  # 2 where a beat is missing, 0 where there is one too many
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
    """The passages of exactly constant tempo among beats (B,) that are exact to the millisecond.

    Beats in whole frames can look constant for a while by rounding: only a line through all of them
    counts.
    """
    times = np.asarray(beats, dtype=np.float64)
    passages = find_passages(times, tolerance=EXACT)
    in_frames = np.abs(times * FPS - np.rint(times * FPS)).max(initial=0) < 1e-6
    if in_frames and [(p.first, p.last) for p in passages] != [(0, len(times) - 1)]:
        return ()
    return tuple(Steady(float(times[p.first]), float(times[p.last]), p.line.bpm) for p in passages)


def _exact_tempo(passages: Sequence[Steady], seconds: float) -> float | None:
    """The tempo of passages of one tempo that last more than half of some seconds, or None."""
    lengths: dict[float, float] = {}
    for passage in passages:
        bpm = round(passage.bpm, 4)
        lengths[bpm] = lengths.get(bpm, 0.0) + passage.end - passage.start
    longest = max(lengths, key=lambda bpm: lengths[bpm], default=0.0)
    return longest if lengths.get(longest, 0.0) > seconds / 2 else None


def round_tempo(beats: Sequence[float] | Floats, tempo: Tempo | None = None) -> int | None:
    """The tempo in whole bpm.

    It is that of `tempo` in a song of constant tempo. Else it is the commonest tempo between two of
    the beats (B,), as in the reference: of equally common ones the fastest, None with one beat or
    none.
    """
    if tempo is not None and tempo.constant and tempo.bpm is not None:
        return round(tempo.bpm)
    intervals = np.diff(np.asarray(beats, dtype=np.float64))
    tempi, counts = np.unique(np.rint(60 / intervals), return_counts=True)
    return int(tempi[counts == counts.max()][-1]) if tempi.size else None


def estimate_meter(positions: Sequence[int] | NDArray[np.int64]) -> int | None:
    """The commonest number of beats from a downbeat to the next, from the positions (B,) of beats.

    Of equally common ones it is the greatest; None where no bar is complete.
    """
    downbeats = np.flatnonzero(np.asarray(positions) == 1)
    bars, counts = np.unique(np.diff(downbeats), return_counts=True)
    return int(bars[counts == counts.max()][-1]) if bars.size else None


def _commonest(values: Floats, width: float) -> float:
    """The mean of the most values that lie within a range as wide as `width` of its lower end."""
    ascending = np.sort(values)
    ends = np.searchsorted(ascending, ascending * (1 + width), side="right")
    counts = ends - np.arange(len(ascending))
    fullest = np.flatnonzero(counts == counts.max())
    first = fullest[len(fullest) // 2]  # of equally full ranges the middle one
    return float(ascending[first : ends[first]].mean())


def _periods_around(times: Floats, index: Floats) -> Floats:
    """Seconds per beat from REACH beats before to REACH beats after each interval, (B - 1,)."""
    last = len(times) - 1
    left = np.maximum(np.arange(last) - REACH, 0)
    right = np.minimum(np.arange(last) + 1 + REACH, last)
    return (times[right] - times[left]) / np.maximum(index[right] - index[left], 1)


def _common_slope(times: Floats, period: float) -> float:
    """Least squares: one slope of time over beats, and an offset for each unbroken stretch.

    A beat that is merely uneven breaks no stretch, the next ones return to the line; nor does a
    short gap of whole beats. After a pause of any other length there is a line of its own.
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
