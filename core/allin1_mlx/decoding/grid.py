"""From decoded beats to a grid: beat times that are exact to the millisecond.

1. *Measure*: find, for each beat, the time between frames at which the network's activation peaks,
   and the strongest onset near it (`onsets`). The activations of each song have a constant delay:
   the offset at which the onsets around all beats are strongest on average.
2. *Constant passages* (`steady`): fit straight lines to the onsets, or to a smooth curve through
   the beats where the players are loose, with round tempos where they fit. Passages on the same
   line are joined, also across breaks. All their beats lie on the line. A passage that lies half a
   beat off the line is an error of the decoder: the evidence of the whole song decides which phase
   is right (`beat_phase`), and a short passage moves onto the line of a long one.
3. *Everything else* follows the playing: a smooth local curve through activations and onsets that
   ignores outliers, and from it towards each measured beat. How far depends on how uneven the
   playing is: activations and onsets that leave the curve together show that people played so.

Times are seconds from the first sample, increasing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS
from .beat_phase import SAME_PHASE, unify_phase
from .beats import Beats
from .curve import draw_curve, leave_curve
from .onsets import MeasuredBeats, OnsetEnvelope, measure_beats
from .steady import (
    AVERAGED,
    Bools,
    Floats,
    Ints,
    Line,
    Passage,
    find_passages,
    same_tempo,
    settle,
    support,
)

EDGE = 0.012  # seconds: greatest median distance from the line of beats that extend a passage
TEMPO_EDGE = 0.02  # greatest relative difference between the tempo of uneven beats and the line's
MOST = 0.5  # share of the song's beats above which a passage may be extended to the whole song
LONG = 96  # least number of beats of a passage that may be extended over uneven beats
AHEAD = 6  # number of beats that are checked for an extension
VOTERS = 8  # number of beats that decide at which position counting continues
MATCH = 0.07  # greatest distance in seconds between a detected beat and its beat of the grid


@dataclass(frozen=True, eq=False)
class RefinedBeats:
    """Beats to the millisecond. jitter: the standard deviation in seconds of the detected beats
    around them, None if there are no beats."""

    beats: Beats
    jitter: float | None


def refine_beats(
    beats: Beats,
    beat: NDArray[np.floating[Any]],
    downbeat: NDArray[np.floating[Any]],
    envelope: OnsetEnvelope,
) -> RefinedBeats:
    """Refine decoded beats to the millisecond.

    beat, downbeat: (T,) the probabilities that were decoded. envelope: onsets of the same song.
    """
    if len(beats.times) == 0:
        return RefinedBeats(beats, None)
    likely = np.maximum(beat, downbeat)
    measured, found = _find_lines(beats, likely, envelope)
    unified = unify_phase(beats, found, likely)
    if unified is not beats:
        measured, found = _find_lines(unified, likely, envelope)
    extended = _extend(_join(found, measured), measured.activation)
    passages = [settle(p, measured.onset, measured.activation) for p in extended]
    grid = _lay(unified, measured, passages, len(beat) / FPS)
    return RefinedBeats(grid, _jitter(beats.times, grid.times))


def _find_lines(
    beats: Beats, likely: NDArray[np.floating[Any]], envelope: OnsetEnvelope
) -> tuple[MeasuredBeats, tuple[Passage, ...]]:
    """Measure the beats, and find their passages of constant tempo."""
    measured = measure_beats(beats.times, likely, envelope)
    curve = draw_curve(measured.activation, measured.onset)
    clicked = find_passages(curve, evidence=AVERAGED)
    return measured, find_passages(measured.onset, known=clicked)


def _join(passages: tuple[Passage, ...], measured: MeasuredBeats) -> list[Passage]:
    """Join passages that lie on the same line; the passage with more support gives the line.

    The decoder may have lost the beat between two such passages: the line continues through it.
    """
    parts = [settle(p, measured.onset, measured.activation) for p in passages]
    while pair := _find_pair(parts, measured.onset):
        first, last = min(p.first for p in pair), max(p.last for p in pair)
        parts = [p for p in parts if not first <= p.first <= last]
        joined = replace(pair[0], first=first, last=last)
        parts.append(settle(joined, measured.onset, measured.activation))
    return sorted(parts, key=lambda p: p.first)


def _find_pair(parts: list[Passage], onset: Floats) -> tuple[Passage, Passage] | None:
    """Two passages to be joined, the one with more support first."""
    ranked = sorted(parts, key=_weight, reverse=True)
    for main, other in combinations(ranked, 2):
        first, last = min(main.first, other.first), max(main.last, other.last)
        between = [p for p in parts if first < p.first < last and p not in (main, other)]
        if _continues(main, other, onset) and all(same_tempo(main.line, p.line) for p in between):
            return main, other
    return None


def _weight(passage: Passage) -> float:
    """The number of beats that support it."""
    return (passage.last - passage.first + 1) * passage.share


def _continues(main: Passage, other: Passage, onset: Floats) -> bool:
    """Whether `other` lies on the line of `main`, or half a beat off it.

    Half a beat off counts as an error of the decoder if `main` has at least twice the support.
    """
    if not same_tempo(main.line, other.line):
        return False
    times = onset[other.first : other.last + 1]
    times = times[support(other.line, times)]
    halves = (times - main.line.start) / main.line.period * 2
    nearest = np.rint(halves)
    beside = float(np.median(halves - nearest)) / 2 * main.line.period
    if abs(beside) > SAME_PHASE:
        return False
    on_beat = float(np.mean(nearest % 2 == 0))
    return on_beat > 0.9 or (on_beat < 0.1 and _weight(main) >= 2 * _weight(other))


def _extend(passages: list[Passage], activation: Floats) -> list[Passage]:
    """Extend passages over the beats before and after them that lie near their lines.

    A passage is extended while the next few beats lie within EDGE. A long passage is also extended
    to the next passage or to the end of the song, if the beats there keep its tempo and their
    number is at most a third of its length. A passage of most of the song is extended over any
    number of such beats.
    """
    extended: list[Passage] = []
    for index, p in enumerate(passages):
        lowest = extended[-1].last + 1 if extended else 0
        highest = (
            passages[index + 1].first - 1 if index + 1 < len(passages) else len(activation) - 1
        )
        ends = p.line.number(activation[[p.first, p.last]])
        places = np.arange(len(activation))
        number = np.where(places <= p.last, ends[0] + places - p.first, ends[1] + places - p.last)
        distance = np.abs(activation - p.line.at(number))
        first, last = p.first, p.last
        length = p.last - p.first + 1
        room = length // 3 if length >= LONG else 0
        if length > MOST * len(activation):
            room = len(activation)
        while first > lowest and _near(distance[max(lowest, first - AHEAD) : first], EDGE):
            first -= 1
        while last < highest and _near(distance[last + 1 : min(highest, last + AHEAD) + 1], EDGE):
            last += 1
        if 0 < first - lowest <= room and _keeps_tempo(activation[lowest : first + 1], p.line):
            first = lowest
        if 0 < highest - last <= room and _keeps_tempo(activation[last : highest + 1], p.line):
            last = highest
        extended.append(replace(p, first=first, last=last))
    return extended


def _keeps_tempo(times: Floats, line: Line) -> bool:
    """Whether uneven beats (B,) that do not lie on the line still have its tempo.

    If so, they are inexact detections of its beats, or offbeats.
    """
    gaps = np.diff(times)
    slow_down = abs(times[-1] - times[0] - line.period * len(gaps))
    if len(gaps) < AHEAD:
        return bool(slow_down < line.period / 8)
    pairs = (gaps[1:] + gaps[:-1]) / 2  # even where every other beat is detected late
    one, two = (abs(float(np.median(g)) / line.period - 1) < TEMPO_EDGE for g in (gaps, pairs))
    return bool((one and slow_down < line.period) or (two and slow_down < line.period / 8))


def _near(distance: Floats, limit: float) -> bool:
    return float(np.median(distance)) <= limit


def _lay(beats: Beats, measured: MeasuredBeats, passages: list[Passage], seconds: float) -> Beats:
    """The grid of a song: lines within passages, the local curve elsewhere.

    seconds: duration of the song.
    """
    fixed = measured.activation.copy()
    on_line = np.zeros(len(fixed), dtype=bool)
    for p in passages:
        inside = slice(p.first, p.last + 1)
        fixed[inside] = p.line.at(p.line.number(fixed[inside]))
        on_line[inside] = True
    onset = np.where(on_line, fixed, measured.onset)
    curve = leave_curve(draw_curve(fixed, onset), fixed, onset)
    parts: list[Beats] = []
    done = 0
    for p in passages:
        parts.append(Beats(curve[done : p.first], beats.positions[done : p.first]))
        part = _lay_line(p, beats.positions, measured.activation)
        parts.append(part)
        done = p.last + 1
    parts.append(Beats(curve[done:], beats.positions[done:]))
    times = np.concatenate([part.times for part in parts])
    positions = np.concatenate([part.positions for part in parts])
    locked = np.concatenate([np.full(len(part.times), i % 2 == 1) for i, part in enumerate(parts)])
    kept = _increasing(times, locked) & (times > -EDGE) & (times < seconds)
    times = np.maximum(times, 0.0)
    return Beats(np.round(times[kept], 3), positions[kept])


def _lay_line(passage: Passage, positions: Ints, activation: Floats) -> Beats:
    """All beats of the line within the passage, with decoded positions; missing ones are filled."""
    inside = slice(passage.first, passage.last + 1)
    line, times, places = passage.line, activation[inside], positions[inside]
    number = line.number(times)
    near = np.abs(times - line.at(number)) < line.period / 4
    first = int(number[0])
    known = np.zeros(int(number[-1]) - first + 1, dtype=np.int64)
    known[number[near] - first] = places[near]
    meter = int(places.max())
    known = _count_on(known, meter)
    return Beats(line.at(first + np.arange(len(known))), known)


def _count_on(positions: Ints, meter: int) -> Ints:
    """Fill unknown positions (0) by continuing the count of the known positions before them.

    Unknown positions at the start continue the count after them, backwards. Runs of fewer than
    VOTERS known positions count as unknown, unless there is only one run.
    """
    known = positions > 0
    edges = np.flatnonzero(np.diff(known, prepend=False, append=False))
    runs = [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]
    whole = len(runs) == 1
    runs = [(a, b) for a, b in runs if whole or b - a >= VOTERS]
    if not runs:
        return np.arange(len(positions)) % meter + 1
    counted = positions.copy()
    phases = (positions - 1 - np.arange(len(positions))) % meter
    for index, (first, stop) in enumerate(runs):
        until = runs[index + 1][0] if index + 1 < len(runs) else len(positions)
        start = 0 if index == 0 else first
        heads, tails = phases[first : first + VOTERS], phases[max(stop - VOTERS, first) : stop]
        before, after = np.arange(start, first), np.arange(stop, until)
        counted[before] = (before + np.bincount(heads).argmax()) % meter + 1
        counted[after] = (after + np.bincount(tails).argmax()) % meter + 1
    return counted


def _increasing(times: Floats, locked: Bools) -> Bools:
    """(B,) which beats to keep so that all are at least half an interval apart.

    Beats on lines (`locked`) are preferred.
    """
    if len(times) < 3:
        return np.ones(len(times), dtype=bool)
    least = 0.5 * float(np.median(np.diff(times)))
    kept: list[int] = []
    for index in range(len(times)):
        while kept and times[index] - times[kept[-1]] < least and locked[index]:
            if locked[kept[-1]]:
                break
            kept.pop()
        if not kept or times[index] - times[kept[-1]] >= least:
            kept.append(index)
    mask = np.zeros(len(times), dtype=bool)
    mask[kept] = True
    return mask


def _jitter(detected: Floats, grid: Floats) -> float | None:
    """The standard deviation in seconds of detected beats around the nearest beats of the grid."""
    if not len(grid):
        return None
    after = np.clip(np.searchsorted(grid, detected), 1, max(len(grid) - 1, 1))
    beside = np.stack([grid[after - 1], grid[np.minimum(after, len(grid) - 1)]])
    error = np.abs(detected - beside).argmin(axis=0)
    distance = detected - beside[error, np.arange(len(detected))]
    distance = distance[np.abs(distance) < MATCH]
    return float(distance.std()) if len(distance) else None
