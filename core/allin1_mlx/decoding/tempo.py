"""Tempo and meter of a song's beats, and the other tempos that its music may have.

Times are seconds, increasing. They may be rounded to frames, so one interval is not precise: 0.50 s
can be any tempo between 118 and 122 bpm. A straight line through many beats is precise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..types import (
    CLASSES_PER_OCTAVE,
    FPS,
    LOWEST_TEMPO,
    Activations,
    Steady,
    Tempo,
    TempoLevel,
)
from .beats import Beats
from .steady import SINGLE, find_passages

SAME_BEAT = 0.1  # of a beat: in an interval that differs more, a beat is wrong or missing
SAME_TEMPO = 0.01  # of the tempo: a larger difference is another tempo
EXACT = replace(SINGLE, tolerance=0.0007)  # for beats rounded to the millisecond, in seconds
REACH = 4  # beats before and after an interval that are used to measure the tempo around it
ENOUGH = 8  # number of intervals needed for full confidence

Floats = NDArray[np.float64]


def estimate_tempo(beats: Sequence[float] | Floats) -> Tempo:
    """Estimate the tempo of most of the song, with decimals, from its beats (B,).

    Straight lines with one common slope are fitted to all stretches of beats at that tempo. Wrong
    and missing beats, pauses and other tempos do not change it. If more than half of those beats
    lie in passages of one exact tempo, that exact tempo is returned. The confidence is the share of
    intervals in those stretches. It is low if the tempo drifts, if beats are uneven, and if there
    are few beats.
    """
    times = np.asarray(beats, dtype=np.float64)
    intervals = np.diff(times)
    if intervals.size == 0:
        return Tempo(None, 0.0)
    rough = _commonest(intervals, SAME_BEAT)
    steps = np.rint(intervals / rough)  # 2 if a beat is missing, 0 if there is one too many
    around = _periods_around(times, np.concatenate([[0], steps.cumsum()]))
    period = _commonest(around[steps == 1], 2 * SAME_TEMPO)
    steady = np.abs(intervals - period) <= SAME_BEAT * period
    steady &= np.abs(around - period) <= SAME_TEMPO * period
    if not steady.any():
        return Tempo(60 / period, 0.0)
    played = np.append(steady, False) | np.insert(steady, 0, False)
    confidence = steady.sum() / max(intervals.size, ENOUGH)
    passages = find_steady(times)
    bpm = _exact_tempo(passages, period * float(steady.sum()))
    if bpm is None:
        bpm = 60 / _common_slope(times[played], period)
    return Tempo(bpm, float(confidence), passages)


def find_steady(beats: Sequence[float] | Floats) -> tuple[Steady, ...]:
    """Find the passages of exactly constant tempo in beats (B,) that are exact to the millisecond.

    Rounding to whole frames can make uneven beats seem constant for a while. So for beats in whole
    frames, only a passage of the whole song is returned.
    """
    times = np.asarray(beats, dtype=np.float64)
    passages = find_passages(times, evidence=EXACT)
    in_frames = np.abs(times * FPS - np.rint(times * FPS)).max(initial=0) < 1e-6
    if in_frames and [(p.first, p.last) for p in passages] != [(0, len(times) - 1)]:
        return ()
    return tuple(Steady(float(times[p.first]), float(times[p.last]), p.line.bpm) for p in passages)


def _exact_tempo(passages: Sequence[Steady], seconds: float) -> float | None:
    """The tempo of the passages that together last more than half of `seconds`, or None."""
    lengths: dict[float, float] = {}
    for passage in passages:
        bpm = round(passage.bpm, 4)
        lengths[bpm] = lengths.get(bpm, 0.0) + passage.end - passage.start
    longest = max(lengths, key=lambda bpm: lengths[bpm], default=0.0)
    return longest if lengths.get(longest, 0.0) > seconds / 2 else None


def round_tempo(beats: Sequence[float] | Floats, tempo: Tempo | None = None) -> int | None:
    """The tempo in whole bpm, or None with fewer than two beats.

    For a song of constant tempo it is `tempo`, rounded. Otherwise it is the most frequent tempo
    between consecutive beats (B,), as in the reference. The faster tempo wins a tie.
    """
    if tempo is not None and tempo.constant and tempo.bpm is not None:
        return round(tempo.bpm)
    intervals = np.diff(np.asarray(beats, dtype=np.float64))
    tempos, counts = np.unique(np.rint(60 / intervals), return_counts=True)
    return int(tempos[counts == counts.max()][-1]) if tempos.size else None


def estimate_meter(positions: Sequence[int] | NDArray[np.int64]) -> int | None:
    """The most frequent number of beats per bar, or None if no bar is complete.

    positions: (B,) of the beats in their bars, from 1. The greater number wins a tie.
    """
    downbeats = np.flatnonzero(np.asarray(positions) == 1)
    bars, counts = np.unique(np.diff(downbeats), return_counts=True)
    return int(bars[counts == counts.max()][-1]) if bars.size else None


def _commonest(values: Floats, width: float) -> float:
    """The mean of the fullest cluster: the range from v to v * (1 + width) with the most values."""
    ascending = np.sort(values)
    ends = np.searchsorted(ascending, ascending * (1 + width), side="right")
    counts = ends - np.arange(len(ascending))
    fullest = np.flatnonzero(counts == counts.max())
    first = fullest[len(fullest) // 2]  # the middle one of equally full ranges
    return float(ascending[first : ends[first]].mean())


def _periods_around(times: Floats, index: Floats) -> Floats:
    """Seconds per beat from REACH beats before to REACH beats after each interval, (B - 1,)."""
    last = len(times) - 1
    left = np.maximum(np.arange(last) - REACH, 0)
    right = np.minimum(np.arange(last) + 1 + REACH, last)
    return (times[right] - times[left]) / np.maximum(index[right] - index[left], 1)


def _common_slope(times: Floats, period: float) -> float:
    """Seconds per beat by least squares: one slope, and a separate offset for each stretch.

    An uneven beat does not end a stretch, nor does a short gap of whole beats. Any other pause
    starts a new stretch with a new offset.
    """
    gaps = np.diff(times)
    steps = np.rint(gaps / period)
    tolerance = np.where(steps == 1, 2 * SAME_BEAT, SAME_BEAT / 2) * period
    broken = (np.abs(gaps - steps * period) > tolerance) | (steps > 2 * REACH)
    stretch = np.concatenate([[0], broken.cumsum()])
    beats = np.concatenate([[0], steps.cumsum()])
    sizes = np.bincount(stretch)
    beats -= (np.bincount(stretch, beats) / sizes)[stretch]
    seconds = times - (np.bincount(stretch, times) / sizes)[stretch]
    return float(beats @ seconds / (beats @ beats))


# Other sequences of beats fit the same music, and the decoder may choose the wrong one. Each gets a
# probability from the whole song. The evidence is: the network's probabilities on its beats and
# between them; the difference between odd and even beats; how usual the tempo is; and the network's
# own tempo, if it has outputs for that. The weights come from a multinomial logistic regression on
# songs with known beats, which were composed or played by a sequencer. So the probabilities are
# reliable only for similar songs.

# Old beats per new beat, and the old beats (with fractions) at which the first new one may be.
COURSES: dict[str, tuple[float, tuple[float, ...]]] = {
    "1": (1, (0,)),
    "1/2": (2, (0, 1)),
    "2": (0.5, (0,)),
    "2/3": (1.5, (0, 0.5, 1)),
    "3/2": (2 / 3, (0,)),
    "offbeat": (1, (0.5,)),
}
# Of the network's tempo, beats, the middle between beats, thirds between beats, every other beat,
# the usual tempo, and the decoder's choice.
WEIGHTS = (0.92, 0.90, -1.36, -0.86, -0.55, -0.52, 1.42)
WEIGHTS_WITHOUT_TEMPO = (0.0, 1.13, -0.70, -1.39, -0.83, -1.48, 2.00)
USUAL_TEMPO = 120.0  # BPM
TEMPO_WIDTH = 1.2  # standard deviation in classes within which the network's tempo counts
LEAST_TEMPO, LEAST_HEIGHT = 0.01, 0.02  # added before logarithms
AROUND = 2  # frames before and after a time in which its probability is read
FEWEST = 16  # least number of beats of a song for this method
WORTH_NAMING = 0.1  # least probability of an alternative that is listed
MOST_NAMED = 2


def name_alternatives(tempo: Tempo, beats: Beats, found: Activations) -> Tempo:
    """Add the likely alternatives (half, double, 2:3, 3:2, or half a beat later) to a tempo.

    found: the network's probabilities, from which the beats were decoded.
    """
    if tempo.bpm is None or len(beats.times) < FEWEST:
        return tempo
    likely = weigh_levels(beats, found)
    others = [
        TempoLevel(tempo.bpm / COURSES[change][0], change, share)
        for change, share in likely.items()
        if change != "1" and share >= WORTH_NAMING
    ]
    others.sort(key=lambda level: -level.confidence)
    return replace(tempo, alternatives=tuple(others[:MOST_NAMED]))


def weigh_levels(beats: Beats, found: Activations) -> dict[str, float]:
    """The probability of each of COURSES; they sum to 1. At least FEWEST beats are needed."""
    likely = np.nan_to_num(np.maximum(found.beat, found.downbeat)).astype(np.float64)
    tempo = _pool(found.tempo)
    weights = np.array(WEIGHTS_WITHOUT_TEMPO if tempo is None else WEIGHTS)
    scores = {}
    for change in COURSES:
        for first, course in enumerate(_courses(beats.times, change)):
            evidence = [_tempo_evidence(course, tempo), *_evidence(course, likely), change == "1"]
            scores[change, first] = float(weights @ np.array(evidence, dtype=np.float64))
    highest = max(scores.values())
    shares = {key: float(np.exp(score - highest)) for key, score in scores.items()}
    total = sum(shares.values())
    return {
        change: sum(share for (name, _), share in shares.items() if name == change) / total
        for change in COURSES
    }


def _pool(tempo: NDArray[np.float32] | None) -> Floats | None:
    """(C,) probabilities: the mean of `Activations.tempo` (C, n) over the song."""
    if tempo is None or not tempo.shape[1]:
        return None
    mean = np.exp(tempo.astype(np.float64)).mean(axis=1)
    pooled: Floats = mean / mean.sum()
    return pooled


def _courses(times: Floats, change: str) -> list[Floats]:
    """The beats (B,) after a change, one array for each possible first beat."""
    step, firsts = COURSES[change]
    index = np.arange(len(times))
    last = len(times) - 1 + 1e-9
    return [np.interp(np.arange(first, last, step), index, times) for first in firsts]


def _evidence(course: Floats, likely: Floats) -> list[float]:
    """Evidence for a course of beats.

    It is the logarithm of the mean probability at beats, between them and at thirds; the difference
    between odd and even beats; and the distance from the usual tempo.
    """

    def mean(times: Floats) -> float:
        return float(np.log(_heights(likely, times).mean() + LEAST_HEIGHT))

    before, after = course[:-1], course[1:]
    thirds = np.concatenate([(2 * before + after) / 3, (before + 2 * after) / 3])
    unusual = np.log2(_bpm(course) / USUAL_TEMPO) ** 2
    uneven = abs(mean(course[::2]) - mean(course[1::2]))
    return [mean(course), mean((before + after) / 2), mean(thirds), uneven, float(unusual)]


def _tempo_evidence(course: Floats, tempo: Floats | None) -> float:
    """The logarithm of the network's probability for the tempo of a course."""
    if tempo is None:
        return 0.0
    place = CLASSES_PER_OCTAVE * np.log2(_bpm(course) / LOWEST_TEMPO)
    near = np.exp(-0.5 * ((np.arange(len(tempo)) - place) / TEMPO_WIDTH) ** 2)
    return float(np.log(near @ tempo + LEAST_TEMPO))


def _bpm(course: Floats) -> float:
    return 60 / float(np.median(np.diff(course)))


def _heights(likely: Floats, times: Floats) -> Floats:
    """(B,) the highest probability near each time."""
    frames = np.rint(times * FPS).astype(np.int64)[:, None] + np.arange(-AROUND, AROUND + 1)
    heights: Floats = likely[np.clip(frames, 0, len(likely) - 1)].max(axis=1)
    return heights
