"""The labels of sections: the most probable labels of all sections together.

The score of a label in a section depends on the network's probabilities, on the section's loudness
and place, and on the number of sections in its group. Labels that follow each other as in real
songs score higher, and so do equal labels within a group. All labels of the largest groups are
tried. For each choice, the best sequence of labels is found exactly (Viterbi).

The statistics of real songs are counts of the annotations of the Harmonix Set (Nieto et al., ISMIR
2019), 912 songs, made by the command `python -m allin1_mlx_training.music.section_priors`.

m: number of sections. N: number of labels (NAMES).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import LABELS

NAMES = tuple(label for label in LABELS if label not in ("start", "end"))  # labels of music
LONGEST = 36  # bars of a section
PLACES = 10  # number of equal parts of a song
TIMES = 4  # most occurrences of a label in a song; more count as this number
UNSEEN = 0.5  # added to each count of a succession

INTRO, OUTRO, BREAK, BRIDGE, INST, SOLO, VERSE, CHORUS = range(len(NAMES))
RETURNING = (VERSE, CHORUS, BRIDGE, INST)  # labels that a group of several sections can have
TIED = 4  # number of groups whose labels are tried together
IN_A_ROW = 3  # most choruses in a row

# Weights of the evidence, chosen on composed songs.
NETWORK = 8.0
PLACE = 0.5
RETURNS = 0.5
SUCCESSION = 0.7
LOUD = 0.5  # of the squared difference to USUAL_LOUDNESS
VOICE = 1.5
STRANGER = 4.0  # penalty for a section with another label than its group
QUOTE = 0.5  # penalty for an intro or outro instead, which often has the music of a group

CLEAR = 0.4  # least certainty at which the network's labels have their full weight
COMMON = 0.3  # share of the song's average that is subtracted from the network's labels
LEAST = 0.02  # added to the network's probabilities, which are never exact
CERTAIN = 5.0  # scores are divided by this before they become confidences

# Usual loudness in standard deviations of the song's sections, in the order of NAMES: means of the
# sections of composed songs with singing, and of real songs labelled by the published ensemble.
USUAL_LOUDNESS = np.array([-1.5, -1.0, -0.8, -0.9, 0.15, 0.4, -0.2, 0.7])
# The same for how much is sung, from the composed songs.
USUAL_VOICE = np.array([-1.5, -0.95, -0.9, -0.2, -1.15, -0.25, 0.45, 0.5])
LEAST_DEVIATION = 0.02  # smaller differences between sections do not count

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class SectionPriors:
    """Natural logarithms of frequencies; N labels in the order of NAMES.

    lengths: (LONGEST,) of sections of 1 to LONGEST bars, 0 for the most frequent length.
    first, last: (N,) of labels at the start and at the end of a song.
    following: (N, N) of a label (column) after another (row).
    places: (N, PLACES) of a label in each part of a song, relative to all labels.
    times: (N, TIMES) of each number of occurrences of a label, relative to all labels.
    """

    lengths: Floats
    first: Floats
    last: Floats
    following: Floats
    places: Floats
    times: Floats


@lru_cache(maxsize=1)
def load_priors() -> SectionPriors:
    """Read the counts of the package."""
    text = resources.files(__package__).joinpath("section_priors.json").read_text(encoding="utf-8")
    counts = json.loads(text)
    lengths = np.maximum(np.array(counts["lengths"], float), 1)
    following = np.array(
        [[counts["following"][a][b] for b in (*NAMES, ">")] for a in ("<", *NAMES)], float
    )
    shares = np.log((following + UNSEEN) / (following + UNSEEN).sum(axis=1, keepdims=True))
    return SectionPriors(
        lengths=np.log(lengths / lengths.max()),
        first=shares[0, :-1],
        last=shares[1:, -1],
        following=shares[1:, :-1],
        places=_log_ratio(np.array([counts["places"][name] for name in NAMES], float)),
        times=_log_ratio(np.array([counts["times"][name] for name in NAMES], float)),
    )


def _log_ratio(counts: Floats) -> Floats:
    """Log shares (N, columns) of each label's counts, relative to the mean of all labels."""
    shares = (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    return np.asarray(np.log(shares / shares.mean(axis=0)))


@dataclass(frozen=True, eq=False)
class SectionFacts:
    """The features of sections that decide about labels.

    bars, groups: (m,) length and group of each section. loudness: (m,) means of the log spectrum.
    voice: (m,) mean probability that somebody sings. predicted: (m, N) mean probabilities from the
    network.
    """

    bars: NDArray[np.int64]
    groups: NDArray[np.int64]
    loudness: Floats
    voice: Floats
    predicted: Floats

    @cached_property
    def certainty(self) -> float:
        """Certainty of the network's labels: 0 if all are equally probable, 1 if one is certain.

        It is low for music that differs from the training data.
        """
        p = self.predicted / np.maximum(self.predicted.sum(axis=1, keepdims=True), 1e-9)
        entropy = -(p * np.log(np.maximum(p, 1e-9))).sum(axis=1)
        return float(1 - np.average(entropy, weights=self.bars) / np.log(len(NAMES)))


@dataclass(frozen=True)
class SectionLabels:
    """The label of each section, and the probability that it is right, 0 to 1."""

    names: tuple[str, ...]
    confidence: tuple[float, ...]


def label_sections(facts: SectionFacts, priors: SectionPriors) -> SectionLabels:
    """Return the most probable labels of all sections together."""
    following = SUCCESSION * priors.following
    following[1:, INTRO] = -np.inf  # only an intro may precede an intro
    following[OUTRO, :OUTRO] = following[OUTRO, OUTRO + 1 :] = -np.inf  # an outro ends the song
    choices = _tie_groups(facts, _score_each(facts, priors))
    choices[:, 0] += SUCCESSION * priors.first
    choices[:, -1] += SUCCESSION * priors.last
    ahead, back = _scan(choices, following)
    best = (ahead + back).max(axis=(1, 3))  # (m, N): the best sequence with that label there
    labels = _read_path(ahead, choices, following)
    odds = np.exp((best - best.max(axis=1, keepdims=True)) / CERTAIN)
    confidence = odds[np.arange(len(labels)), labels] / odds.sum(axis=1)
    return SectionLabels(tuple(NAMES[k] for k in labels), tuple(confidence.tolist()))


def _score_each(facts: SectionFacts, priors: SectionPriors) -> Floats:
    """The scores (m, N) of all labels in each section, without regard to other sections."""
    ends = np.cumsum(facts.bars)
    middles = (ends - facts.bars / 2) / ends[-1]
    places = np.minimum((PLACES * middles).astype(int), PLACES - 1)
    times = np.minimum(np.bincount(facts.groups)[facts.groups], TIMES) - 1
    louder = _compare(facts.loudness, facts.bars)
    sung = _compare(facts.voice, facts.bars)
    usual = np.average(facts.predicted, axis=0, weights=facts.bars)
    predicted = np.log(facts.predicted + LEAST) - COMMON * np.log(usual + LEAST)
    trust = min(1.0, facts.certainty / CLEAR) ** 3
    return np.asarray(
        NETWORK * trust * predicted
        + PLACE * priors.places[:, places].T
        + RETURNS * priors.times[:, times].T
        - LOUD * (louder[:, None] - USUAL_LOUDNESS) ** 2
        + VOICE * sung[:, None] * USUAL_VOICE
    )


def _compare(values: Floats, bars: NDArray[np.int64]) -> Floats:
    """(m,) values of sections in standard deviations of the song, from -2 to 2."""
    mean = np.average(values, weights=bars)
    deviation = np.sqrt(np.average((values - mean) ** 2, weights=bars))
    return np.clip((values - mean) / max(float(deviation), LEAST_DEVIATION), -2, 2)


def _tie_groups(facts: SectionFacts, scores: Floats) -> Floats:
    """The scores (C, m, N) for each of the C ways to label the TIED largest groups."""
    sizes = np.bincount(facts.groups, weights=facts.bars)
    returning = np.flatnonzero(np.bincount(facts.groups) > 1)
    tied = returning[np.argsort(-sizes[returning], kind="stable")][:TIED]
    ways = list(product(RETURNING, repeat=len(tied)))
    choices = np.repeat(scores[None], len(ways), axis=0)
    for choice, way in zip(choices, ways, strict=True):
        for group, label in zip(tied, way, strict=True):
            cost = np.full(scores.shape, STRANGER)
            cost[:, label] = 0
            cost[0, INTRO] = cost[-1, OUTRO] = QUOTE
            inside = facts.groups == group
            choice[inside] -= cost[inside]
    return choices


def _scan(choices: Floats, following: Floats) -> tuple[Floats, Floats]:
    """The best scores until each section, and after it: (m, C, N, IN_A_ROW) each.

    A state is a label and the number of sections in a row that have it.
    """
    C, m, N = choices.shape
    ahead = np.full((m, C, N, IN_A_ROW), -np.inf)
    ahead[0, :, :, 0] = choices[:, 0]
    for i in range(1, m):
        ahead[i] = _enter(ahead[i - 1], following) + choices[:, i, :, None]
    back = np.zeros((m, C, N, IN_A_ROW))
    for i in range(m - 2, -1, -1):
        back[i] = _leave(back[i + 1] + choices[:, i + 1, :, None], following)
    return ahead, back


def _enter(before: Floats, following: Floats) -> Floats:
    """States (C, N, IN_A_ROW) after one more section, without its score."""
    stay = np.diag(following)
    after = np.empty_like(before)
    after[..., 0] = (before.max(axis=2)[:, :, None] + _others(following)).max(axis=1)
    after[..., 1:] = before[..., :-1] + stay[:, None]
    more = np.maximum(after[..., -1], before[..., -1] + stay)
    after[..., -1] = np.where(np.arange(len(stay)) == CHORUS, after[..., -1], more)
    return after


def _leave(after: Floats, following: Floats) -> Floats:
    """States (C, N, IN_A_ROW) before a section whose states score `after`."""
    stay = np.diag(following)
    switch = (_others(following) + after[:, None, :, 0]).max(axis=2)
    before = np.repeat(switch[..., None], IN_A_ROW, axis=2)
    before[..., :-1] = np.maximum(before[..., :-1], after[..., 1:] + stay[:, None])
    more = np.maximum(before[..., -1], after[..., -1] + stay)
    before[..., -1] = np.where(np.arange(len(stay)) == CHORUS, before[..., -1], more)
    return before


def _others(following: Floats) -> Floats:
    """Successions (N, N) of another label."""
    return np.where(np.eye(len(following), dtype=bool), -np.inf, following)


def _read_path(ahead: Floats, choices: Floats, following: Floats) -> list[int]:
    """The labels of the best sequence of the best choice."""
    m = len(ahead)
    choice, label, run = (int(k) for k in np.unravel_index(ahead[-1].argmax(), ahead[-1].shape))
    labels = [label]
    for i in range(m - 1, 0, -1):
        before = ahead[i - 1, choice]
        if run == 0:
            scores = before + _others(following)[:, label, None]
            label, run = (int(k) for k in np.unravel_index(scores.argmax(), scores.shape))
        elif run < IN_A_ROW - 1 or label == CHORUS or before[label, run - 1] >= before[label, run]:
            run -= 1
        labels.append(label)
    return labels[::-1]
