"""A smooth curve through the measured times of beats, and how far the playing leaves it.

Each beat is measured twice: the peak of its activation and the onset near it. The curve follows
slow changes of the tempo and ignores outliers. Times are seconds, increasing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CURVE_BEATS, CURVE_SPREAD = 8, 3.5  # reach and standard deviation of the local curve, in beats
CURVE_ROUNDS = 4
ACTIVATION_ERROR, ONSET_ERROR = 0.006, 0.004  # typical distance from the local curve, seconds
LEAST_ERROR = 0.004  # seconds: the errors of measured beats are not estimated to be lower
LOOSE = 0.004  # seconds: one player's usual distance from the beat that all players share
PLAYED = 0.9  # share of a distance that both measurements have that is played, not their error
UNEVEN_BEATS = 24  # standard deviation of the window in which the unevenness is measured
FARTHEST = 0.04  # seconds: greater distances from the curve count as this when it is measured

Floats = NDArray[np.float64]


def draw_curve(activation: Floats, onset: Floats) -> Floats:
    """(B,) times on a smooth local curve through the beats.

    The curve is a parabola, fitted to CURVE_BEATS beats before and after each beat by weighted
    least squares. In each round, values far from the curve lose weight (Cauchy weights).
    """
    B = len(activation)
    steps = np.arange(-CURVE_BEATS, CURVE_BEATS + 1)
    places = np.arange(B)[:, None] + steps
    outside = (places < 0) | (places >= B)
    places = np.clip(places, 0, B - 1)
    values = np.stack([activation[places], onset[places]], axis=2) - activation[:, None, None]
    errors = np.array([ACTIVATION_ERROR, ONSET_ERROR])
    kernel = np.exp(-0.5 * (steps / CURVE_SPREAD) ** 2)
    base = np.where(outside, 0, kernel)[:, :, None] / errors**2
    x = steps / CURVE_SPREAD
    basis = np.stack([np.ones_like(x), x, x**2])
    weights, fitted = base, np.zeros((B, len(steps)))
    ridge = np.diag([1e-6, 1e-4, 0.05]) * base.sum() / B
    for _ in range(CURVE_ROUNDS):
        sums = weights.sum(axis=2)
        normal = np.einsum("bw,iw,jw->bij", sums, basis, basis) + ridge
        right = np.einsum("bw,iw->bi", (weights * values).sum(axis=2), basis)
        solution = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
        fitted = solution @ basis
        weights = base / (1 + ((values - fitted[:, :, None]) / (2 * errors)) ** 2)
    return activation + solution[:, 0]


def leave_curve(curve: Floats, activation: Floats, onset: Floats) -> Floats:
    """(B,) the curve, moved towards the measured beats where the playing is uneven.

    The two measurements of a beat have independent errors. If both differ from the curve in the
    same way, the beat was played there. So the covariance of their distances from the curve is the
    variance of the playing, and the rest of each variance is the error of that measurement. All are
    measured in a window around each beat. The distance is estimated by a Wiener filter.
    """
    peak, attack = activation - curve, onset - curve
    common = _local_mean(np.clip(peak * attack, -(FARTHEST**2), FARTHEST**2))
    peak_error, attack_error = (
        np.maximum(_local_mean(np.minimum(d**2, FARTHEST**2)) - common, LEAST_ERROR**2)
        for d in (peak, attack)
    )
    distance = (peak / peak_error + attack / attack_error) / (1 / peak_error + 1 / attack_error)
    error = 1 / (1 / peak_error + 1 / attack_error)
    playing = PLAYED * np.maximum(common - LOOSE**2, 0)
    share: Floats = playing / (np.maximum(common, 0) + error)
    return curve + share * distance


def _local_mean(values: Floats) -> Floats:
    """(B,) means in a window of UNEVEN_BEATS around each beat."""
    reach = 3 * UNEVEN_BEATS
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / UNEVEN_BEATS) ** 2)
    sums, counts = (np.convolve(v, window)[reach:-reach] for v in (values, np.ones_like(values)))
    return sums / counts
