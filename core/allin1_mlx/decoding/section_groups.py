"""Groups of sections that are the same music, found by the similarity of their bars."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SAME = 0.25  # mean similarity of aligned bars from which sections are the same music

ROWS = 256  # bars whose similarities to all others are held at a time

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
    """(m, m) the mean cosine of the bars of two sections, where the shorter one fits best."""
    edges = np.array(cuts)
    lengths = np.diff(edges)
    m, B = len(lengths), cuts[-1]
    to_end = np.repeat(edges[1:], lengths) - np.arange(B)  # bars from each to its section's end
    similar = np.full((m, m), -np.inf)
    first = 0
    while first < m:  # as many sections at a time as have up to ROWS bars
        last = max(int(np.searchsorted(edges, edges[first] + ROWS, side="right")) - 1, first + 1)
        R = sound[edges[first] : edges[last]] @ sound.T
        for i in range(first, last):
            n = int(lengths[i])
            along = np.full(B, -np.inf)  # mean similarity where the section is laid on bar t
            rows = R[edges[i] - edges[first] :][:n]
            along[: B - n + 1] = _diagonal_sums(rows) / n
            along[to_end < n] = -np.inf
            similar[i] = np.maximum.reduceat(along, edges[:-1])
        first = last
    return np.maximum(similar, similar.T)


def _diagonal_sums(rows: Floats) -> Floats:
    """(B - n + 1,) the sums over k of rows[k, t + k] of rows (n, B)."""
    n, B = rows.shape
    rows = np.ascontiguousarray(rows)
    step, next_one = rows.strides
    shape, strides = (B - n + 1, n), (next_one, step + next_one)
    return np.lib.stride_tricks.as_strided(rows, shape, strides, writeable=False).sum(axis=1)
