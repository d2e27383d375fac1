"""The bars at which sections begin: the best division of a song, found by dynamic programming.

A section scores well if its bars sound alike, if its length is a common one, and if repetitions
begin or end, or the loudness changes, at its edges. After Marmoret, Cohen & Bimbot, "Barwise Music
Structure Analysis with the Correlation Block-Matching Segmentation Algorithm" (TISMIR 2023), with
repetition as in Serra et al., "Unsupervised music structure annotation by time series structure
features and segment similarity" (2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bar_features import Bars
from .section_priors import LONGEST, load_priors

SHORTEST = 2
NEAR = 15  # greatest distance of two bars of a section that are compared
AROUND = 4  # number of bars that are compared before and after an edge
ROWS = 256  # number of bars whose similarities are in memory at a time

ALIKE = 1.0  # weights of the evidence
LENGTH = 0.15
REPEATS = 0.3
LOUDER = 0.2
NETWORK = 1.0
COST = 0.3

Floats = NDArray[np.float64]


def cut_sections(bars: Bars) -> list[int]:
    """Return the bars at which sections begin, ascending, from 0 to B."""
    B = len(bars)
    blocks = block_scores(bars.sound)
    lengths = LENGTH * load_priors().lengths - COST
    evidence = edge_evidence(bars)
    best = np.full(B + 1, -np.inf)
    before = np.zeros(B + 1, np.int64)
    best[0] = 0.0
    for end in range(1, B + 1):
        n = np.arange(1, min(end, LONGEST) + 1)
        allowed = (n >= SHORTEST) | (n == B)
        scores = best[end - n] + ALIKE * blocks[end - n, n - 1] + lengths[n - 1]
        scores = np.where(allowed, scores, -np.inf)
        chosen = int(scores.argmax())
        best[end] = scores[chosen] + evidence[end]
        before[end] = end - n[chosen]
    cuts = [B]
    while cuts[-1] > 0:
        cuts.append(int(before[cuts[-1]]))
    return cuts[::-1]


def block_scores(sound: NDArray[np.float32]) -> Floats:
    """(B, LONGEST) similarity of the bars within each possible section: [first bar, length - 1].

    It is the sum over pairs of bars at most NEAR apart, divided by the length, and scaled so that
    the best section of eight bars has the score 1.
    """
    B = len(sound)
    pairs = np.zeros((B, NEAR + 1))  # [i, k]: bars i and i + k
    for k in range(1, min(NEAR, B - 1) + 1):
        pairs[: B - k, k] = np.einsum("ij,ij->i", sound[:-k], sound[k:])
    # [e, k]: bar e with the k bars before it
    added = np.zeros((B + LONGEST, NEAR + 1))
    for k in range(1, min(NEAR, B - 1) + 1):
        added[k:B, k] = pairs[: B - k, k]
    added = added.cumsum(axis=1)
    sums = np.zeros((B, LONGEST))
    first = np.arange(B)
    for n in range(2, LONGEST + 1):
        sums[:, n - 1] = sums[:, n - 2] + added[first + n - 1, min(n - 1, NEAR)]
    scores = 2 * sums / np.arange(1, LONGEST + 1)
    typical = scores[: max(B - 7, 1), 7].max() if B >= 8 else 1.0
    return scores / max(float(typical), 0.1)


def edge_evidence(bars: Bars) -> Floats:
    """(B + 1,) evidence for a boundary at each edge; 0 at both ends of the song."""
    B = len(bars)
    evidence = np.zeros(B + 1)
    repeats = repetition_edges(bars.sound)
    evidence += REPEATS * _standard(repeats)
    evidence += LOUDER * _standard(loudness_edges(bars.loudness))
    evidence += NETWORK * bars.boundary
    evidence[[0, B]] = 0.0
    return evidence


def repetition_edges(sound: NDArray[np.float32]) -> Floats:
    """(B + 1,) difference between the repetitions of the bars before and after each edge.

    Repeated bars are diagonal stripes in the song's self-similarity. Stripes begin or end at edges.
    """
    B = len(sound)
    edges = np.zeros(B + 1)
    padded = np.pad(sound, ((AROUND, AROUND), (0, 0)))
    for first in range(0, B, ROWS):
        rows = min(ROWS, B - first)
        R = padded[first : first + rows + 2 * AROUND] @ padded.T  # bar i is row i + AROUND
        after = np.zeros((rows, B))
        before = np.zeros((rows, B))
        for k in range(AROUND):
            after += R[AROUND + k : AROUND + k + rows, AROUND + k : AROUND + k + B]
            before += R[AROUND - 1 - k :][:rows, AROUND - 1 - k : AROUND - 1 - k + B]
        difference = (after - before) / AROUND
        edges[first : first + rows] = np.sqrt(np.square(difference).mean(axis=1))
    return edges


def loudness_edges(loudness: Floats) -> Floats:
    """(B + 1,) absolute difference in loudness between the bars before and after each edge."""
    B = len(loudness)
    sums = np.concatenate([[0.0], np.cumsum(loudness)])
    at = np.arange(B + 1)
    low, high = np.maximum(at - AROUND, 0), np.minimum(at + AROUND, B)
    before = (sums[at] - sums[low]) / np.maximum(at - low, 1)
    after = (sums[high] - sums[at]) / np.maximum(high - at, 1)
    change: Floats = np.abs(after - before)
    change[[0, B]] = 0.0
    return change


def _standard(values: Floats) -> Floats:
    """Values at the inner edges, scaled to mean 0 and standard deviation 1."""
    inner = values[1:-1]
    if not len(inner) or inner.std() < 1e-9:
        return np.zeros_like(values)
    return (values - inner.mean()) / inner.std()
