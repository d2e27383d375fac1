"""Correct passages whose beats lie half a beat off, in songs of constant tempo.

Where the music accents the offbeat, the decoder may lose half a beat and find it again later. In
music, this practically never happens within one tempo. So if two neighbouring passages have the
same constant tempo and their lines lie half a beat apart, one of them is wrong. The song is cut
between them, and the evidence of the whole song decides which parts move by half a beat.

Times are seconds, increasing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS
from .beats import PROBABLE, Beats
from .steady import Floats, Line, Passage, same_tempo

SAME_PHASE = 0.012  # greatest distance in seconds of two lines that count as the same
OFFBEATS = 0.4  # nats by which offbeats must be more probable than the sixteenths beside them
AROUND = 2  # frames before and after a time in which its probability is read
CLEARER = 1.5  # factor between the evidence for both phases from which one is chosen
VOTERS = 16  # number of beats that decide at which position counting continues
LEAST = 0.05  # added to a probability before its logarithm is taken


def unify_phase(
    beats: Beats, passages: tuple[Passage, ...], likely: NDArray[np.floating[Any]]
) -> Beats:
    """The beats, with one phase wherever the song keeps one constant tempo.

    passages: of the beats, in order. likely: (T,) the probability of any beat. Returns `beats`
    itself if its phase never jumps by half a beat, or if both phases are about as probable.
    """
    jumps = [pair for pair in pairwise(passages) if _jumps(*pair, beats.times, likely)]
    if not jumps:
        return beats
    offbeats = np.append((beats.times[1:] + beats.times[:-1]) / 2, beats.times[-1])
    contrast = _nats(beats.times, likely) - _nats(offbeats, likely)
    edges = [0, *((one.last + other.first) // 2 + 1 for one, other in jumps), len(beats.times)]
    evidence = np.add.reduceat(contrast, edges[:-1])
    both = evidence[::2].sum(), evidence[1::2].sum()
    if max(both) < CLEARER * min(both):
        return beats
    wrong = int(both[0] > both[1])  # the first part that is wrong; every second one from it is too
    for part in reversed(range(wrong, len(evidence), 2)):  # backwards: indices before stay valid
        one, other = jumps[max(part - 1, 0)]
        right, anchor = (one, other.first) if part else (other, one.last)
        place = _position(beats, right, anchor)
        beats = _move(beats, edges[part], edges[part + 1], anchor, place, likely)
    return beats


def _jumps(one: Passage, other: Passage, times: Floats, likely: NDArray[np.floating[Any]]) -> bool:
    """Whether the phase jumps by half a beat between two passages of one tempo.

    Two lines may also lie half a beat apart by chance. But if the beats of each line are really the
    offbeats of the other, then they are also probable where the other line continues.
    """
    if not same_tempo(one.line, other.line):
        return False
    between = (times[one.last] + times[other.first]) / 2
    halves = 2 * (_place(one.line, between) - _place(other.line, between))
    apart = abs(halves - round(halves)) / 2 * one.line.period
    if apart > SAME_PHASE or round(halves) % 2 == 0:
        return False
    return _offbeats(one, times, likely) + _offbeats(other, times, likely) > 2 * OFFBEATS


def _place(line: Line, time: float) -> float:
    return (time - line.start) / line.period


def _offbeats(passage: Passage, times: Floats, likely: NDArray[np.floating[Any]]) -> float:
    """Mean log-probability of a passage's offbeats, minus that of the sixteenths beside them."""
    first, last = passage.line.number(times[[passage.first, passage.last]])
    offbeats = passage.line.at(np.arange(first, last)) + passage.line.period / 2
    sixteenth = passage.line.period / 4
    beside = _nats(offbeats - sixteenth, likely) + _nats(offbeats + sixteenth, likely)
    return float((_nats(offbeats, likely) - beside / 2).mean())


def _nats(times: Floats, likely: NDArray[np.floating[Any]]) -> Floats:
    """The logarithm of the highest probability near each time."""
    frames = np.rint(times * FPS).astype(np.int64)[:, None] + np.arange(-AROUND, AROUND + 1)
    highest = np.nan_to_num(likely)[np.clip(frames, 0, len(likely) - 1)].max(axis=1)
    nats: Floats = np.log(highest.astype(np.float64) + LEAST)
    return nats


def _position(beats: Beats, right: Passage, anchor: int) -> int:
    """The position in the bar, from 0, of beat `anchor` when it has moved half a beat later.

    It is counted from the nearest beats of a right passage on the same line.
    """
    inside = slice(right.first, right.last + 1)
    near = slice(-VOTERS, None) if anchor > right.last else slice(VOTERS)
    numbers = right.line.number(beats.times[inside])[near]
    meter = int(beats.positions.max())
    start = np.bincount((beats.positions[inside][near] - 1 - numbers) % meter).argmax()
    moved = beats.times[anchor : anchor + 1] + right.line.period / 2
    return int((start + right.line.number(moved)[0]) % meter)


def _move(
    beats: Beats,
    first: int,
    stop: int,
    anchor: int,
    place: int,
    likely: NDArray[np.floating[Any]],
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
