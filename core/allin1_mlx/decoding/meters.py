"""Beats in bars of 2 to 7 beats, and in songs that change between them.

To search all lengths of bars at once would take four times the memory of 3 and 4 beats. So the
beats are first found without bars. How surely the network heard a downbeat at each of them says
which bars are possible, and only these are searched. Finally the beats of a song in 3 or 4 are
counted again: bars of other lengths are counted where that explains its downbeats much better.

The evidence for a downbeat is compared to the song's mean. Otherwise long bars would always win in
songs whose downbeats are hardly heard, as they have the fewest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS
from .beats import BARS, Beats, decode_beats
from .tempo_space import STEADY

LENGTHS = (2, 3, 4, 5, 6, 7)  # beats per bar
PRIOR = dict(zip(LENGTHS, np.log([0.02, 0.1, 0.82, 0.02, 0.02, 0.02]).tolist(), strict=True))
CLEARLY = 20.0  # nats by which a length of bars must be better than others to rule them out
CHANGE = 8.0  # nats that a change of the length costs, and that counting bars again must gain
TWO = 0.5  # nats that each bar of two costs: networks often hear the third beat of four as a first
AROUND = 2  # frames to either side of a beat in which its probabilities are looked up
LEAST = 0.05  # probability of a beat below which it says little about downbeats
SAME_LEVEL = 0.05  # share of the beats that two courses at one level may differ by
SURE = 0.02  # no downbeat is less likely than this, nor more likely than 1 - SURE
MOST = 4.0  # nats that one beat can add

Probabilities = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def decode_meters(
    beat: Probabilities,
    downbeat: Probabilities,
    *,
    threshold: float,
) -> Beats:
    """Decode the probabilities (T,) of any beat and of a downbeat, in bars of LENGTHS.

    Arguments and errors are those of `decode_beats`.
    """

    def decode(downbeat: Probabilities, bars: tuple[int, ...]) -> Beats:
        return decode_beats(beat, downbeat, threshold=threshold, tempo_space=STEADY, bars=bars)

    pulse = decode(beat, (1,))
    free = downbeat_evidence(pulse.times, beat, downbeat)
    bars = possible_bars(free)
    beats = decode(downbeat, bars)
    if not set(bars) <= set(BARS):
        return beats
    counted = count_again(downbeat_evidence(beats.times, beat, downbeat))
    # Bars of one length push beats aside where another length begins; the pulse has no bars.
    counted_freely = count_again(free)
    same_level = abs(len(pulse.times) - len(beats.times)) < SAME_LEVEL * len(beats.times)
    if counted_freely is not None and (same_level or counted is not None):
        return Beats(pulse.times, counted_freely)
    return beats if counted is None else Beats(beats.times, counted)


def downbeat_evidence(times: Floats, beat: Probabilities, downbeat: Probabilities) -> Floats:
    """(B,) how much more a downbeat at each of the times is likely than in the mean, in nats."""
    if not len(times):
        return np.zeros(0)
    frames = np.rint(times * FPS).astype(np.int64)[:, None] + np.arange(-AROUND, AROUND + 1)
    frames = np.clip(frames, 0, len(beat) - 1)
    first = np.nan_to_num(downbeat[frames].astype(np.float64)).max(axis=1)
    heard = np.maximum(np.nan_to_num(beat[frames].astype(np.float64)).max(axis=1), first)
    share = np.clip(first / np.maximum(heard, LEAST), SURE, 1 - SURE)
    usual = share.mean()
    odds = np.log(share / (1 - share)) - np.log(usual / (1 - usual))
    clipped: Floats = np.clip(odds, -MOST, MOST)
    return clipped


def possible_bars(evidence: Floats) -> tuple[int, ...]:
    """The lengths of bars to search, from `downbeat_evidence` (B,).

    It is one of more than 4 beats, or one or both of 3 and 4. Bars of 2 are never the whole song:
    they are counted as 4.
    """
    scores = {bar: _constant(evidence, bar) for bar in LENGTHS[1:]}
    best = max(scores[bar] for bar in BARS)
    longest = max((bar for bar in scores if bar not in BARS), key=lambda bar: scores[bar])
    if scores[longest] > best + CLEARLY:
        return (longest,)
    return tuple(bar for bar in BARS if scores[bar] > best - CLEARLY)


def count_again(evidence: Floats) -> Ints | None:
    """The positions in the bar (B,), in bars of any LENGTHS; None if bars of 3 or 4 do as well.

    evidence: (B,) as from `downbeat_evidence`.
    """
    if len(evidence) < LENGTHS[-1]:
        return None
    bars, score = best_bars(evidence)
    constant = max(_constant(evidence, bar) for bar in BARS)
    if score < constant + CHANGE:
        return None
    counted = np.concatenate([np.arange(first, last) for first, last in bars]) + 1
    return counted.astype(np.int64)


def _constant(evidence: Floats, bar: int) -> float:
    """The score of a song in bars of one length."""
    phases = [float(evidence[first::bar].sum()) for first in range(bar)]
    return PRIOR[bar] - float(np.log(bar)) + max(phases)


def best_bars(evidence: Floats) -> tuple[list[tuple[int, int]], float]:
    """The best division into bars: of each its first position and the one after its last, from 0.

    Viterbi over bars. score[i][k]: of the best division before a bar of LENGTHS[k] that begins with
    beat i, and of this bar; before[i][k]: the index of the length of the bar before it.
    """
    B, kinds = len(evidence), range(len(LENGTHS))
    heard = evidence.tolist()
    begins = [PRIOR[bar] - float(np.log(bar)) for bar in LENGTHS]  # the song begins within a bar
    cost = [TWO if bar == 2 else 0.0 for bar in LENGTHS]
    score: list[list[float]] = []
    before: list[list[int]] = []
    for i in range(B):
        ended = [score[i - LENGTHS[k]][k] if i >= LENGTHS[k] else begins[k] for k in kinds]
        best = max(ended)
        other, changed = ended.index(best), best - CHANGE
        score.append([max(ended[k], changed) + heard[i] - cost[k] for k in kinds])
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
