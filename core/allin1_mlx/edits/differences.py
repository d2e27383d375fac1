"""Find the beats and sections of a song that were corrected.

Times are seconds. Times that differ by less than a millisecond count as equal.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from ..types import Result, Segment
from .history import detected

SAME = 0.001  # seconds


@dataclass(frozen=True)
class Differences:
    """True for each beat (B,), section start (S,) and label (S,) that differs from the detection.

    Beats are compared by time and position. A label is compared with the label that was detected at
    the middle of its section. lost: detected section starts that no longer exist.
    """

    beats: tuple[bool, ...]
    starts: tuple[bool, ...]
    labels: tuple[bool, ...]
    lost: tuple[float, ...]

    @property
    def any(self) -> bool:
        """Whether anything differs. A deleted beat only changes the positions of later beats."""
        return any(self.beats) or any(self.starts) or any(self.labels) or bool(self.lost)


def compare(result: Result) -> Differences:
    """Compare each beat and section of a song with its detection."""
    found = detected(result)
    times = np.array(result.beats, dtype=np.float64)
    index, same = _match(times, np.array(found.beats, dtype=np.float64))
    counted = np.array([*found.beat_positions, 0])[index]
    beats = ~same | (counted != np.array(result.beat_positions, dtype=np.int64))
    starts = np.array([s.start for s in result.segments], dtype=np.float64)
    old_starts = np.array([s.start for s in found.segments], dtype=np.float64)
    _, known = _match(starts, old_starts)
    _, kept = _match(old_starts, starts)
    labels = tuple(_label_at(found.segments, s) != s.label for s in result.segments)
    lost = tuple(old_starts[~kept].tolist())
    return Differences(tuple(beats.tolist()), tuple((~known).tolist()), labels, lost)


def _match(
    times: NDArray[np.float64], candidates: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The index of the candidate nearest to each time, and whether both are equal."""
    if not candidates.size:
        return np.zeros(times.size, dtype=np.int64), np.zeros(times.size, dtype=bool)
    right = np.searchsorted(candidates, times).clip(1, candidates.size)
    left = right - 1
    right = right.clip(max=candidates.size - 1)
    nearer = np.abs(candidates[right] - times) < np.abs(candidates[left] - times)
    index = np.where(nearer, right, left)
    return index, np.abs(candidates[index] - times) < SAME


def _label_at(segments: tuple[Segment, ...], section: Segment) -> str | None:
    middle = (section.start + section.end) / 2
    index = bisect_right(segments, middle, key=attrgetter("start")) - 1
    inside = index >= 0 and middle < segments[index].end
    return segments[index].label if inside else None
