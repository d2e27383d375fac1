"""The sections of a song: boundaries, repetitions and labels, decoded from the whole song at once.

Boundaries lie on downbeats. Sections that are the same music form a group; groups are found by the
similarity of their bars. For the published networks, and for short songs, `section_peaks` is used
instead. Times are seconds. Sections have no gaps from 0 to the end of the song.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, LABELS, Activations, Segment
from .section_cuts import START, Bars, cut_sections, measure_bars
from .section_labels import NAMES, SectionFacts, label_sections, load_priors
from .section_peaks import pick_sections, snap_to_bars

FEWEST = 8  # least number of bars for decoding the whole song: fewer have too few repetitions
SILENT = 0.01  # log10(1 + magnitude); all bands of a silent file stay below it
SAME = 0.25  # mean similarity of aligned bars from which sections are the same music
ROWS = 256  # number of bars whose similarities are in memory at a time

Array = NDArray[np.floating[Any]]


def find_sections(
    found: Activations,
    downbeats: NDArray[np.float64],
    *,
    mix: Array | None,
    strict_ends: bool,
    on_bars: bool,
) -> tuple[Segment, ...]:
    """Decode sections by the first or the second method.

    mix: log spectrogram (T, 81) of the mix for the first method; None for the second, which is also
    used for short songs. strict_ends: as in `pick_sections`. on_bars: whether the second method
    moves boundaries to downbeats.
    """
    if mix is not None and (sections := join_sections(mix, downbeats, found)):
        return sections
    picked = pick_sections(found.segment, found.label, strict_ends=strict_ends)
    return snap_to_bars(picked, downbeats) if on_bars else picked


def one_section(spectrograms: Array, *, seconds: float) -> tuple[Segment, ...]:
    """The whole song as one section: "start" if it is silent, else "inst".

    spectrograms: (K, T, 81) logarithmic.
    """
    silent = spectrograms.size == 0 or float(spectrograms.max()) < SILENT
    return (Segment(0.0, seconds, "start" if silent else "inst"),)


def join_sections(spectrum: Array, downbeats: Array, found: Activations) -> tuple[Segment, ...]:
    """Decode the sections of a song, without gaps; none if it has fewer than FEWEST bars.

    spectrum: (T, 81) log spectrogram of the mix. downbeats: seconds. found: the network's
    probabilities in the same T frames.
    """
    bars = measure_bars(spectrum, downbeats, found)
    if len(bars) < FEWEST:
        return ()
    return describe_sections(bars, cut_sections(bars), end=len(spectrum) / FPS)


def describe_sections(bars: Bars, cuts: list[int], *, end: float) -> tuple[Segment, ...]:
    """Label the sections between the bars `cuts`, and add silent sections before and after them.

    end: duration of the song in seconds.
    """
    groups = group_sections(bars.sound, cuts)
    lengths = np.diff(cuts)
    predicted = bars.labels[:, [LABELS.index(name) for name in NAMES]]
    labels = label_sections(
        SectionFacts(
            bars=lengths,
            groups=np.array(groups),
            loudness=np.add.reduceat(bars.loudness, cuts[:-1]) / lengths,
            voice=np.add.reduceat(bars.voice, cuts[:-1]) / lengths,
            predicted=np.add.reduceat(predicted, cuts[:-1], axis=0) / lengths[:, None],
        ),
        load_priors(),
    )
    edges = [min(float(bars.edges[cut]), end) for cut in cuts]
    silent = bars.silence[0] > START, min(end - edges[-1], bars.silence[1]) > START
    if not silent[0]:
        edges[0] = 0.0
    if not silent[1]:
        edges[-1] = end
    sections = [
        Segment(start, stop, label, group=letters(group), confidence=round(confidence, 2))
        for (start, stop), label, group, confidence in zip(
            pairwise(edges), labels.names, groups, labels.confidence, strict=True
        )
    ]
    if silent[0]:
        sections.insert(0, Segment(0.0, edges[0], "start"))
    if silent[1]:
        sections.append(Segment(edges[-1], end, "end"))
    return tuple(sections)


def letters(number: int) -> str:
    """A, B, ... Z, AA, AB, ... for 0, 1, ..."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def group_sections(sound: Array, cuts: list[int]) -> list[int]:
    """The group of each section: 0 for the first and those similar to it, then 1, 2, ...

    sound: (B, D) unit vectors of bars. cuts: the bars at which sections begin, from 0 to B. The two
    most similar groups are joined while the mean similarity of their sections is at least SAME.
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
        if highest[first] < SAME:
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


def section_similarity(sound: Array, cuts: list[int]) -> NDArray[np.float64]:
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


def _diagonal_sums(rows: Array) -> Array:
    """(B - n + 1,) the sums over k of rows[k, t + k] of rows (n, B)."""
    n, B = rows.shape
    rows = np.ascontiguousarray(rows)
    step, next_one = rows.strides
    shape, strides = (B - n + 1, n), (next_one, step + next_one)
    return np.lib.stride_tricks.as_strided(rows, shape, strides, writeable=False).sum(axis=1)
