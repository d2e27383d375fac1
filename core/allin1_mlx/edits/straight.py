"""A constant tempo through the beats of a song.

Times are seconds, increasing. The line is fitted to the beats near it, so missing and wrong beats
do not change it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..decoding.tempo import estimate_tempo

ROUNDS = 5  # rounds of fitting a line and leaving out the beats far from it
FAR = 1 / 8  # of a beat
TYPED = 0.02  # seconds at the end of the song: a whole tempo is used if it is off by less
IN_STEP = 0.5  # length of the mean phase from which beats count as following the period

Times = NDArray[np.float64]


def straighten(times: Times, bpm: float | None) -> Times:
    """Beats (B,) at a constant tempo from the first to the last of some beats (N,), N > 1.

    bpm: beats per minute; None for the tempo that fits best.
    """
    period = 60 / bpm if bpm is not None else _fit_period(times)
    phase = _fit_phase(times, period)
    first = np.rint((times[0] - phase) / period)
    last = np.rint((times[-1] - phase) / period)
    return phase + period * np.arange(first, last + 1)


def _fit_period(times: Times) -> float:
    """Seconds per beat of the line that fits most beats; a whole tempo if that fits too."""
    estimate = estimate_tempo(times).bpm
    period = 60 / estimate if estimate else float(np.median(np.diff(times)))
    for _ in range(ROUNDS):
        phase = _fit_phase(times, period)
        index = np.rint((times - phase) / period)
        near = np.abs(times - phase - index * period) <= FAR * period
        if np.unique(index[near]).size < 3:
            break
        period = float(np.polyfit(index[near], times[near], 1)[0])
    whole = 60 / max(round(60 / period), 1)
    beats = (times[-1] - times[0]) / period
    return whole if abs(whole - period) * beats <= TYPED else period


def _fit_phase(times: Times, period: float) -> float:
    """The time of one beat of the grid with this period that fits most beats.

    If the beats do not follow the period, it is the time of the first beat.
    """
    mean = np.exp(2j * np.pi * times / period).mean()
    if abs(mean) < IN_STEP:
        return float(times[0])
    phase = float(np.angle(mean)) / (2 * np.pi) * period
    errors = (times - phase + period / 2) % period - period / 2
    near = errors[np.abs(errors) <= FAR * period]
    return phase + float(np.median(near)) if near.size else phase
