"""The bar pointer: the most probable course of beats through a song.

A hidden Markov model whose state says where in the bar a frame lies and how fast the bar passes:
(beat b, interval n, frame i of n). The pointer moves on by one frame per frame; only where a beat
begins may the interval change. After Krebs, Böck & Widmer, "An efficient state-space model for
joint tempo and meter tracking" (ISMIR 2015), with the observations of Böck, Krebs & Widmer,
"Joint beat and downbeat tracking with recurrent neural networks" (ISMIR 2016).

Viterbi decoding, exact, but neither frame by frame nor state by state:

- Within a beat there is nothing to decide, so scores are kept of *entries* (interval, beat, frame)
  alone. Compared to a song without beats, a beat gains the log-ratios of the frames in which it
  is heard: a difference of cumulative sums.
- What ends in a frame was entered at least the shortest interval ago: a block of so many frames
  is decided at once, from a ring of the last entries.
- A score is an integer in fixed point whose lowest bits name the interval it came from: one
  addition and one maximum give the better score and its back-pointer. Of equal scores the shorter
  interval wins.

Axes: K intervals, ascending; B beats, those of all bars side by side; T frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .types import FPS

MIN_BPM, MAX_BPM = 55, 215
TEMPI = 60
TEMPO_LAMBDA = 100  # P(n' after n) ~ exp(-TEMPO_LAMBDA |n'/n - 1|)
OBSERVATION_LAMBDA = 16  # a beat is heard in the first 1/16 of its interval

BLOCK = round(60 * FPS / MAX_BPM)  # 28 frames, the shortest interval
LONGEST = round(60 * FPS / MIN_BPM)  # 109 frames
RING = BLOCK * (1 + -(-LONGEST // BLOCK))  # whole blocks: the longest interval and the next block

POINTER_BITS = 6
POINTER = (1 << POINTER_BITS) - 1  # >= TEMPI
ONE = 1 << (32 + POINTER_BITS)  # a score of one nat; 25 bits are left for whole nats
FORBIDDEN = -(1 << 61)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Path:
    """A course of beats, in the order of time; the first may have begun before frame 0.

    entries: (S,) the frame at which each beat begins. beats: (S,) its index in the bar, from 0.
    heard: (S,) the number of its first frames in which it is heard.
    """

    entries: Ints
    beats: Ints
    heard: Ints


def best_path(densities: Floats, *, bars: tuple[int, ...]) -> Path:
    """The most probable path through T >= 1 frames, all of it in bars of one length.

    densities: (3, T) finite log-densities of no beat, a beat, a downbeat.
    bars: the lengths to choose from, in beats; of equally probable ones the first wins.
    Takes a byte of memory for each interval, beat and frame.
    """
    T = densities.shape[1]
    gains = _entry_gains(densities, bars)
    # Before the song every state is as likely: it may begin within any beat. (K, B, RING)
    ring = np.concatenate([gains(start) for start in range(-RING, 0, BLOCK)], axis=2)
    ring -= _fixed(np.log(np.repeat(bars, bars)))[:, None]

    endings = _endings(bars)
    ending, best, trial = np.empty((3, *endings[0].shape), np.int64)
    moves = [(ending[old], change, trial[new], best[new]) for old, new, change in _moves(bars)]
    pointers = np.empty((*ring.shape[:2], T + BLOCK), np.uint8)
    for start in range(0, T, BLOCK):
        slot = start % RING
        if slot == 0:
            ring -= ring.max()  # scores stay small in songs of any length
        ring.take(endings[slot // BLOCK], out=ending, mode="clip")
        best.fill(FORBIDDEN)
        for score, change, candidate, highest in moves:
            np.add(score, change, out=candidate)
            np.maximum(highest, candidate, out=highest)
        pointers[:, :, start : start + BLOCK] = best & POINTER
        best &= ~POINTER
        best += gains(start)
        ring[:, :, slot : slot + BLOCK] = best
    return _trace_back(ring, pointers, T, bars)


def _trace_back(ring: Ints, pointers: NDArray[np.uint8], T: int, bars: tuple[int, ...]) -> Path:
    """Choose the best beat that is under way in frame T - 1, and walk back from it."""
    intervals, previous = beat_intervals(), _previous_beats(bars)
    age = np.arange(LONGEST)  # the frame's place within the beat
    under_way = np.where(
        age < intervals[:, None, None], ring[:, :, (T - 1 - age) % RING], np.iinfo(np.int64).min
    ).swapaxes(0, 1)
    beat, k, frame = (int(i) for i in np.unravel_index(under_way.argmax(), under_way.shape))
    entry = T - 1 - frame
    path = [(entry, beat, k)]
    while entry >= 0:
        k = POINTER - int(pointers[k, beat, entry])
        beat = int(previous[beat])
        entry -= int(intervals[k])
        path.append((entry, beat, k))
    entries, beats, tempi = np.array(path[::-1]).T
    in_bar = np.concatenate([np.arange(n) for n in bars])
    return Path(entries, in_bar[beats], heard_frames()[tempi])


@lru_cache(maxsize=1)
def beat_intervals() -> Ints:
    """(K,) frames per beat of each tempo: evenly spaced on a logarithmic scale, whole, distinct."""
    intervals = np.empty(0)
    candidates = TEMPI
    while len(intervals) < TEMPI:
        spaced = np.geomspace(60 * FPS / MAX_BPM, 60 * FPS / MIN_BPM, candidates)
        intervals = np.unique(np.rint(spaced))
        candidates += 1
    return intervals.astype(np.int64)


def heard_frames() -> Ints:
    """(K,) the number of frames i with i / interval < 1 / OBSERVATION_LAMBDA."""
    return -(-beat_intervals() // OBSERVATION_LAMBDA)


@lru_cache(maxsize=1)
def tempo_changes() -> Floats:
    """(K, K) the log-probability of an interval after another [from, to]; of many it is -inf."""
    intervals = beat_intervals()
    probability = np.exp(-TEMPO_LAMBDA * np.abs(intervals / intervals[:, None] - 1))
    probability[probability <= np.finfo(np.float64).eps] = 0
    with np.errstate(divide="ignore"):
        return np.log(probability / probability.sum(axis=1, keepdims=True))


def _moves(bars: tuple[int, ...]) -> list[tuple[slice, slice, Ints]]:
    """The table of tempo changes by its diagonals: intervals before, after, and what it adds.

    Only the band around the main diagonal is possible. What is added, (k, B, BLOCK), names the
    interval before in its lowest bits; the greatest of them wins, so they count down.
    """
    changes = tempo_changes()
    moves = []
    for shift in range(1 - TEMPI, TEMPI):
        possible = np.flatnonzero(np.isfinite(changes.diagonal(shift))) + max(0, -shift)
        if not possible.size:
            continue
        first, stop = int(possible[0]), int(possible[-1]) + 1
        old = np.arange(first, stop)
        # Rounded intervals leave holes in the band.
        nats = np.maximum(changes[old, old + shift], FORBIDDEN / ONE)
        added = (_fixed(nats) + POINTER - old)[:, None, None]
        shape = (len(old), sum(bars), BLOCK)
        moves.append(
            (
                slice(first, stop),
                slice(first + shift, stop + shift),
                np.broadcast_to(added, shape).copy(),  # one run per addition
            )
        )
    return moves


def _endings(bars: tuple[int, ...]) -> list[Ints]:
    """For each block of the ring (K, B, BLOCK) where the beats are that end as its beats begin."""
    intervals, previous = beat_intervals(), _previous_beats(bars)
    rows = np.arange(TEMPI)[:, None] * len(previous) + previous
    frames = np.arange(RING) - intervals[:, None]
    places = rows[:, :, None] * RING + frames[:, None] % RING
    return np.split(places, RING // BLOCK, axis=2)


def _previous_beats(bars: tuple[int, ...]) -> Ints:
    """(B,) the beat before each beat: of the first beat, the last of its bar."""
    ends = np.cumsum(bars)
    previous = np.arange(-1, ends[-1] - 1)
    previous[ends - bars] = ends - 1
    return previous


def _entry_gains(densities: Floats, bars: tuple[int, ...]) -> Callable[[int], Ints]:
    """A function of a frame: (K, B, BLOCK) what beats gain that begin in the block from there."""
    before, after = RING, 2 * BLOCK  # nothing is gained outside the song
    ratios = np.pad(_fixed(densities[1:] - densities[0]), ((0, 0), (before + 1, after)))
    # The sums may overflow and wrap around; their differences are right all the same.
    windows = sliding_window_view(ratios.cumsum(axis=1), BLOCK, axis=1).swapaxes(0, 1)
    heard = heard_frames()
    kinds = np.concatenate([np.arange(n) == 0 for n in bars]).astype(np.int64)

    def gains(start: int) -> Ints:
        begin = start + before
        return (windows[begin + heard] - windows[begin]).take(kinds, axis=1)

    return gains


def _fixed(nats: Floats) -> Ints:
    """Nats in fixed point, with the bits of the pointer left free."""
    return np.rint(nats * (ONE >> POINTER_BITS)).astype(np.int64) << POINTER_BITS
