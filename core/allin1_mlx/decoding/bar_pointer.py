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
- A leap costs the same wherever it goes, so only the best interval before it is looked at.
- A score is an integer in fixed point whose lowest bits name the interval it came from: one
  addition and one maximum give the better score and its back-pointer. Of equal scores the shorter
  interval wins.

Axes: K intervals, ascending; B beats, those of all bars side by side; T frames. A block has as many
frames as the shortest interval, the ring whole blocks: enough for the longest one and the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .tempo_space import PUBLISHED, Floats, Ints, Tempi

POINTER_BITS = 7
POINTER = (1 << POINTER_BITS) - 1
ONE = 1 << (32 + POINTER_BITS)  # a score of one nat; 24 bits are left for whole nats
FORBIDDEN = -(1 << 61)

Move = tuple[slice, slice, Ints]


@dataclass(frozen=True, eq=False)
class Path:
    """A course of beats, in the order of time; the first may have begun before frame 0.

    entries: (S,) the frame at which each beat begins. beats: (S,) its index in the bar, from 0.
    heard: (S,) the number of its first frames in which it is heard.
    """

    entries: Ints
    beats: Ints
    heard: Ints


@dataclass(frozen=True, eq=False)
class Tables:
    """What the search through any song needs.

    ring: frames of the ring. endings: for each block of the ring (K, B, block) where the beats are
    that end as its beats begin. moves: intervals before, after, and what the change adds to the
    score, (k, B, block). names: (K, 1, 1) what names an interval in the lowest bits of a score.
    """

    ring: int
    endings: list[Ints]
    moves: list[Move]
    names: Ints


def best_path(densities: Floats, *, bars: tuple[int, ...], tempi: Tempi = PUBLISHED) -> Path:
    """The most probable path through T >= 1 frames, all of it in bars of one length.

    densities: (3, T) finite log-densities of no beat, a beat, a downbeat.
    bars: the lengths to choose from, in beats; of equally probable ones the first wins.
    Takes a byte of memory for each interval, beat and frame.
    """
    T, block = densities.shape[1], tempi.shortest
    gains = _entry_gains(densities, bars, tempi)
    tables = make_tables(bars, tempi)
    # Before the song every state is as likely: it may begin within any beat. (K, B, ring)
    ring = np.concatenate([gains(start) for start in range(-tables.ring, 0, block)], axis=2)
    ring -= _fixed(np.log(np.repeat(bars, bars)))[:, None]

    ending, best, trial = np.empty((3, *tables.endings[0].shape), np.int64)
    moves = [(ending[old], change, trial[new], best[new]) for old, new, change in tables.moves]
    pointers = np.empty((*ring.shape[:2], T + block), np.uint8)
    for start in range(0, T, block):
        slot = start % tables.ring
        if slot == 0:
            ring -= ring.max()  # scores stay small in songs of any length
        ring.take(tables.endings[slot // block], out=ending, mode="clip")
        best.fill(FORBIDDEN)
        for score, change, candidate, highest in moves:
            np.add(score, change, out=candidate)
            np.maximum(highest, candidate, out=highest)
        if tempi.leap is not None:
            ending += tables.names
            np.maximum(best, ending.max(axis=0) - int(tempi.leap * ONE), out=best)
        pointers[:, :, start : start + block] = best & POINTER
        best &= ~POINTER
        best += gains(start)
        ring[:, :, slot : slot + block] = best
    return _trace_back(ring, pointers, T, bars, tempi)


def _trace_back(
    ring: Ints, pointers: NDArray[np.uint8], T: int, bars: tuple[int, ...], tempi: Tempi
) -> Path:
    """Choose the best beat that is under way in frame T - 1, and walk back from it."""
    intervals, previous = tempi.intervals, _previous_beats(bars)
    age = np.arange(tempi.longest)  # the frame's place within the beat
    under_way = np.where(
        age < intervals[:, None, None],
        ring[:, :, (T - 1 - age) % ring.shape[2]],
        np.iinfo(np.int64).min,
    ).swapaxes(0, 1)
    beat, k, frame = (int(i) for i in np.unravel_index(under_way.argmax(), under_way.shape))
    entry = T - 1 - frame
    path = [(entry, beat, k)]
    while entry >= 0:
        k = POINTER - int(pointers[k, beat, entry])
        beat = int(previous[beat])
        entry -= int(intervals[k])
        path.append((entry, beat, k))
    entries, beats, chosen = np.array(path[::-1]).T
    in_bar = np.concatenate([np.arange(n) for n in bars])
    return Path(entries, in_bar[beats], tempi.heard[chosen])


@lru_cache(maxsize=4)
def make_tables(bars: tuple[int, ...], tempi: Tempi) -> Tables:
    """The tables of some lengths of bars; kept, as every song needs the same.

    Raises ValueError for more tempi than a pointer can name.
    """
    if tempi.count > POINTER:
        raise ValueError(f"{tempi.count} tempi; a pointer names at most {POINTER}")
    block = tempi.shortest
    blocks = 1 + -(-tempi.longest // block)
    ring = block * blocks
    intervals, previous = tempi.intervals[:, None], _previous_beats(bars)
    rows = np.arange(len(intervals))[:, None] * len(previous) + previous
    places = rows[:, :, None] * ring + ((np.arange(ring) - intervals) % ring)[:, None]
    names = POINTER - np.arange(len(intervals))[:, None, None]
    return Tables(ring, np.split(places, blocks, axis=2), _moves(bars, tempi, names), names)


def _moves(bars: tuple[int, ...], tempi: Tempi, names: Ints) -> list[Move]:
    """The changes of tempo by diagonals of their table, (before, after).

    Only the band around the main diagonal is possible. Of equal scores the interval wins that is
    named by more: names count down.
    """
    changes = tempi.changes
    moves = []
    for shift in range(1 - tempi.count, tempi.count):
        possible = np.flatnonzero(np.isfinite(changes.diagonal(shift))) + max(0, -shift)
        if not possible.size:
            continue
        first, stop = int(possible[0]), int(possible[-1]) + 1
        old = np.arange(first, stop)
        # Rounded intervals leave holes in the band: as improbable as a score can say.
        nats = np.maximum(changes[old, old + shift], FORBIDDEN / ONE)
        added = _fixed(nats)[:, None, None] + names[old]
        shape = (len(old), sum(bars), tempi.shortest)
        moves.append(
            (
                slice(first, stop),
                slice(first + shift, stop + shift),
                np.broadcast_to(added, shape).copy(),  # one run per addition
            )
        )
    return moves


def _previous_beats(bars: tuple[int, ...]) -> Ints:
    """(B,) the beat before each beat: of the first beat, the last of its bar."""
    ends = np.cumsum(bars)
    previous = np.arange(-1, ends[-1] - 1)
    previous[ends - bars] = ends - 1
    return previous


def _entry_gains(densities: Floats, bars: tuple[int, ...], tempi: Tempi) -> Callable[[int], Ints]:
    """A function of a frame: (K, B, block) what beats gain that begin in the block from there."""
    block = tempi.shortest
    before, after = tempi.longest + 2 * block, 2 * block  # nothing is gained outside the song
    ratios = np.pad(_fixed(densities[1:] - densities[0]), ((0, 0), (before + 1, after)))
    # The sums may overflow and wrap around; their differences are right all the same.
    windows = sliding_window_view(ratios.cumsum(axis=1), block, axis=1).swapaxes(0, 1)
    heard = tempi.heard
    kinds = np.concatenate([np.arange(n) == 0 for n in bars]).astype(np.int64)

    def gains(start: int) -> Ints:
        begin = start + before
        return (windows[begin + heard] - windows[begin]).take(kinds, axis=1)

    return gains


def _fixed(nats: Floats) -> Ints:
    """Nats in fixed point, with the bits of the pointer left free."""
    return np.rint(nats * (ONE >> POINTER_BITS)).astype(np.int64) << POINTER_BITS
