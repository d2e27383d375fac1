"""Onsets: a compact envelope of the song, rises in energy, and the onsets of decoded beats.

The network's frames are 10 ms apart and its beats are a few milliseconds late. The envelope holds
the energy of three frequency bands every 64 samples (1.45 ms), so that a beat can move to the
attack of a drum or note. It is computed in one pass over blocks of samples and takes about 2 kB per
second of music. Times are seconds from the first sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, SAMPLE_RATE

HOP = 64  # samples between consecutive values of the envelope
HOP_SECONDS = HOP / SAMPLE_RATE
FINE = 8  # samples that are averaged for the middle band
LOW_DECAY = 8  # number of values for which a peak of the low band is held: a kick swings slowly
STEPS_PER_DOUBLING = 6  # stored levels per doubling of the energy
FLOOR = 2.0**-36  # energy of the lowest level, near the rounding error of 16-bit samples
AFTER, BEFORE = 3, 8  # number of values that are averaged after and before an onset
QUIET = 0.003  # share of the loud energy that is added to both means: it hides smaller rises
LOUD = 0.95  # quantile of a band's energies that is its loud energy
WEIGHTS = (1.0, 0.8, 0.8)  # of the low, middle and high band in the strength of an onset
NEIGHBOURS = 3  # frames before and after a peak from which its time between frames is computed
REACH = 0.04  # seconds before and after an activation in which its onset is searched
SPREAD = 0.012  # standard deviation of onsets around activations, seconds
LOUDEST = 6.0  # nats: larger rises are clipped to this

Floats = NDArray[np.float64]
Samples = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class OnsetEnvelope:
    """Energy of the low, middle and high band over time.

    levels: (3, N) uint8, in steps of a sixth of a doubling above FLOOR. Value i covers the samples
    from HOP * i to HOP * (i + 1) - 1.
    """

    levels: NDArray[np.uint8]

    @property
    def energies(self) -> NDArray[np.float32]:
        """(3, N) the energies."""
        table = (FLOOR * np.exp2(np.arange(256) / STEPS_PER_DOUBLING)).astype(np.float32)
        table[0] = 0
        return table[self.levels]


def measure_onsets(blocks: Iterable[Samples]) -> OnsetEnvelope:
    """Compute the envelope of a song.

    blocks: consecutive samples (channels, n) at SAMPLE_RATE; n may differ between blocks.
    """
    meter = OnsetMeter()
    for block in blocks:
        meter.add(block.mean(axis=0, dtype=np.float32))
    return meter.envelope


class OnsetMeter:
    """Measures the envelope of a song that arrives block by block."""

    def __init__(self) -> None:
        self._levels = [np.zeros((3, 0), np.uint8)]
        self._rest = np.zeros(0, np.float32)
        self._last = np.zeros(2, np.float32)  # the last sample and the last of the middle band
        self._held = np.zeros(LOW_DECAY - 1, np.float32)

    @property
    def envelope(self) -> OnsetEnvelope:
        """The envelope of all blocks so far."""
        return OnsetEnvelope(np.concatenate(self._levels, axis=1))

    def add(self, block: NDArray[np.float32]) -> None:
        """Measure mono samples (n,); n may differ between blocks."""
        mono = np.concatenate([self._rest, block])
        whole = len(mono) // HOP * HOP
        self._rest = mono[whole:]
        if whole:
            energies, self._last, self._held = _measure(mono[:whole], self._last, self._held)
            self._levels.append(_quantise(energies))


def _measure(
    mono: NDArray[np.float32], last: NDArray[np.float32], held: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Energies (3, n) of whole hops, and `last` and `held` for the next block."""
    fine = mono.reshape(-1, FINE) @ np.full(FINE, 1 / FINE, np.float32)
    per_hop = HOP // FINE
    coarse = fine.reshape(-1, per_hop) @ np.full(per_hop, 1 / per_hop, np.float32)
    low = np.concatenate([held, np.square(coarse)])
    peaks = np.lib.stride_tricks.sliding_window_view(low, LOW_DECAY).max(axis=1)
    middle = np.diff(fine, prepend=last[1]).reshape(-1, per_hop)
    high = np.diff(mono, prepend=last[0]).reshape(-1, HOP)
    energies = np.stack(
        [
            peaks,
            np.einsum("ij,ij->i", middle, middle) / per_hop,
            np.einsum("ij,ij->i", high, high) / HOP,
        ]
    )
    return energies, np.array([mono[-1], fine[-1]]), low[1 - LOW_DECAY :]


def _quantise(energies: NDArray[np.float32]) -> NDArray[np.uint8]:
    doublings = np.log2(np.maximum(energies, FLOOR) / FLOOR)
    return np.minimum(np.rint(STEPS_PER_DOUBLING * doublings), 255).astype(np.uint8)


def rises(envelope: OnsetEnvelope, times: Floats, *, reach: float) -> tuple[Floats, Floats]:
    """Measure how much the energy rises near each time.

    times: (B,) seconds. reach: seconds before and after each time.
    Returns offsets (W,) in seconds, one hop apart, and strengths (B, W) in nats, at least 0, summed
    over the bands with WEIGHTS. The strength at an offset compares the energy after and before the
    edge between hops that is nearest to `time + offset`.
    """
    side = int(np.ceil(reach / HOP_SECONDS))
    shifts = np.arange(-side, side + 1)
    offsets: Floats = shifts * np.float64(HOP_SECONDS)
    N = envelope.levels.shape[1]
    if not N:
        return offsets, np.zeros((len(times), len(shifts)))
    energies = envelope.energies
    loud = np.quantile(energies[:, ::7], LOUD, axis=1)
    sums = np.zeros((3, N + 1))
    np.cumsum(energies, axis=1, out=sums[:, 1:], dtype=np.float64)
    edges = np.rint(times / HOP_SECONDS).astype(np.int64)[:, None] + shifts
    middle = np.clip(edges, 0, N)
    after = (sums[:, np.clip(edges + AFTER, 0, N)] - sums[:, middle]) / AFTER
    before = (sums[:, middle] - sums[:, np.clip(edges - BEFORE, 0, N)]) / BEFORE
    quiet = (QUIET * loud + FLOOR)[:, None, None]
    rise = np.log((np.maximum(after, 0) + quiet) / (np.maximum(before, 0) + quiet))
    strength: Floats = np.tensordot(WEIGHTS, np.maximum(rise, 0), axes=1)
    return offsets, strength


@dataclass(frozen=True, eq=False)
class MeasuredBeats:
    """Two measured times (B,) of each beat, in seconds.

    activation: the peak of the activation, with the song's delay removed. onset: the onset near it.
    """

    activation: Floats
    onset: Floats


def measure_beats(
    times: Floats, activation: NDArray[np.floating[Any]], envelope: OnsetEnvelope
) -> MeasuredBeats:
    """Measure, for each beat, the activation's peak between frames and the onset that fits it best.

    times: (B,) of decoded beats, in seconds. activation: (T,) probability of any beat.
    """
    frames = np.rint(times * FPS).astype(np.int64)
    steps = np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    around = activation[np.clip(frames[:, None] + steps, 0, len(activation) - 1)].astype(np.float64)
    above = around - around.min(axis=1, keepdims=True) + 1e-6
    peaks = (frames + above @ steps / above.sum(axis=1)) / FPS
    offsets, strength = rises(envelope, peaks, reach=REACH)
    strength = np.minimum(strength, LOUDEST)
    profile = strength.mean(axis=0)
    # A delay is removed only if the beats agree on it: a flat profile has none.
    delay = float(offsets[profile.argmax()]) if profile.max() > 2 * np.median(profile) else 0.0
    fitting = strength * np.exp(-0.5 * ((offsets - delay) / SPREAD) ** 2)
    best = np.clip(fitting.argmax(axis=1), 1, len(offsets) - 2)
    rows = np.arange(len(times))
    left, top, right = (fitting[rows, best + step] for step in (-1, 0, 1))
    bend = np.minimum(left - 2 * top + right, -1e-9)
    between = np.clip((left - right) / (2 * bend), -0.5, 0.5)
    has_onset = top > 0
    onset = np.where(has_onset, offsets[best] + between * HOP_SECONDS, delay)
    # Offsets were measured from the nearest hop, not from the peak itself.
    rounding = np.rint(peaks / HOP_SECONDS) * HOP_SECONDS - peaks
    return MeasuredBeats(peaks + delay, peaks + onset + np.where(has_onset, rounding, 0.0))
