"""The beats of a song from the taps of a person.

Times are seconds. Taps are uneven by about 20 ms, and some are missing. The detected beats are
steady, but may be twice or half as fast, or off the beat. So the taps decide which beats exist.
Where taps and detection agree, the detected beats give the exact times.
"""

from __future__ import annotations

import math
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from ..errors import EditError
from ..types import MOST_BEATS
from .fields import FASTEST, SLOWEST

NEAR = 1 / 8  # of a beat: a tap this close to a detected beat refers to that beat
AGREEING = 0.75  # share of beats that taps and detection must have in common
AROUND = 4  # beats on each side of a beat whose taps are averaged
PATIENCE = 0.1  # share of each deviation by which the period follows the detected beats
LONGEST = 5_000  # most beats from the first tap to the last

Times = NDArray[np.float64]


def follow_taps(taps: Times, detected: Times, duration: float) -> Times:
    """Beats (B,) of the whole song from increasing taps (N,) and detected beats (M,).

    With an infinite duration, the beats end with the last tap or detected beat. Raises EditError if
    the taps give no tempo.
    """
    tapped, guide, period = _place_taps(taps, detected, duration)
    last = duration if np.isfinite(duration) else max([tapped[-1], *detected[-1:]])
    if last / period > MOST_BEATS:
        raise EditError("the song is too long for beats this close together")
    before = _go_on(-tapped[0], period, -guide[::-1], 0.0)
    after = _go_on(tapped[-1], period, guide, last)
    times = np.concatenate([-before[::-1], tapped, after])
    return times[(times >= 0) & (times <= last)]


def retime_passage(taps: Times, detected: Times, duration: float) -> Times:
    """Beats (B,) from the first to the last of increasing taps (N,).

    Raises EditError if the taps give no tempo.
    """
    tapped, _, _ = _place_taps(taps, detected, duration)
    return tapped[(tapped >= 0) & (tapped <= duration)]


def _place_taps(taps: Times, detected: Times, duration: float) -> tuple[Times, Times, float]:
    """The tapped beats (B,), the detected beats that agree with them (M,), and the period."""
    if taps[-1] > duration:
        raise EditError(f"the tap at {taps[-1]:.3f} s is beyond the end of the song")
    index, once = _count(taps)
    period = float((once[-1] - once[0]) / index[-1])
    if period > 60 / SLOWEST:
        raise EditError(f"one tap in {period:.2f} s is a tempo below {SLOWEST} BPM")
    if period < 60 / FASTEST:
        raise EditError(f"one tap in {period:.2f} s gives no tempo; tap once a beat")
    if index[-1] > LONGEST:
        raise EditError("the song is too long for beats this close together")
    tapped = _smooth(index, once)
    guide = detected if _agree(tapped, detected, NEAR * period) else detected[:0]
    nearest = _nearest(tapped, guide)
    tapped = np.where(np.abs(nearest - tapped) <= NEAR * period, nearest, tapped)
    if (np.diff(tapped) < period / 2).any():  # too uneven: use a constant tempo
        tapped = np.linspace(once[0], once[-1], int(index[-1]) + 1)
    return tapped, guide, period


def _count(taps: Times) -> tuple[Times, Times]:
    """The beat number and the time of each tap (N,); of two taps on one beat, only one is kept."""
    usual = np.median(np.diff(taps))
    once = taps[np.insert(np.diff(taps) >= usual / 2, 0, True)]
    steps = np.maximum(np.rint(np.diff(once) / usual), 1)
    return np.concatenate([[0], steps.cumsum()]), once


def _smooth(index: Times, taps: Times) -> Times:
    """The time of each beat, on a straight line through the taps around it."""
    beats = np.arange(index[-1] + 1)
    first = np.searchsorted(index, beats - AROUND, side="left")
    stop = np.searchsorted(index, beats + AROUND, side="right")
    alone = stop - first < 2  # in a long gap between taps, use all taps
    first[alone], stop[alone] = 0, index.size

    def mean(values: Times) -> Times:
        """The mean of some values of the taps around each beat."""
        sums = np.concatenate([[0.0], values.cumsum()])
        return (sums[stop] - sums[first]) / (stop - first)

    x, y = mean(index), mean(taps)
    slope = (mean(index * taps) - x * y) / (mean(index**2) - x**2)
    return y + slope * (beats - x)


def _agree(tapped: Times, detected: Times, near: float) -> bool:
    """Whether most tapped beats were detected, or most detected ones tapped (twice the tempo)."""
    during = detected[(detected > tapped[0] - near) & (detected < tapped[-1] + near)]
    if not during.size:
        return False
    tapped_share = np.mean(np.abs(_nearest(tapped, during) - tapped) <= near)
    detected_share = np.mean(np.abs(_nearest(during, tapped) - during) <= near)
    return bool(max(tapped_share, detected_share) >= AGREEING)


def _nearest(times: Times, candidates: Times) -> Times:
    """The candidate nearest to each time; infinite if there are no candidates."""
    padded = np.concatenate([[-np.inf], candidates, [np.inf]])
    right = np.searchsorted(padded, times, side="left")
    below, above = padded[right - 1], padded[right]
    return np.where(times - below <= above - times, below, above)


def _go_on(time: float, period: float, detected: Times, last: float) -> Times:
    """Beats after `time`, up to `last`, whose period follows the detected beats."""
    beats = []
    pace = period
    seen = [-math.inf, *detected.tolist(), math.inf]
    while (expected := time + pace) <= last:
        after = bisect_left(seen, expected)
        below, above = seen[after - 1], seen[after]
        nearest = below if expected - below <= above - expected else above
        if abs(nearest - expected) <= NEAR * pace:
            pace = min(max(pace + PATIENCE * (nearest - expected), period / 2), period * 2)
            expected = nearest
        beats.append(expected)
        time = expected
    return np.array(beats)
