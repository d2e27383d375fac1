"""The beats of a song, in bars of 3 or 4 beats, or in bars of 2 to 7 that may change.

A search over all bar lengths at once would need four times the memory of a search over 3 and 4
beats. So the beats are first found without bars. The probabilities of downbeats at these beats show
which bar lengths are possible, and only these are searched. Finally, the beats of a song in 3 or 4
are counted again: bars of other lengths are used if they explain the downbeats much better.

The evidence for a downbeat is compared with the song's mean. Otherwise long bars would always win
in songs with weak downbeats, because they have the fewest downbeats.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, Activations
from .bar_pointer import make_tables
from .beats import BARS, Beats, decode_beats, drop_guesses
from .ending import follow_ending
from .levels import correct_level, prefer_double, prefer_slower
from .tempo_space import PUBLISHED, STEADY


def find_beats(found: Activations, *, threshold: float, steady: bool) -> Beats:
    """Find the beats of a song and their positions in the bar; none if too few are probable.

    found: the network's probabilities. threshold: lowest probability of the first and last beat.
    steady: False decodes like the published programs, in bars of 3 or 4 beats; True expects long
    passages of one tempo, and bars of 2 to 7 beats.
    """
    decode = decode_meters if steady else decode_beats
    beats = decode(found.beat, found.downbeat, threshold=threshold, tempo=found.tempo)
    if steady:
        tempo = correct_level(beats, found)
        if tempo is not None:
            beats = decode(found.beat, found.downbeat, threshold=threshold, tempo=tempo)
        beats = follow_ending(beats, found, threshold=threshold)
    return drop_guesses(beats, found.beat, found.downbeat)


def prepare_tables(*, steady: bool) -> None:
    """Make the tables that `find_beats` needs for most songs now, not at the first song."""
    if steady:
        make_tables((1,), STEADY)
        make_tables((4,), STEADY)
    else:
        make_tables(BARS, PUBLISHED)


LENGTHS = (2, 3, 4, 5, 6, 7)  # beats per bar
PRIOR = dict(zip(LENGTHS, np.log([0.02, 0.1, 0.82, 0.02, 0.02, 0.02]).tolist(), strict=True))
CLEARLY = 20.0  # nats by which bars must fit better than others to exclude them
SIX = 60.0  # nats by which bars of six fast beats must fit better than their second halves
FAST = 60 / 130  # seconds: three beats are half of a bar of six only if each is shorter than this
CHANGE = 8.0  # cost of a change of the bar length in nats
TWO = 0.5  # cost of each bar of two in nats: the third beat of four often seems a downbeat
AROUND = 2  # frames before and after a beat in which its probabilities are read
LEAST = 0.05  # a beat of lower probability gives little evidence for downbeats
SAME_LEVEL = 0.05  # relative difference in the number of beats of two results at one tempo
SURE = 0.02  # probabilities of downbeats are clipped to SURE .. 1 - SURE
MOST = 4.0  # most nats from one beat
BETWEEN = 0.3  # twice the tempo is tried if this share of the downbeats lies between beats
UNEVEN = ((5,), (6,), (7,))  # the bars for which it is used
SILENT = 0.25  # share of the others' probability below which every third beat is silent
CLEARER = 1.3  # factor by which beats must be more probable to be preferred
# The first beat of a song is a downbeat in 684 of the 794 songs in 4/4 of the Harmonix Set.
START = float(np.log(684 / (110 / 3)))  # nats in favour of a downbeat, against each other position

Probabilities = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def decode_meters(
    beat: Probabilities,
    downbeat: Probabilities,
    *,
    threshold: float,
    tempo: NDArray[np.floating[Any]] | None = None,
) -> Beats:
    """Decode the probabilities (T,) of any beat and of a downbeat, in bars of LENGTHS.

    Arguments and errors are those of `decode_beats`. A shuffle may be taken for a waltz of 3/2 of
    its tempo, whose third beats are silent. Then two thirds of the tempo are tried.
    """
    beats = _decode_level(beat, downbeat, threshold=threshold, tempo=tempo)
    likely = _highest(beats.times, beat)
    if len(likely) >= LENGTHS[-1] and beats.positions.max() == 3:
        thirds = [float(likely[first::3].mean()) for first in range(3)]
        if min(thirds) < SILENT * max(thirds):
            slow = prefer_slower(tempo, beats.times, len(beat))
            slower = _decode_level(beat, downbeat, threshold=threshold, tempo=slow)
            if _highest(slower.times, beat).mean() > CLEARER * likely.mean():
                return slower
    return beats


def _decode_level(
    beat: Probabilities,
    downbeat: Probabilities,
    *,
    threshold: float,
    tempo: NDArray[np.floating[Any]] | None,
) -> Beats:
    """Decode the beats at the level of the pulse that the tempo suggests."""

    def decode(downbeat: Probabilities, bars: tuple[int, ...]) -> Beats:
        return decode_beats(
            beat, downbeat, threshold=threshold, tempo_space=STEADY, bars=bars, tempo=tempo
        )

    pulse = decode(beat, (1,))
    free = downbeat_evidence(pulse.times, beat, downbeat)
    bars = possible_bars(free, pulse.times)
    if share_between(pulse.times, downbeat) > BETWEEN:
        judged, tempo = tempo, prefer_double(tempo, pulse.times, len(beat))
        times = decode(beat, (1,)).times
        double = downbeat_evidence(times, beat, downbeat)
        uneven = possible_bars(double, times)
        if uneven in UNEVEN and _constant(double, *uneven) > _best_constant(free) + CHANGE:
            return decode(downbeat, uneven)
        tempo = judged
    beats = decode(downbeat, bars)
    if not set(bars) <= set(BARS):
        return beats
    counted = count_again(downbeat_evidence(beats.times, beat, downbeat))
    # A fixed bar length shifts beats at a change of the length; the pulse has no bars.
    counted_freely = count_again(free)
    same_level = abs(len(pulse.times) - len(beats.times)) < SAME_LEVEL * len(beats.times)
    if counted_freely is not None and (same_level or counted is not None):
        return Beats(pulse.times, counted_freely)
    if counted is not None:
        return Beats(beats.times, counted)
    return Beats(beats.times, count_from_start(beats, beat, downbeat))


def share_between(times: Floats, downbeat: Probabilities) -> float:
    """The share of the downbeats, by probability, that lie midway between two beats.

    It is near a half if bars of 5 or 7 were decoded at half their tempo: every other bar then
    begins between two beats.
    """
    if len(times) < LENGTHS[-1]:
        return 0.0
    on, off = (_highest(places, downbeat) for places in (times[1:], (times[1:] + times[:-1]) / 2))
    usual = float(np.median(np.concatenate([on, off])))
    loud_on, loud_off = (float(np.maximum(likely - usual, 0).sum()) for likely in (on, off))
    return loud_off / max(loud_on + loud_off, 1e-9)


def _highest(times: Floats, probabilities: Probabilities) -> Floats:
    """The highest probability around each time."""
    frames = np.rint(times * FPS).astype(np.int64)[:, None] + np.arange(-AROUND, AROUND + 1)
    frames = np.clip(frames, 0, len(probabilities) - 1)
    return np.asarray(np.nan_to_num(probabilities[frames]).max(axis=1), np.float64)


def count_from_start(beats: Beats, beat: Probabilities, downbeat: Probabilities) -> Ints:
    """The positions of beats whose bars have one length, from 1 on if that is as likely.

    Where the network is undecided between two counts, the song begins with a downbeat.
    """
    if not len(beats.times) or beats.positions[0] == 1:
        return beats.positions
    evidence = downbeat_evidence(beats.times, beat, downbeat)
    found = evidence[beats.positions == 1].sum()
    other = evidence[beats.positions == beats.positions[0]].sum()
    if other + START <= found:
        return beats.positions
    counted: Ints = np.arange(len(beats.times)) % beats.positions.max() + 1
    return counted


def downbeat_evidence(times: Floats, beat: Probabilities, downbeat: Probabilities) -> Floats:
    """(B,) evidence in nats for a downbeat at each time, compared with the mean of the song."""
    if not len(times):
        return np.zeros(0)
    first = _highest(times, downbeat)
    likely = np.maximum(_highest(times, beat), first)
    share = np.clip(first / np.maximum(likely, LEAST), SURE, 1 - SURE)
    usual = share.mean()
    odds = np.log(share / (1 - share)) - np.log(usual / (1 - usual))
    clipped: Floats = np.clip(odds, -MOST, MOST)
    return clipped


def possible_bars(evidence: Floats, times: Floats) -> tuple[int, ...]:
    """The lengths of bars to search, from `downbeat_evidence` (B,) at the times (B,) of beats.

    The result is one length above 4, or one or both of 3 and 4. Bars of 2 are counted as 4. Three
    fast beats are half of a bar of six if every other downbeat adds little evidence.
    """
    scores = {bar: _constant(evidence, bar) for bar in LENGTHS[1:]}
    fast = len(times) > 1 and float(np.median(np.diff(times))) < FAST
    rest = scores[3] - scores[6]
    if fast and scores[3] > scores[4] and scores[6] > max(2 * rest, rest + SIX):
        return (6,)
    best = max(scores[bar] for bar in BARS)
    longest = max((bar for bar in scores if bar not in BARS), key=lambda bar: scores[bar])
    if scores[longest] > best + CLEARLY:
        return (longest,)
    return tuple(bar for bar in BARS if scores[bar] > best - CLEARLY)


def count_again(evidence: Floats) -> Ints | None:
    """The positions in the bar (B,), in bars of any LENGTHS; None if bars of 3 or 4 fit as well.

    evidence: (B,) from `downbeat_evidence`.
    """
    if len(evidence) < LENGTHS[-1]:
        return None
    bars, score = best_bars(evidence)
    constant = max(_constant(evidence, bar) for bar in BARS)
    if score < constant + CLEARLY:
        return None
    counted = np.concatenate([np.arange(first, last) for first, last in bars]) + 1
    return counted.astype(np.int64)


def _best_constant(evidence: Floats) -> float:
    """The score of a song in bars of the one length that fits best."""
    return max(_constant(evidence, bar) for bar in LENGTHS)


def _constant(evidence: Floats, bar: int) -> float:
    """The score of a song in bars of one length."""
    phases = [float(evidence[first::bar].sum()) for first in range(bar)]
    return PRIOR[bar] - float(np.log(bar)) + max(phases)


def best_bars(evidence: Floats) -> tuple[list[tuple[int, int]], float]:
    """The best division into bars, (first position, last position + 1) from 0, and its score.

    Viterbi decoding over bars. score[i][k]: of the best division that ends with a bar of LENGTHS[k]
    which begins at beat i. before[i][k]: the index of the length of the bar before that one.
    """
    B, kinds = len(evidence), range(len(LENGTHS))
    gains = evidence.tolist()
    begins = [PRIOR[bar] - float(np.log(bar)) for bar in LENGTHS]  # the song begins within a bar
    cost = [TWO if bar == 2 else 0.0 for bar in LENGTHS]
    score: list[list[float]] = []
    before: list[list[int]] = []
    for i in range(B):
        ended = [score[i - LENGTHS[k]][k] if i >= LENGTHS[k] else begins[k] for k in kinds]
        best = max(ended)
        other, changed = ended.index(best), best - CHANGE
        score.append([max(ended[k], changed) + gains[i] - cost[k] for k in kinds])
        before.append([k if ended[k] >= changed else other for k in kinds])
    last = [(score[i][k], i, k) for k in kinds for i in range(B - LENGTHS[k], B)]
    total, i, k = max(last)
    bars = [(0, B - i)]
    while i > 0:
        k = before[i][k]
        length = LENGTHS[k]
        bars.append((max(length - i, 0), length))
        i -= length
    return bars[::-1], total
