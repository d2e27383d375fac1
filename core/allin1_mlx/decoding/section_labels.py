"""The labels of sections: one label per group, chosen for the whole song at once.

The score of a label has three parts: the network's probabilities in all sections of the group; song
form (a chorus is loud and repeated, a bridge comes once and late); and how often labels follow each
other in the 912 songs of Harmonix (Nieto et al. 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import LABELS
from .bar_features import Bars

NAMES = ("intro", "outro", "break", "bridge", "inst", "solo", "verse", "chorus")
INTRO, OUTRO, BREAK, BRIDGE, INST, SOLO, VERSE, CHORUS = range(len(NAMES))
COLUMNS = [LABELS.index(name) for name in NAMES]

# Log probability of a label (column) after another (row); the last row is the start of the song,
# the last column its end. Of 9185 sections of Harmonix, each count raised by one.
FOLLOWS = np.array([
    [-3.6, -5.2, -4.8, -4.5, -2.8, -5.7, -0.4, -1.6, -4.0],
    [-6.1, -3.1, -6.1, -6.1, -6.1, -5.4, -5.4, -4.1, -0.1],
    [-4.1, -2.8, -3.4, -3.0, -2.3, -3.0, -1.4, -1.0, -2.8],
    [-4.2, -3.7, -3.6, -2.9, -3.3, -3.2, -1.6, -0.6, -3.5],
    [-4.7, -2.9, -3.5, -2.3, -2.7, -3.7, -0.7, -1.9, -2.4],
    [-4.4, -2.6, -3.0, -2.0, -3.5, -4.4, -1.2, -1.3, -2.1],
    [-6.9, -5.3, -4.7, -3.9, -4.4, -5.0, -1.2, -0.5, -4.3],
    [-4.3, -2.4, -4.7, -1.9, -2.6, -3.7, -1.3, -1.3, -2.2],
    [-0.2, -6.1, -6.8, -6.8, -4.5, -6.8, -2.7, -2.8, -6.8],
])  # fmt: skip

NETWORK = 1.0  # weights of the evidence
FORM = 1.0
ORDER = 0.5
TOGETHER = 1.0  # bonus if the first or the last section has the label of its group
UNSURE = 0.05  # added to the network's probabilities
IN_A_ROW = 3  # most choruses in a row
ABSURD = 20.0  # penalty for a label that is not allowed
PASSES = 8
SURE = 3.0  # scores are divided by this before they become confidences

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Parts:
    """The sections of a song, and their units: the sets of sections that share one label.

    cuts: the bars at which sections begin. groups: the group of each section. A unit is a group
    without the song's first and last section. These two are separate units, because an intro often
    has the music of the verse.
    """

    cuts: list[int]
    groups: list[int]

    @property
    def units(self) -> NDArray[np.int64]:
        """(m,) the unit of each section."""
        units = np.array(self.groups)
        units[0] = max(self.groups) + 1
        units[-1] = max(self.groups) + 2
        return np.unique(units, return_inverse=True)[1]


def label_sections(bars: Bars, parts: Parts) -> tuple[list[str], list[float]]:
    """Return the label of each section and its confidence, 0 to 1."""
    units = parts.units
    m, count = len(units), int(units.max()) + 1
    evidence = section_evidence(bars, parts)
    own = np.zeros((count, len(NAMES)))
    np.add.at(own, units, evidence)
    chosen = own.argmax(axis=1)
    scores = own
    for _ in range(PASSES):
        before = chosen.copy()
        scores = np.zeros_like(own)
        for unit in range(count):
            for label in range(len(NAMES)):
                tried = chosen.copy()
                tried[unit] = label
                scores[unit, label] = own[unit, label] + _form_score(tried[units], parts.groups)
            chosen[unit] = scores[unit].argmax()
        if (chosen == before).all():
            break
    likely = np.exp((scores - scores.max(axis=1, keepdims=True)) / SURE)
    likely /= likely.sum(axis=1, keepdims=True)
    labels = [NAMES[label] for label in chosen[units]]
    return labels, [float(likely[units[i], chosen[units[i]]]) for i in range(m)]


def section_evidence(bars: Bars, parts: Parts) -> NDArray[np.float64]:
    """(m, 8) evidence for each of NAMES in each section, equal within a group."""
    cuts, groups = np.array(parts.cuts), np.array(parts.groups)
    lengths = np.diff(cuts)
    m, B = len(groups), int(cuts[-1])
    loud = np.add.reduceat(bars.loudness, cuts[:-1]) / lengths
    spread = max(
        float(
            np.sqrt(np.average((loud - np.average(loud, weights=lengths)) ** 2, weights=lengths))
        ),
        0.02,
    )
    middle = float(np.average(loud, weights=lengths))
    heard = np.add.reduceat(bars.labels[:, COLUMNS], cuts[:-1], axis=0)
    evidence = np.zeros((m, len(NAMES)))
    for group in range(max(parts.groups) + 1):
        members = np.flatnonzero(groups == group)
        share = lengths[members].sum() / B
        mean = heard[members].sum(axis=0)
        mean = mean / max(float(mean.sum()), 1e-9)
        louder = (np.average(loud[members], weights=lengths[members]) - middle) / spread
        evidence[members] = NETWORK * np.log(mean + UNSURE) + FORM * _form(
            len(members), share, float(np.clip(louder, -2, 2)), float(cuts[members[0]] / B)
        )
    short = lengths <= 8
    evidence[1:, INTRO] -= ABSURD
    evidence[:-1, OUTRO] -= ABSURD
    evidence[0, INTRO] += 1.0 if short[0] else -0.5
    evidence[-1, OUTRO] += 0.5 if short[-1] else -1.0
    return evidence


def _form(times: int, share: float, louder: float, first: float) -> NDArray[np.float64]:
    """(8,) evidence from song form for each of NAMES.

    times: number of sections in the group. share: its share of the song. louder: its loudness in
    standard deviations. first: position in the song of its first section, 0 to 1.
    """
    form = np.zeros(len(NAMES))
    again = times > 1
    form[CHORUS] = (0.7 if again else -1.0) + 0.8 * louder + 2 * min(share, 0.4)
    form[VERSE] = (0.7 if again else -0.3) - 0.5 * louder + 2 * min(share, 0.4)
    late = 0.4 < first < 0.9
    form[BRIDGE] = (-2.0 if again else 0.3) + (0.3 if late else -1.5)
    form[INST] = 0.0 if not again else -0.7
    form[SOLO] = -1.0 + (-1.0 if again else 0.0)
    form[BREAK] = -1.0 - 0.5 * louder + (-1.0 if again else 0.0)
    return form


def _form_score(labels: NDArray[np.int64], groups: list[int]) -> float:
    """The score of a whole song's labels: usual successions add, what is not allowed subtracts."""
    score = ORDER * float(FOLLOWS[np.append(-1, labels), np.append(labels, -1)].sum())
    row = 0
    for label in labels:
        row = row + 1 if label == CHORUS else 0
        score -= ABSURD * (row > IN_A_ROW)
    for end in (0, len(labels) - 1):
        others = [labels[i] for i in range(1, len(labels) - 1) if groups[i] == groups[end]]
        if others and others[0] == labels[end]:
            score += TOGETHER
    return score
