"""Features of the bars of a song: sound, loudness, and the network's output in each bar.

Times are seconds. A bar lasts from one decoded downbeat to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, Activations

PLACES = 32  # number of equal parts of a bar in which the spectrum is measured
QUIET = 0.25  # of the song's median loudness: silence, the end of a fade, a last chord
START = 0.3  # seconds: longer silence becomes a section `start` or `end`
PICKUP = 0.75  # bars: longer music before the first downbeat counts as a bar

Array = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bars:
    """The bars of one song, from the first to the last that is not silent.

    edges: (B + 1,) seconds, the start of each bar and the end of the last one.
    sound: (B, D) float32 unit vectors: the spectrum in PLACES parts of the bar, minus the mean bar.
    loudness: (B,) mean of the log spectrum, divided by the song's median.
    labels: (B, 10) mean probabilities of LABELS from the network.
    boundary: (B + 1,) highest probability of a boundary near each edge, from the network.
    silence: seconds of silence before the first sound and after the last one.
    """

    edges: Floats
    sound: NDArray[np.float32]
    loudness: Floats
    labels: Floats
    boundary: Floats
    silence: tuple[float, float]

    def __len__(self) -> int:
        return len(self.loudness)


def measure_bars(spectrum: Array, downbeats: Array, found: Activations) -> Bars:
    """Measure the bars of a song; there are none with fewer than two downbeats.

    spectrum: (T, 81) log spectrogram of the mix. downbeats: seconds.
    """
    level = spectrum.mean(axis=1, dtype=np.float64)
    begins, ends = _sounding(level)
    edges = bar_edges(np.asarray(downbeats, dtype=np.float64), begins / FPS, ends / FPS)
    if len(edges) < 2:
        none = np.zeros(0)
        return Bars(none, np.zeros((0, 0), np.float32), none, np.zeros((0, 10)), none, (0.0, 0.0))
    frames = np.round(edges * FPS).astype(np.int64)
    sound = _sound(spectrum - level[:, None].astype(np.float32), edges)
    loudness = _means(level[:, None], frames)[:, 0]
    reach = np.maximum(np.diff(frames, append=2 * frames[-1] - frames[-2]) // 3, 1)
    boundary = [
        found.segment[max(frame - width, 0) : frame + width].max(initial=0)
        for frame, width in zip(frames, reach, strict=True)
    ]
    return Bars(
        edges=edges,
        sound=sound,
        loudness=loudness / max(float(np.median(loudness)), 1e-9),
        labels=_means(np.nan_to_num(found.label.T).astype(np.float64), frames),
        boundary=np.array(boundary, dtype=np.float64),
        silence=(begins / FPS, (len(spectrum) - ends) / FPS),
    )


def bar_edges(downbeats: Floats, begins: float, ends: float) -> Floats:
    """The starts of all bars and the end of the last one; empty with fewer than two bars.

    begins, ends: seconds of the first and the last sound. Music before the first downbeat counts as
    one more bar if it is longer than a pickup. The same holds for music after the last bar.
    """
    if len(downbeats) < 2:
        return np.zeros(0)
    bar = float(np.median(np.diff(downbeats)))
    edges = downbeats[(downbeats > begins - bar / 2) & (downbeats < ends - bar / 4)]
    if len(edges) < 2:
        return np.zeros(0)
    if edges[0] - begins > bar * PICKUP:
        edges = np.insert(edges, 0, begins if begins > START else 0.0)
    last = float(edges[-1]) + bar
    if ends - last > bar * PICKUP:
        return np.append(edges, [last, ends])
    return np.append(edges, last)


def _sounding(level: Floats) -> tuple[int, int]:
    """The first frame that is not silent, and the frame after the last one; 0, 0 in silence.

    level: (T,) the mean of the log spectrum.
    """
    if not level.any():
        return 0, 0
    frames = np.flatnonzero(level > QUIET * np.median(level[level > 0]))
    return int(frames[0]), int(frames[-1]) + 1


def _sound(spectrum: Array, edges: Floats) -> NDArray[np.float32]:
    """(B, PLACES * 81) unit vectors: the spectrum in each part of a bar, minus the mean bar."""
    B = len(edges) - 1
    places = np.arange(PLACES) / PLACES
    starts = (edges[:-1, None] + np.diff(edges)[:, None] * places).ravel()
    frames = np.minimum(np.round(starts * FPS).astype(np.int64), len(spectrum) - 1)
    until = min(round(edges[-1] * FPS), len(spectrum))
    lengths = np.maximum(np.diff(frames, append=until), 1)
    parts = np.add.reduceat(spectrum[: max(until, int(frames[-1]) + 1)], frames, axis=0)
    parts = parts.astype(np.float32) / lengths[:, None].astype(np.float32)
    sound = parts.reshape(B, -1)
    sound = sound - sound.mean(axis=0)
    norms = np.linalg.norm(sound, axis=1, keepdims=True)
    return sound / np.maximum(norms, 1e-9)


def _means(values: Floats, frames: NDArray[np.int64]) -> Floats:
    """(B, C) means of the values (T, C) between consecutive frames (B + 1,)."""
    starts = np.minimum(frames[:-1], len(values) - 1)
    until = int(min(max(frames[-1], starts[-1] + 1), len(values)))
    lengths = np.maximum(np.diff(starts, append=until), 1)
    return np.add.reduceat(values[:until], starts, axis=0) / lengths[:, None]
