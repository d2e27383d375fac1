"""Clicks on beats, and sounds at section boundaries.

The click of a beat has 1500 Hz, that of a downbeat 3000 Hz. Both last 0.1 s and decay by a factor
of 2^10, as in Kim & Nam's all-in-one (after librosa). The zero at the start of the sine is skipped,
so the first audible sample of a click is sample round(t * SAMPLE_RATE). A section boundary has a
rising sound before it and a falling one on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..analysis import Analysis
from ..types import SAMPLE_RATE, Segment

Samples = NDArray[np.float32]

BEAT_HZ = 1500.0
DOWNBEAT_HZ = 3000.0
CLICK_SECONDS = 0.1
CLICK_LEVEL = 0.5  # of the song's peak

RISE_SECONDS = 2.0  # shorter if the previous boundary is nearer
RISE_HZ = (180.0, 2880.0)  # four octaves
DROP_SECONDS = 0.7
DROP_HZ = (160.0, 40.0)
BOUNDARY_LEVEL = 0.4  # of the song's peak
SILENCE = 1e-3  # below this peak, clicks are as loud as in a song at full scale


@dataclass(frozen=True)
class CountIn:
    """Beats with a count-in before them.

    beats: seconds, of the count-in and the song. positions: 1 for a downbeat, then 2, 3, ...
    offset: seconds by which the song starts later.
    """

    beats: tuple[float, ...]
    positions: tuple[int, ...]
    offset: float


def render_click(beats: Sequence[float], positions: Sequence[int], *, length: int) -> Samples:
    """A click track without the song, (length,) at SAMPLE_RATE, peak below 1.

    beats: seconds, increasing; positions: 1 for a downbeat.
    """
    track = np.zeros(length, dtype=np.float32)
    for start, wave in _clicks(beats, positions, length):
        track[start : start + len(wave)] = wave
    return track


def sonify(samples: Samples, analysis: Analysis) -> Samples:
    """The song (2, S) with clicks and boundary sounds, as a new array.

    The song keeps its level, unless the mix would clip: then the whole mix is scaled down.
    """
    mixed = samples.copy()
    length = mixed.shape[1]
    peak = _peak(mixed)
    loudness = peak if peak > SILENCE else 1.0
    for start, wave in _clicks(analysis.beats, analysis.beat_positions, length):
        mixed[:, start : start + len(wave)] += CLICK_LEVEL * loudness * wave
    for start, wave in _boundaries(analysis.segments, length):
        mixed[:, start : start + len(wave)] += BOUNDARY_LEVEL * loudness * wave
    highest = _peak(mixed)
    if highest > 1:
        mixed /= highest
    return mixed


def count_in(beats: Sequence[float], positions: Sequence[int], *, bars: int) -> CountIn:
    """Add `bars` whole bars of clicks before the first beat, at the tempo of the first beats.

    Where the song begins within a bar, the missing beats of that bar are added too. A song with
    fewer than two beats has no tempo and gets no count-in.
    """
    times = np.asarray(beats, dtype=np.float64)
    if bars == 0 or len(times) < 2:
        return CountIn(tuple(beats), tuple(positions), 0.0)
    meter = max(positions)
    period = float(np.median(np.diff(times[: meter + 1])))
    count = bars * meter + positions[0] - 1
    before = times[0] - period * np.arange(count, 0, -1)
    counted = [(positions[0] - 1 - k) % meter + 1 for k in range(count, 0, -1)]
    offset = float(max(0.0, -before[0]))
    shifted = np.concatenate([before, times]) + offset
    return CountIn(tuple(shifted.tolist()), (*counted, *positions), offset)


def _clicks(
    beats: Sequence[float], positions: Sequence[int], length: int
) -> Iterator[tuple[int, Samples]]:
    """First sample and sound of each click; it ends at the next click or at the end of the song."""
    waves = {True: _click(DOWNBEAT_HZ), False: _click(BEAT_HZ)}
    starts = [round(t * SAMPLE_RATE) for t in beats]
    spans = pairwise([*starts, length])
    for (start, end), position in zip(spans, positions, strict=True):
        if 0 <= start < length:
            yield start, waves[position == 1][: max(0, min(end, length) - start)]


def _click(hz: float) -> Samples:
    size = round(CLICK_SECONDS * SAMPLE_RATE)
    phase = 2 * np.pi * hz / SAMPLE_RATE * np.arange(1, size + 1)
    return (np.sin(phase) * np.exp2(-10 * np.arange(size) / size)).astype(np.float32)


def _boundaries(segments: Sequence[Segment], length: int) -> Iterator[tuple[int, Samples]]:
    """First sample and sound of the rising and falling tone at each boundary inside the song."""
    drop = _drop()
    before = 0
    for segment in segments:
        at = round(segment.start * SAMPLE_RATE)
        if segment.label in ("start", "end") or not 0 < at < length:
            continue
        rise = _rise(min(at - before, round(RISE_SECONDS * SAMPLE_RATE)))
        yield at - len(rise), rise
        yield at, drop[: length - at]
        before = at


def _rise(size: int) -> Samples:
    """A rising tone with noise that grows louder up to its last sample."""
    x = np.arange(size) / max(size, 1)
    tone = np.sin(_phase(RISE_HZ, x))
    noise = np.diff(np.random.default_rng(0).uniform(-0.5, 0.5, size + 1))  # without bass
    return (x**2 * (0.6 * tone + 0.4 * noise)).astype(np.float32)


def _drop() -> Samples:
    """A falling tone that decays, with noise at its start."""
    size = round(DROP_SECONDS * SAMPLE_RATE)
    x = np.arange(size) / size
    tone = np.cos(_phase(DROP_HZ, x)) * np.exp2(-7 * x)
    crash = np.random.default_rng(1).uniform(-1, 1, size) * np.exp2(-14 * x)
    return (0.7 * tone + 0.3 * crash).astype(np.float32)


def _phase(hz: tuple[float, float], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Phase of a tone that moves exponentially from hz[0] to hz[1] while x goes from 0 to 1."""
    low, high = hz
    return np.cumsum(2 * np.pi * low * (high / low) ** x / SAMPLE_RATE)


def _peak(samples: Samples) -> float:
    return float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))
