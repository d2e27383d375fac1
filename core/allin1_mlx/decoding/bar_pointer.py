"""The bar pointer: the most probable sequence of beats in a song.

A hidden Markov model. Its state is the position within the bar and the tempo: (beat b, interval n,
frame i of n). The position advances by one frame per frame. The interval may change only at the
start of a beat. After Krebs, Böck & Widmer, "An efficient state-space model for joint tempo and
meter tracking" (ISMIR 2015), with the observations of Böck, Krebs & Widmer, "Joint beat and
downbeat tracking with recurrent neural networks" (ISMIR 2016).

The result is that of exact Viterbi decoding, but it is computed in blocks:

- Nothing is decided within a beat, so scores are stored only for *entries* (interval, beat,
  frame): the first frames of beats. The score of a beat is the sum of the log-ratios of the frames
  in which it is observed, compared with no beat. It is a difference of two cumulative sums.
- A beat that ends now began at least the shortest interval ago. So one block of that length is
  decided at once, from a ring buffer of the latest entries.
- A leap costs the same for every target, so only the best interval before it is needed.
- A score is a fixed-point integer. In the ring, its lowest bits hold the number of its interval. So
  one addition and one maximum give both the best score and its back-pointer. The shorter interval
  wins a tie.

Axes: B beats, the beats of all bar lengths in a row; K intervals, ascending; T frames. A block is
as long as the shortest interval. The ring holds R blocks: enough for the longest interval and one
more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .tempo_space import PUBLISHED, Floats, Ints, TempoSpace

POINTER_BITS = 7
POINTER = (1 << POINTER_BITS) - 1
ONE = 1 << (32 + POINTER_BITS)  # a score of one nat; 24 bits are left for whole nats
FORBIDDEN = -(1 << 61)
SPAN = 48_000_000  # number of back-pointers in memory at once, one byte each

Move = tuple[slice, slice, Ints]


@dataclass(frozen=True, eq=False)
class Path:
    """A sequence of S beats in order of time; the first may begin before frame 0.

    entries: (S,) the frame at which each beat begins. beats: (S,) its index in the bar, from 0.
    observed: (S,) the number of frames, from its first, in which the beat is observed.
    """

    entries: Ints
    beats: Ints
    observed: Ints


@dataclass(frozen=True, eq=False)
class Tables:
    """Index tables for the search; they are the same for every song.

    endings: for each block of the ring, (B, K, block) flat indices into the ring of the entries
    whose beats end where the beats of this block begin.
    moves: for each change of tempo, the intervals before, the intervals after, and the number
    (k, block) that is added to the score. The first is no change, of all intervals.
    """

    endings: list[Ints]
    moves: list[Move]


def best_path(
    densities: Floats,
    *,
    bars: tuple[int, ...],
    tempo_space: TempoSpace = PUBLISHED,
    tempo: Floats | None = None,
) -> Path:
    """Return the most probable path through T >= 1 frames; all its bars have the same length.

    densities: (3, T) finite log-densities of no beat, a beat, a downbeat.
    bars: the bar lengths to choose from, in beats; the first wins a tie.
    tempo: (K, n), what a beat of each interval adds in nats in each of n equal parts of the song;
    None adds nothing.
    Memory: one byte per back-pointer, SPAN at most. A longer song is searched in spans. The
    back-pointers of all spans but the last are computed again when the path is traced back, then
    only for the bar length that won.
    """
    T = densities.shape[1]
    search = _Search(densities, bars, tempo_space, tempo)
    spans = search.spans(T)
    ring = search.begin()
    rings = []
    pointers = np.empty((*ring.shape[1:3], len(spans[0]) + tempo_space.shortest), np.uint8)
    for span in spans:
        rings.append(ring.copy())
        search.run(ring, span, pointers)
    entry, beat, k = _last_beat(ring, T, tempo_space)
    bar, first = _bar_of(beat, bars)
    beat -= first
    own = slice(first, first + bar)
    pointers = pointers[own]
    path = [(entry, beat, k)]
    for span, before in zip(spans[::-1], rings[::-1], strict=True):
        if span != spans[-1]:
            again = _Search(densities, (bar,), tempo_space, tempo)
            again.run(before[:, own].copy(), span, pointers)
        while entry >= span.start:
            k = POINTER - int(pointers[beat, k, entry - span.start])
            beat = (beat - 1) % bar
            entry -= int(tempo_space.intervals[k])
            path.append((entry, beat, k))
    entries, beats, chosen = np.array(path[::-1]).T
    return Path(entries, beats, tempo_space.observed[chosen])


class _Search:
    """The search through one song in bars of the lengths `bars`, from start to end."""

    def __init__(
        self,
        densities: Floats,
        bars: tuple[int, ...],
        tempo_space: TempoSpace,
        tempo: Floats | None,
    ) -> None:
        self._bars, self._tempo_space = bars, tempo_space
        self._tables = make_tables(bars, tempo_space)
        self._gains = _entry_gains(densities, tempo_space, tempo)

    def spans(self, T: int) -> list[range]:
        """The song's frames in parts of whole rings, with at most SPAN back-pointers each."""
        ring = len(self._tables.endings) * self._tempo_space.shortest
        length = max(SPAN // (self._tempo_space.count * sum(self._bars)) // ring, 1) * ring
        return [range(start, min(start + length, T)) for start in range(0, T, length)]

    def begin(self) -> Ints:
        """The ring (R, B, K, block) before the song; all first states are equally likely."""
        R, block = len(self._tables.endings), self._tempo_space.shortest
        ring = np.empty((R, *self._tables.endings[0].shape), np.int64)
        ring[:] = -_fixed(np.log(np.repeat(self._bars, self._bars)))[:, None, None]
        for index, scores in enumerate(ring):
            self._add_gains(scores, (index - R) * block, out=scores)
        return ring

    def run(self, ring: Ints, span: range, pointers: NDArray[np.uint8]) -> None:
        """Search through a span: updates the ring and writes the span's pointers (B, K, n)."""
        tables, leap, block = self._tables, self._tempo_space.leap, self._tempo_space.shortest
        ending, best, trial = np.empty((3, *tables.endings[0].shape), np.int64)
        (_, _, stay), *others = tables.moves
        moves = [
            (ending[:, old], change, trial[:, new], best[:, new]) for old, new, change in others
        ]
        for start in span[::block]:
            index = start // block % len(ring)
            if index == 0:
                ring -= ring.max() & ~POINTER  # keeps scores small in songs of any length
            ring.take(tables.endings[index], out=ending, mode="clip")
            np.add(ending, stay, out=best)
            for score, change, candidate, highest in moves:
                np.add(score, change, out=candidate)
                np.maximum(highest, candidate, out=highest)
            if leap is not None:
                leapt = ending.max(axis=1, keepdims=True) - int(leap * ONE)
                np.maximum(best, leapt, out=best)
            chosen = best.astype(np.uint8) & POINTER
            pointers[:, :, start - span.start : start - span.start + block] = chosen
            best &= ~POINTER
            self._add_gains(best, start, out=ring[index])

    def _add_gains(self, scores: Ints, start: int, *, out: Ints) -> None:
        """Add what beats gain that begin in the block from `start`. All arrays: (B, K, block)."""
        downbeat, beat = self._gains(start)
        first = 0
        for bar in self._bars:
            np.add(scores[first], downbeat, out=out[first])
            np.add(scores[first + 1 : first + bar], beat, out=out[first + 1 : first + bar])
            first += bar


def _last_beat(ring: Ints, T: int, tempo_space: TempoSpace) -> tuple[int, int, int]:
    """The best beat that contains frame T - 1: its first frame, its index, its interval."""
    age = np.arange(tempo_space.longest)  # the frame's place within the beat
    block, place = np.divmod(T - 1 - age, tempo_space.shortest)
    under_way = np.where(
        age[:, None, None] < tempo_space.intervals,
        ring[block % len(ring), :, :, place] & ~POINTER,
        np.iinfo(np.int64).min,
    ).transpose(1, 2, 0)
    beat, k, frame = (int(i) for i in np.unravel_index(under_way.argmax(), under_way.shape))
    return T - 1 - frame, beat, k


def _bar_of(beat: int, bars: tuple[int, ...]) -> tuple[int, int]:
    """The length of the bar that this beat belongs to, and the index of its first beat."""
    ends = np.cumsum(bars)
    index = int(np.searchsorted(ends, beat, side="right"))
    return bars[index], int(ends[index]) - bars[index]


@lru_cache(maxsize=8)
def make_tables(bars: tuple[int, ...], tempo_space: TempoSpace) -> Tables:
    """The tables for some bar lengths; cached, as every song needs the same ones.

    Raises ValueError for more intervals than a pointer can number.
    """
    if tempo_space.count > POINTER:
        raise ValueError(f"{tempo_space.count} tempos: at most {POINTER} are possible")
    K, block = tempo_space.count, tempo_space.shortest
    R = 1 + -(-tempo_space.longest // block)
    rows = _previous_beats(bars)[:, None, None] * K + np.arange(K)[:, None]
    begins = (np.arange(R * block) - tempo_space.intervals[:, None]) % (R * block)
    places = (begins // block * sum(bars) * K + rows) * block + begins % block
    return Tables(np.split(places, R, axis=2), _moves(tempo_space))


def _moves(tempo_space: TempoSpace) -> list[Move]:
    """The possible changes of tempo, one move per diagonal of the table [before, after].

    Only a band around the main diagonal is possible.
    """
    changes = tempo_space.changes
    moves = []
    for shift in sorted(range(1 - tempo_space.count, tempo_space.count), key=abs):
        possible = np.flatnonzero(np.isfinite(changes.diagonal(shift))) + max(0, -shift)
        if not possible.size:
            continue
        first, stop = int(possible[0]), int(possible[-1]) + 1
        old = np.arange(first, stop)
        # Rounded intervals leave holes in the band: they get the lowest possible score.
        nats = np.maximum(changes[old, old + shift], FORBIDDEN / ONE)
        added = _fixed(nats)[:, None]
        shape = (len(old), tempo_space.shortest)
        moves.append(
            (
                slice(first, stop),
                slice(first + shift, stop + shift),
                np.broadcast_to(added, shape).copy(),  # contiguous, for fast addition
            )
        )
    return moves


def _previous_beats(bars: tuple[int, ...]) -> Ints:
    """(B,) the beat before each beat; before the first beat comes the last of its bar."""
    ends = np.cumsum(bars)
    previous = np.arange(-1, ends[-1] - 1)
    previous[ends - bars] = ends - 1
    return previous


def _entry_gains(
    densities: Floats, tempo_space: TempoSpace, tempo: Floats | None
) -> Callable[[int], Ints]:
    """Return a function of a frame that gives the scores of beats in the block from that frame.

    The scores are (2, K, block): what a downbeat, and another beat, adds if it begins at that frame
    of the block. Their lowest bits are the number of the interval, which descends, so that the
    shorter interval wins a tie.
    """
    block, T = tempo_space.shortest, densities.shape[1]
    lengths, length_of = np.unique(tempo_space.observed, return_inverse=True)
    # Frames before and after the song add nothing.
    before, after = tempo_space.longest + 2 * block, 2 * block
    ratios = np.pad(_fixed(densities[:0:-1] - densities[0]), ((0, 0), (before + 1, after)))
    # The sums may overflow and wrap around; their differences are still correct.
    windows = sliding_window_view(ratios.cumsum(axis=1), block, axis=1)
    extra = np.zeros((tempo_space.count, 1), np.int64) if tempo is None else _fixed(tempo)
    extra += POINTER - np.arange(tempo_space.count)[:, None]
    parts = extra.shape[1]

    def gains(start: int) -> Ints:
        begin = start + before
        found = (windows[:, begin + lengths] - windows[:, begin, None]).take(length_of, axis=1)
        first, last = (min(max(t, 0), T - 1) * parts // T for t in (start, start + block - 1))
        if first == last:
            found += extra[:, first, None]
        else:
            frames = np.clip(np.arange(start, start + block), 0, T - 1)
            found += extra[:, frames * parts // T]
        return found

    return gains


def _fixed(nats: Floats) -> Ints:
    """Nats as fixed-point integers whose lowest POINTER_BITS are zero."""
    return np.rint(nats * (ONE >> POINTER_BITS)).astype(np.int64) << POINTER_BITS
