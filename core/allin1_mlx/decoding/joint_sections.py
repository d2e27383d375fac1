"""Sections decoded from the whole song at once: boundaries, repetitions and labels.

For networks whose input is the mix. Boundaries lie on downbeats. Times are seconds.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..types import FPS, LABELS, Activations, Segment
from .bar_features import START, Array, Bars, measure_bars
from .section_cuts import cut_sections
from .section_groups import group_sections
from .section_labels import SectionFacts, label_sections
from .section_priors import NAMES, load_priors

FEWEST = 8  # least number of bars for this method: shorter songs have too few repetitions


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
    heard = bars.labels[:, [LABELS.index(name) for name in NAMES]]
    labels = label_sections(
        SectionFacts(
            bars=lengths,
            groups=np.array(groups),
            loudness=np.add.reduceat(bars.loudness, cuts[:-1]) / lengths,
            heard=np.add.reduceat(heard, cuts[:-1], axis=0) / lengths[:, None],
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
