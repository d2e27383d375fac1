"""The bars of a song, and those at which sections begin: the best division of the song.

The division is found by dynamic programming. A section scores well if its bars sound alike, if its
length is a common one, and if at its edges repetitions begin or end, somebody begins or stops
singing, or the loudness changes. Times are seconds. A bar lasts from one decoded downbeat to the
next. After Marmoret, Cohen & Bimbot, "Barwise Music Structure Analysis with the Correlation
Block-Matching Segmentation Algorithm" (TISMIR 2023), with repetition as in Serra et al.,
"Unsupervised music structure annotation by time series structure features and segment similarity"
(2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import FPS, Activations
from .section_labels import LONGEST, load_priors

PLACES = 32  # number of equal parts of a bar in which the spectrum is measured
FEWEST_PLACES, MOST_PLACES = 4, 2**15  # in a bar; in the bars of a long song together
QUIET = 0.25  # of the song's median loudness: silence, the end of a fade, a last chord
START = 0.3  # seconds: longer silence becomes a section `start` or `end`
PICKUP = 0.75  # bars: longer music before the first downbeat counts as a bar

Array = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bars:
    """The bars of one song, from the first to the last that is not silent.

    edges: (B + 1,) seconds, the start of each bar and the end of the last one.
    sound: (B, D) float32 unit vectors: the spectrum in parts of the bar, minus the mean bar.
    loudness: (B,) mean of the log spectrum, divided by the song's median.
    labels: (B, 10) mean probabilities of LABELS from the network.
    voice: (B,) mean probability that somebody sings; 0 if the network does not listen for voices.
    boundary: (B + 1,) highest probability of a boundary near each edge, from the network.
    silence: seconds of silence before the first sound and after the last one.
    """

    edges: Floats
    sound: NDArray[np.float32]
    loudness: Floats
    labels: Floats
    voice: Floats
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
        sound, labels = np.zeros((0, 0), np.float32), np.zeros((0, 10))
        return Bars(none, sound, none, labels, none, none, (0.0, 0.0))
    frames = np.round(edges * FPS).astype(np.int64)
    places = min(PLACES, max(FEWEST_PLACES, MOST_PLACES // len(edges)))
    sound = measure_sound(spectrum - level[:, None].astype(np.float32), edges, places=places)
    loudness = mean_between(level[:, None], frames)[:, 0]
    voice = np.zeros(len(spectrum)) if found.voice is None else np.nan_to_num(found.voice)
    reach = np.maximum(np.diff(frames, append=2 * frames[-1] - frames[-2]) // 3, 1)
    boundary = [
        found.segment[max(frame - width, 0) : frame + width].max(initial=0)
        for frame, width in zip(frames, reach, strict=True)
    ]
    return Bars(
        edges=edges,
        sound=sound,
        loudness=loudness / max(float(np.median(loudness)), 1e-9),
        labels=mean_between(np.nan_to_num(found.label.T).astype(np.float64), frames),
        voice=mean_between(voice[:, None].astype(np.float64), frames)[:, 0],
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


def measure_sound(spectrum: Array, edges: Floats, *, places: int) -> NDArray[np.float32]:
    """(B, places * 81) unit vectors: the spectrum in each part of a bar, minus the mean bar."""
    B = len(edges) - 1
    shares = np.arange(places) / places
    starts = (edges[:-1, None] + np.diff(edges)[:, None] * shares).ravel()
    frames = np.minimum(np.round(starts * FPS).astype(np.int64), len(spectrum) - 1)
    until = min(round(edges[-1] * FPS), len(spectrum))
    lengths = np.maximum(np.diff(frames, append=until), 1)
    parts = np.add.reduceat(spectrum[: max(until, int(frames[-1]) + 1)], frames, axis=0)
    parts = parts.astype(np.float32) / lengths[:, None].astype(np.float32)
    sound = parts.reshape(B, -1)
    sound = sound - sound.mean(axis=0)
    norms = np.linalg.norm(sound, axis=1, keepdims=True)
    return sound / np.maximum(norms, 1e-9)


def mean_between(values: Floats, frames: NDArray[np.int64]) -> Floats:
    """(B, C) means of the values (T, C) between consecutive frames (B + 1,)."""
    starts = np.minimum(frames[:-1], len(values) - 1)
    until = int(min(max(frames[-1], starts[-1] + 1), len(values)))
    lengths = np.maximum(np.diff(starts, append=until), 1)
    return np.add.reduceat(values[:until], starts, axis=0) / lengths[:, None]


SHORTEST = 2
NEAR = 15  # greatest distance of two bars of a section that are compared
AROUND = (2, 4)  # numbers of bars that are compared before and after an edge
ROWS = 256  # number of bars whose similarities are in memory at a time

# Weights of the evidence, chosen on composed songs; that of the voice also on compositions by
# people (POP909, MIDI files with markers) and on real songs labelled by the published ensemble.
ALIKE = 1.0
LENGTH = 0.1
REPEATS = 0.2
LOUDER = 0.1
SUNG = 0.06
NETWORK = 1.0
COST = 0.3
LEAST_DEVIATION = 0.02  # smaller differences between edges do not count


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
    for repeats in repetition_edges(bars.sound, AROUND):
        evidence += REPEATS * _standard(repeats)
    for around in AROUND:
        evidence += LOUDER * _standard(level_edges(bars.loudness, around))
        evidence += SUNG * _standard(level_edges(bars.voice, around))
    evidence += NETWORK * bars.boundary
    evidence[[0, B]] = 0.0
    return evidence


def repetition_edges(sound: NDArray[np.float32], arounds: tuple[int, ...]) -> Floats:
    """(len(arounds), B + 1) difference between the repetitions of the bars around each edge.

    arounds: numbers of bars before and after an edge that are compared, ascending. Repeated bars
    are diagonal stripes in the song's self-similarity. Stripes begin or end at edges.
    """
    B, most = len(sound), arounds[-1]
    edges = np.zeros((len(arounds), B + 1))
    padded = np.pad(sound, ((most, most), (0, 0)))
    for first in range(0, B, ROWS):
        rows = min(ROWS, B - first)
        R = padded[first : first + rows + 2 * most] @ padded.T  # bar i is row i + most
        difference = np.zeros((rows, B), np.float32)
        for k in range(most):
            after, before = most + k, most - 1 - k
            difference += R[after : after + rows, after : after + B]
            difference -= R[before : before + rows, before : before + B]
            if k + 1 in arounds:
                mean = np.sqrt(np.square(difference).mean(axis=1)) / (k + 1)
                edges[arounds.index(k + 1), first : first + rows] = mean
    return edges


def level_edges(level: Floats, around: int) -> Floats:
    """(B + 1,) absolute difference between the bars before and after each edge.

    level: (B,) loudness or voice of each bar. around: number of bars whose mean is compared.
    """
    B = len(level)
    sums = np.concatenate([[0.0], np.cumsum(level)])
    at = np.arange(B + 1)
    low, high = np.maximum(at - around, 0), np.minimum(at + around, B)
    before = (sums[at] - sums[low]) / np.maximum(at - low, 1)
    after = (sums[high] - sums[at]) / np.maximum(high - at, 1)
    change: Floats = np.abs(after - before)
    change[[0, B]] = 0.0
    return change


def _standard(values: Floats) -> Floats:
    """Values at the inner edges, scaled to mean 0 and a standard deviation of at most 1."""
    inner = values[1:-1]
    if not len(inner):
        return np.zeros_like(values)
    return (values - inner.mean()) / max(float(inner.std()), LEAST_DEVIATION)
