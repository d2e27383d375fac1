"""Statistics of sections in real songs: length, place, and order.

Counts of the annotations of the Harmonix Set (Nieto et al., ISMIR 2019), 912 songs, made by the
command `python -m allin1_mlx_training.music.section_priors`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from ..types import LABELS

NAMES = tuple(label for label in LABELS if label not in ("start", "end"))  # labels of music
LONGEST = 36  # bars of a section
PLACES = 10  # number of equal parts of a song
TIMES = 4  # most occurrences of a label in a song; more count as this number
UNSEEN = 0.5  # added to each count of a succession

Floats = NDArray[np.float64]


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
