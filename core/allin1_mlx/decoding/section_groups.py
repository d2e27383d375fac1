"""Groups of sections that are the same music, found by the similarity of their bars."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAME = 0.25  # mean similarity of aligned bars from which sections are the same music

Floats = NDArray[np.floating[Any]]


def group_sections(sound: Floats, cuts: list[int], *, same: float = SAME) -> list[int]:
    """The group of each section: 0 for the first and those similar to it, then 1, 2, ...

    sound: (B, D) unit vectors of bars. cuts: the bars at which sections begin, from 0 to B. The two
    most similar groups are joined while the mean similarity of their sections is at least `same`.
    """
    similar = section_similarity(sound, cuts)
    m = len(similar)
    np.fill_diagonal(similar, -np.inf)
    sizes = np.ones(m)
    member = np.arange(m)
    nearest = similar.argmax(axis=1)
    highest = similar[np.arange(m), nearest]
    while m > 1:
        first = int(highest.argmax())
        if highest[first] < same:
            break
        second = int(nearest[first])
        sizes_of = sizes[first], sizes[second]
        joined = (sizes_of[0] * similar[first] + sizes_of[1] * similar[second]) / sum(sizes_of)
        joined[[first, second]] = -np.inf
        similar[first] = similar[:, first] = joined
        similar[second] = similar[:, second] = -np.inf
        sizes[first] = sum(sizes_of)
        member[member == member[second]] = member[first]
        changed = np.flatnonzero((nearest == first) | (nearest == second))
        for row in {first, second, *changed.tolist()}:
            nearest[row] = similar[row].argmax()
            highest[row] = similar[row, nearest[row]]
        better = similar[:, first] > highest
        nearest[better], highest[better] = first, similar[better, first]
    order = {name: number for number, name in enumerate(dict.fromkeys(member.tolist()))}
    return [order[name] for name in member.tolist()]


def section_similarity(sound: Floats, cuts: list[int]) -> NDArray[np.float64]:
    """(m, m) similarity of sections: the mean cosine of their bars at the best alignment."""
    lengths = np.diff(cuts)
    m = len(lengths)
    similar = np.full((m, m), -np.inf)
    for i, (a, b) in enumerate(pairwise(cuts)):
        n = b - a
        R = sound[a:b] @ sound.T
        places = R.shape[1] - n + 1
        along = np.zeros(places)  # mean similarity where the section is laid on bar t
        for k in range(n):
            along += R[k, k : k + places]
        along /= n
        for j in np.flatnonzero(lengths >= n):
            similar[i, j] = along[cuts[j] : cuts[j + 1] - n + 1].max()
    return np.maximum(similar, similar.T)
