"""Passages of constant tempo: straight lines through the measured times of beats.

Music made by a machine or to a click follows `start + n * period` exactly. Notes that are played
early or late, and accents mistaken for beats, lie off the line and must not bend it. So a line is
judged by its *support*: the beats within TOLERANCE of it. A passage is the run of beats with the
largest sum of (support - share). A break without support is bridged if both sides lie on the same
line. The least share and the least sum are chosen so that playing without a click does not reach
them.

Players who follow a click are loose: their single beats rarely lie within TOLERANCE, but averages
over a few beats do. So lines are searched in both, in averages with greater demands, because
neighbouring averages share most of their beats.

Times are seconds, increasing. Beats are numbered by whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.003  # seconds from the line within which a measured beat supports it
FEWEST = 16  # beats of the shortest passage
FEWEST_TYPED = 60  # beats from which a whole number of BPM is unlikely to be a coincidence
SEEDS = (64, 32, 16)  # lengths in beats of the stretches in which lines are searched
SEED_SHARE = 0.4  # support that a line needs in such a stretch
FIT_ROUNDS = 5
FAR = 0.006  # seconds: a beat at this distance from the line has a quarter of its weight
BRIDGE = 96  # most beats by which a passage is extended in one step
STEPS = (1.0, 0.5, 0.1, 0.01)  # BPM: a tempo typed into a machine is a multiple of one of these
TYPED = 0.002  # most seconds by which a typed tempo may move the ends of its passage
TYPED_WHOLE = 0.005  # the same for a whole number of BPM in a passage of LONG_TYPED beats
LONG_TYPED = 150
SAME_TEMPO = 0.002  # greatest relative difference of two tempos that count as the same
SURE = 2.5  # most standard errors between a typed and the measured tempo

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Line:
    """A grid of constant tempo: beat n is at `start + n * period`, in seconds."""

    start: float
    period: float

    @property
    def bpm(self) -> float:
        """Beats per minute."""
        return 60 / self.period

    def at(self, n: Ints) -> Floats:
        """The times of the beats n."""
        return np.asarray(self.start + n * self.period, dtype=np.float64)

    def number(self, times: Floats) -> Ints:
        """The number of the beat nearest to each time."""
        return np.rint((times - self.start) / self.period).astype(np.int64)


def same_tempo(one: Line, other: Line) -> bool:
    """Whether two lines have the same tempo, as exactly as it can be measured."""
    return abs(other.period / one.period - 1) < SAME_TEMPO


@dataclass(frozen=True)
class Evidence:
    """What is needed of a constant passage.

    tolerance: greatest distance in seconds of a supporting time from the line. share: of the beats,
    the support that a line through uneven playing gets by chance. enough: lowest sum of (support -
    share). enough_typed: the same if the tempo is a whole number of BPM, which is evidence too.
    shared: number of beats that one time is computed from.
    """

    tolerance: float
    share: float
    enough: float
    enough_typed: float
    shared: int


SINGLE = Evidence(tolerance=TOLERANCE, share=0.3, enough=12.0, enough_typed=7.0, shared=1)
AVERAGED = Evidence(tolerance=0.005, share=0.5, enough=32.0, enough_typed=32.0, shared=8)


@dataclass(frozen=True)
class Passage:
    """A run of beats that follows a line.

    first, last: indices of its beats, both included. share: the share of them that supports `line`.
    """

    first: int
    last: int
    line: Line
    share: float


def find_passages(
    times: Floats,
    *,
    known: tuple[Passage, ...] = (),
    evidence: Evidence = SINGLE,
) -> tuple[Passage, ...]:
    """Find the passages of constant tempo, in order and without overlap.

    times: (B,) measured times of the beats; some may be wrong, missing or superfluous.
    known: passages that were found before; they are returned too.
    """
    free = np.ones(len(times), dtype=bool)
    for passage in known:
        free[passage.first : passage.last + 1] = False
    found = list(known)
    for length in SEEDS:
        seeds = sorted(
            _seeds(times, free, length, evidence.tolerance), key=lambda seed: -seed.share
        )
        for seed in seeds:
            if not free[seed.first : seed.last + 1].all():
                continue
            grown = _grow(seed, times, free, evidence)
            if grown is not None:
                found.append(grown)
                free[grown.first : grown.last + 1] = False
    return tuple(sorted(found, key=lambda passage: passage.first))


def _seeds(times: Floats, free: Bools, length: int, tolerance: float) -> Iterator[Passage]:
    """The best line in each stretch of free beats, if it has enough support."""
    for first in range(0, len(times) - min(length, len(times)) + 1, max(length // 2, 1)):
        stretch = slice(first, first + length)
        count = len(times[stretch])
        if count < FEWEST or not free[stretch].all():
            continue
        line, share = _best_line(times[stretch], tolerance)
        if share >= SEED_SHARE:
            shifted = Line(line.start - first * line.period, line.period)
            yield Passage(first, first + count - 1, shifted, share)


def _best_line(times: Floats, tolerance: float) -> tuple[Line, float]:
    """The line through two of the beats (B,) that has the most support, and its share of beats."""
    number = np.arange(len(times))
    pairs = np.array(np.triu_indices(len(times), len(times) // 2))
    left, right = pairs[:, :: max(1, pairs.shape[1] // 256)]
    periods = (times[right] - times[left]) / (right - left)
    starts = times[left] - periods * left
    near = np.abs(starts[:, None] + periods[:, None] * number - times) <= tolerance
    best = int(near.sum(axis=1).argmax())
    return Line(float(starts[best]), float(periods[best])), float(near[best].mean())


def _grow(seed: Passage, times: Floats, free: Bools, evidence: Evidence) -> Passage | None:
    """Extend a line in both directions while it has support; None if the support is too small."""
    first, last, line = seed.first, seed.last, seed.line
    score = 0.0
    for _ in range(32):
        reach = min(last - first + 1, BRIDGE)
        low, high = max(first - reach, 0), min(last + reach, len(times) - 1)
        # Beats of other passages end the range.
        taken = np.flatnonzero(~free[low : high + 1]) + low
        low = max([low, *(taken[taken < first] + 1)[-1:].tolist()])
        high = min([high, *(taken[taken > last] - 1)[:1].tolist()])
        near = support(line, times[low : high + 1], evidence.tolerance)
        start, stop, score = _best_run(near - evidence.share)
        if stop - start < FEWEST:
            return None
        line = _fit(line, times[low : high + 1][start:stop][near[start:stop]])
        grown = (low + start, low + stop - 1)
        if grown == (first, last):
            break
        first, last = grown
    near = support(line, times[first : last + 1], evidence.tolerance)
    line = type_tempo(line, times[first : last + 1][near], shared=evidence.shared)
    whole = abs(line.bpm - round(line.bpm)) < 1e-6 and last - first >= FEWEST_TYPED
    if score < (evidence.enough_typed if whole else evidence.enough):
        return None
    return Passage(first, last, line, float(near.mean()))


def support(line: Line, times: Floats, tolerance: float = TOLERANCE) -> Bools:
    """(B,) True for beats near the line whose neighbour, before or after, is one beat away."""
    number = line.number(times)
    single = np.diff(number) == 1
    beside = np.append(single, False) | np.insert(single, 0, False)
    near: Bools = (np.abs(times - line.at(number)) <= tolerance) & beside
    return near


def _best_run(values: NDArray[np.floating[Any]]) -> tuple[int, int, float]:
    """The run [start, stop) with the largest sum, and that sum (Kadane's algorithm)."""
    sums = np.insert(values.cumsum(), 0, 0.0)
    lowest = np.minimum.accumulate(sums)
    stop = int((sums - lowest).argmax())
    start = int(sums[: stop + 1].argmin())
    return start, stop, float(sums[stop] - sums[start])


def settle(passage: Passage, onset: Floats, activation: Floats) -> Passage:
    """Fit the line again to both measured times of all beats (B,) of the passage.

    Beats far from the line lose their weight. `share` becomes the share of onsets on the line.
    """
    inside = slice(passage.first, passage.last + 1)
    times = np.concatenate([onset[inside], activation[inside]])
    line = passage.line
    for _ in range(FIT_ROUNDS):
        distance = times - line.at(line.number(times))
        line = _fit(line, times, weights=1 / (1 + (distance / FAR) ** 2) ** 2)
    near = np.abs(times - line.at(line.number(times))) <= FAR
    if near.sum() > 1:
        line = type_tempo(line, times[near], shared=AVERAGED.shared)
    share = float(support(line, onset[inside]).mean())
    return replace(passage, line=line, share=share)


def _fit(line: Line, times: Floats, *, weights: Floats | None = None) -> Line:
    """Fit a line by least squares to the beats, numbered by `line`."""
    number = line.number(times).astype(np.float64)
    if len(times) < 2:
        return line
    centre, middle = np.average([number, times], axis=1, weights=weights)
    spread = number - centre
    weighted = spread if weights is None else spread * weights
    period = float(weighted @ (times - middle) / (weighted @ spread))
    return Line(float(middle - period * centre), period)


def type_tempo(line: Line, times: Floats, *, shared: int = 1) -> Line:
    """The line with the roundest tempo that fits the beats; `line` itself if none fits.

    times: (B,) the beats that support the line, at least two. shared: as in Evidence.
    """
    number = line.number(times).astype(np.float64)
    spread = number - number.mean()
    rest = times - line.start - number * line.period
    size = float(np.sqrt(spread @ spread))
    error = float(rest.std()) / size * shared**0.5 if len(times) > 2 else 0.0
    half = max(float(np.ptp(number)) / 2, 1.0)
    for step in STEPS:
        bpm = round(60 / line.period / step) * step
        most = TYPED_WHOLE if step == 1.0 and 2 * half >= LONG_TYPED else TYPED
        if bpm > 0 and abs(60 / bpm - line.period) <= max(most / half, SURE * error):
            period = 60 / bpm
            return Line(float((times - number * period).mean()), period)
    return line
