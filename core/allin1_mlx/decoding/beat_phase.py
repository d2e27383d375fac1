"""Correct parts of a song whose beats lie half a beat off.

Where the music accents the offbeat, the decoder may slip by half a beat and find the beat again
later. In music, this practically never happens within one tempo. So a song is cut at each slip, and
the evidence of the whole song decides which parts move by half a beat.

Slips are found in two ways. Two neighbouring passages of the same constant tempo may lie on lines
half a beat apart. In music that is not so constant, the beats on both sides of a slip have the same
tempo, but there is half a beat too much or too little between them.

Times are seconds, increasing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..types import FPS
from .beats import PROBABLE, Beats
from .steady import Floats, Passage, same_tempo

SAME_PHASE = 0.012  # greatest distance in seconds of two lines that count as the same
OFFBEATS = 0.4  # nats by which offbeats must be more probable than the sixteenths beside them
CLEARER = 1.5  # factor between the evidence for both phases from which one is chosen
VOTERS = 16  # number of beats that decide at which position counting continues
SIDE = 24  # number of beats on each side of a slip whose tempo and phase are compared
GAP = 4  # number of beats before and after a slip that are left out
NEAR_TEMPO = 0.015  # greatest relative difference of the tempos on both sides
NEAR_HALF = 0.12  # greatest distance from half a beat, in beats
LASTING = 10  # number of neighbouring beats at which a slip must be found
AROUND = 2  # frames before and after a time in which its probability is read
LEAST = 0.05  # added to a probability before its logarithm is taken

Likely = NDArray[np.floating[Any]]  # (T,) the probability of any beat


@dataclass(frozen=True)
class Slip:
    """A place where the phase changes by half a beat.

    last, first: indices of the last beat before it and the first beat after it that are clearly in
    one of the phases. middle: the first beat that counts as after it. period: seconds per beat.
    """

    last: int
    first: int
    middle: int
    period: float

    @classmethod
    def between(cls, last: int, first: int, times: Floats, period: float) -> Slip:
        """The slip between two beats, at the most uneven interval."""
        uneven = np.abs(np.diff(times[last : first + 1]) - period)
        return cls(last, first, last + 1 + int(uneven.argmax()), period)


def unify_phase(beats: Beats, passages: tuple[Passage, ...], likely: Likely) -> Beats:
    """The beats, with one phase wherever the song keeps its tempo.

    passages: of the beats, in order. Returns `beats` itself if the phase never slips by half a
    beat, or if both phases are about as probable.
    """
    slips = find_slips(beats.times, passages, likely)
    if not slips:
        return beats
    offbeats = np.append((beats.times[1:] + beats.times[:-1]) / 2, beats.times[-1])
    contrast = _nats(beats.times, likely) - _nats(offbeats, likely)
    edges = [0, *(slip.middle for slip in slips), len(beats.times)]
    evidence = np.add.reduceat(contrast, edges[:-1])
    both = evidence[::2].sum(), evidence[1::2].sum()
    if max(both) < CLEARER * min(both):
        return beats
    wrong = int(both[0] > both[1])  # the first part that is wrong; every second one from it is too
    for part in reversed(range(wrong, len(evidence), 2)):  # backwards: indices before stay valid
        slip = slips[max(part - 1, 0)]
        anchor = slip.first if part else slip.last
        place = _position(beats, slip, after=part > 0)
        beats = _move(beats, edges[part], edges[part + 1], anchor, place, likely)
    return beats


def find_slips(times: Floats, passages: tuple[Passage, ...], likely: Likely) -> list[Slip]:
    """The slips of a song in order. Those between passages are dropped if they are found twice."""
    uneven = list(_slips_of_beats(times, likely))
    constant = [
        slip
        for slip in _slips_of_passages(times, passages, likely)
        if not any(slip.last - GAP <= other.middle <= slip.first + GAP for other in uneven)
    ]
    return sorted(uneven + constant, key=lambda slip: slip.middle)


def _slips_of_passages(
    times: Floats, passages: tuple[Passage, ...], likely: Likely
) -> Iterator[Slip]:
    """Slips between passages of one tempo whose lines lie half a beat apart."""
    for one, other in pairwise(passages):
        if not same_tempo(one.line, other.line):
            continue
        between = (times[one.last] + times[other.first]) / 2
        places = [(between - p.line.start) / p.line.period for p in (one, other)]
        halves = 2 * (places[0] - places[1])
        apart = abs(halves - round(halves)) / 2 * one.line.period
        if apart > SAME_PHASE or round(halves) % 2 == 0:
            continue
        sides = (times[p.first : p.last + 1] for p in (one, other))
        if _have_offbeats(sides, likely):
            yield Slip.between(one.last, other.first, times, one.line.period)


def _slips_of_beats(times: Floats, likely: Likely) -> Iterator[Slip]:
    """Slips at which there is half a beat too much or too little between two equal tempos."""
    reach = SIDE + GAP
    if len(times) < 2 * reach:
        return
    windows = sliding_window_view(times, SIDE)  # (n, SIDE)
    half = SIDE // 2
    periods = np.median((windows[:, half:] - windows[:, :half]) / half, axis=1)
    steps = np.arange(SIDE) - (SIDE - 1) / 2
    middles = np.median(windows - periods[:, None] * steps, axis=1)
    apart = SIDE + 2 * GAP  # number of beats from one side to the other
    period = (periods[:-apart] + periods[apart:]) / 2
    extra = (middles[apart:] - middles[:-apart]) / period % 1
    found = np.abs(extra - 0.5) < NEAR_HALF
    found &= np.abs(periods[:-apart] / periods[apart:] - 1) < NEAR_TEMPO
    edges = np.flatnonzero(np.diff(found, prepend=False, append=False)).reshape(-1, 2)
    for start, stop in edges[edges[:, 1] - edges[:, 0] >= LASTING].tolist():
        middle = (start + stop - 1) // 2 + reach
        sides = (times[middle - reach : middle - GAP], times[middle + GAP : middle + reach])
        if _have_offbeats(sides, likely):
            last, first = middle - GAP - 1, middle + GAP
            yield Slip.between(last, first, times, float(period[middle - reach]))


def _have_offbeats(sides: Iterable[Floats], likely: Likely) -> bool:
    """Whether the offbeats on both sides of a slip are probable.

    Two parts of a song may also lie half a beat apart by chance. But if the beats of each part are
    really the offbeats of the other, then both have probable offbeats.
    """
    return sum(_offbeats(times, likely) for times in sides) > 2 * OFFBEATS


def _offbeats(times: Floats, likely: Likely) -> float:
    """Mean log-probability of the offbeats, minus that of the sixteenths beside them."""
    first, gaps = times[:-1], np.diff(times)
    offbeats, *beside = (_nats(first + share * gaps, likely) for share in (0.5, 0.25, 0.75))
    return float((offbeats - (beside[0] + beside[1]) / 2).mean())


def _nats(times: Floats, likely: Likely) -> Floats:
    """The logarithm of the highest probability near each time."""
    frames = np.rint(times * FPS).astype(np.int64)[:, None] + np.arange(-AROUND, AROUND + 1)
    highest = np.nan_to_num(likely)[np.clip(frames, 0, len(likely) - 1)].max(axis=1)
    nats: Floats = np.log(highest.astype(np.float64) + LEAST)
    return nats


def _position(beats: Beats, slip: Slip, *, after: bool) -> int:
    """The position in the bar, from 0, of the beat at a slip that moves half a beat later.

    It is the first beat after the slip or else the last one before it. The count continues from the
    beats on the other side, which are right.
    """
    if after:
        right, moving, direction = slip.last, slip.first, -1
    else:
        right, moving, direction = slip.first, slip.last, 1
    voters = direction * np.arange(VOTERS)
    voters = voters[(right + voters >= 0) & (right + voters < len(beats.times))]
    meter = int(beats.positions.max())
    start = np.bincount((beats.positions[right + voters] - 1 - voters) % meter).argmax()
    moved = beats.times[moving] + slip.period / 2
    return int((start + round((moved - beats.times[right]) / slip.period)) % meter)


def _move(
    beats: Beats,
    first: int,
    stop: int,
    anchor: int,
    place: int,
    likely: Likely,
) -> Beats:
    """The beats, of which those from `first` to `stop` - 1 move by half a beat.

    place: the new position in the bar of beat `anchor`, from 0; the others are counted from it. At
    the start and the end of the song, a beat is added if it is probable.
    """
    times, positions = beats.times, beats.positions
    part = times[first:stop]
    period = float(np.median(np.diff(part)))
    offbeats = (part[1:] + part[:-1]) / 2
    moved = np.concatenate([[part[0] - period / 2], offbeats, [part[-1] + period / 2]])
    counted = (place + np.arange(len(moved)) - (anchor - first + 1)) % int(positions.max()) + 1
    before, after = times[:first], times[stop:]
    kept = np.ones(len(moved), dtype=bool)
    kept[[0, -1]] = np.exp(_nats(moved[[0, -1]], likely)) > PROBABLE
    kept &= moved >= (before[-1] + 0.75 * period if first else 0.0)
    if len(after):
        kept &= moved <= after[0] - 0.75 * period
    return Beats(
        np.concatenate([before, moved[kept], after]),
        np.concatenate([positions[:first], counted[kept], positions[stop:]]),
    )
