"""Beats and sections made audible.

A beat is a click of 1500 Hz, a downbeat one of 3000 Hz, both 0.1 s long and dying away by a factor
of 2^10, as in Kim & Nam's all-in-one (which has them from librosa). The sine's zero at its start
is left out: the first sample of a click sounds, and it is the one at round(t * SAMPLE_RATE).
A section boundary has a rising sound before it and a drop on it.
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

RISE_SECONDS = 2.0  # or from the boundary before, where that is nearer
RISE_HZ = (180.0, 2880.0)  # four octaves
DROP_SECONDS = 0.7
DROP_HZ = (160.0, 40.0)
BOUNDARY_LEVEL = 0.4  # of the song's peak
SILENCE = 1e-3  # a song below this peak gets clicks as loud as one at full scale


@dataclass(frozen=True)
class CountIn:
    """Beats with a count-in before them.

    beats: seconds, the song's own and the count-in's; positions: 1 for a downbeat, then 2, 3, ...
    offset: seconds by which the song itself starts later than before.
    """

    beats: tuple[float, ...]
    positions: tuple[int, ...]
    offset: float


def render_click(beats: Sequence[float], positions: Sequence[int], *, length: int) -> Samples:
    """A click track alone, (length,) at SAMPLE_RATE, peak below 1.

    beats: seconds, increasing; positions: 1 for a downbeat.
    """
    track = np.zeros(length, dtype=np.float32)
    for start, wave in _clicks(beats, positions, length):
        track[start : start + len(wave)] = wave
    return track


def sonify(samples: Samples, analysis: Analysis) -> Samples:
    """The song (2, S) with its beats and section boundaries, as a new array.

    It is as loud as the song, unless it would clip: then all of it is scaled down.
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
    """Put `bars` whole bars of clicks, at the pace of the first beats, before the first beat.

    Where the song begins amid a bar, the beats before its pickup are counted as well. A song
    without two beats has no pace and gets no count-in.
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
    """First sample and sound of each click; each ends where the next begins, or the song."""
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
    """First sample and sound of the rise and the drop at each boundary within the song."""
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
    """A tone that climbs and swells with a breath of noise, up to its last sample."""
    x = np.arange(size) / max(size, 1)
    tone = np.sin(_phase(RISE_HZ, x))
    breath = np.diff(np.random.default_rng(0).uniform(-0.5, 0.5, size + 1))  # its bass removed
    return (x**2 * (0.6 * tone + 0.4 * breath)).astype(np.float32)


def _drop() -> Samples:
    """A tone that falls and dies away, with a crash at its start."""
    size = round(DROP_SECONDS * SAMPLE_RATE)
    x = np.arange(size) / size
    tone = np.cos(_phase(DROP_HZ, x)) * np.exp2(-7 * x)
    crash = np.random.default_rng(1).uniform(-1, 1, size) * np.exp2(-14 * x)
    return (0.7 * tone + 0.3 * crash).astype(np.float32)


def _phase(hz: tuple[float, float], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Phase of a tone that glides exponentially from hz[0] to hz[1] while x goes from 0 to 1."""
    low, high = hz
    return np.cumsum(2 * np.pi * low * (high / low) ** x / SAMPLE_RATE)


def _peak(samples: Samples) -> float:
    return float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))
