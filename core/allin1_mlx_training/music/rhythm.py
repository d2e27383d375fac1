"""Rhythm: read, vary and fill grooves; patterns of basses and chords within a bar.

Times within a bar are beats from its downbeat. A groove is an array (bars, steps of a bar) of
velocities for each drum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .styles import Groove

Rng = np.random.Generator
Steps = dict[str, NDArray[np.float64]]
Onset = tuple[float, float, float]  # start, length, accent: beats, beats, factor
VELOCITY = {"X": 1.0, "x": 0.8, "o": 0.55, "-": 0.28, ".": 0.0}
MAYBE = 0.35  # chance that a "?" is played
TIMEKEEPERS = ("hat", "ohat", "ride", "shaker", "tamb", "crash")
KICKS = ("kick", "kick808")
BACKBEATS = ("snare", "clap", "snap", "rim")


def kick_of(arrays: Steps) -> NDArray[np.float64]:
    """The kick's array (2, steps); zeros if the groove has no kick."""
    silence = np.zeros_like(next(iter(arrays.values())))
    return next((arrays[piece] for piece in KICKS if piece in arrays), silence)


def read_groove(groove: Groove, rng: Rng, *, steps: int) -> Steps:
    """The groove's arrays (2, steps), with a random decision for every "?"."""
    arrays: Steps = {}
    for piece, text in groove.items():
        values = [(0.7 if rng.random() < MAYBE else 0.0) if c == "?" else VELOCITY[c] for c in text]
        bars = len(values) // steps
        array = np.array(values[: bars * steps]).reshape(bars, steps)
        name = "conga" if piece == "perc" else piece
        arrays[name] = array if bars == 2 else np.repeat(array, 2, axis=0)
    return arrays


def vary_groove(arrays: Steps, rng: Rng, *, per_beat: int, amount: float) -> Steps:
    """Another groove with the same feel: moved kicks, exchanged timekeepers, added ghost notes."""
    varied = {piece: array.copy() for piece, array in arrays.items()}
    steps = next(iter(varied.values())).shape[1]
    for piece in KICKS:
        # A kick on every beat is characteristic of its music, so it usually stays.
        steady = piece in varied and bool((varied[piece][:, ::per_beat] > 0).all())
        if piece in varied and rng.random() < amount * (0.15 if steady else 1):
            flips = rng.random(varied[piece].shape) < 0.06
            flips[:, 0] &= rng.random() < 0.15  # the first beat usually stays
            kick = varied[piece]
            kick[flips] = np.where(kick[flips] > 0, 0, 0.75)
    if rng.random() < 0.5 * amount:
        _exchange_timekeeper(varied, rng, per_beat=per_beat, steps=steps)
    if "snare" in varied and rng.random() < 0.3 * amount:
        ghosts = (rng.random(varied["snare"].shape) < 0.12) & (varied["snare"] == 0)
        varied["snare"][ghosts] = 0.25
    if rng.random() < 0.25 * amount:
        extra = rng.choice(["tamb", "shaker", "conga", "block", "cowbell"])
        varied[str(extra)] = np.where(rng.random((2, steps)) < 0.3, 0.5, 0.0)
    if rng.random() < 0.15 * amount and "snare" in varied:
        backbeat = rng.choice(["clap", "rim", "snap"])
        varied[str(backbeat)] = varied.pop("snare")
    return varied


def _exchange_timekeeper(arrays: Steps, rng: Rng, *, per_beat: int, steps: int) -> None:
    """Replace the hats by a common figure, in place."""
    for piece in TIMEKEEPERS:
        arrays.pop(piece, None)
    figure = rng.choice(["eighths", "quarters", "all", "offbeat", "none"])
    step = np.arange(steps)
    half = step % per_beat == per_beat // 2 if per_beat != 3 else step % 3 == 2
    beat = step % per_beat == 0
    line = {
        "eighths": 0.75 * beat + 0.5 * half,
        "quarters": 0.75 * beat,
        "all": np.full(steps, 0.45) + 0.25 * beat + 0.1 * half,
        "offbeat": 0.75 * half,
        "none": np.zeros(steps),
    }[str(figure)]
    piece = str(rng.choice(["hat", "hat", "ride", "ohat", "shaker"]))
    arrays[piece] = np.tile(line, (2, 1))


def open_up(arrays: Steps, rng: Rng) -> Steps:
    """Move the timekeeper to a wider cymbal, or add one, as drummers do in a chorus."""
    opened = dict(arrays)
    if "hat" in opened and rng.random() < 0.6:
        opened[str(rng.choice(["ohat", "ride", "crash"]))] = 0.9 * opened.pop("hat")
        return opened
    steps = next(iter(arrays.values())).shape[1]
    loop = np.where(np.arange(steps) % 2 == 0, 0.6, rng.choice([0.0, 0.35]))
    opened[str(rng.choice(["tamb", "shaker", "ride"]))] = np.tile(loop, (2, 1))
    return opened


def hat_roll(rng: Rng, *, beats: int) -> list[tuple[float, float]]:
    """A fast roll of hi-hats somewhere in a bar: (beat, velocity)."""
    start = float(rng.integers(0, 2 * beats)) / 2
    count = int(rng.choice([3, 4, 6, 8]))
    step = 0.5 / count if rng.random() < 0.5 else 1 / count
    return [(start + i * step, 0.5 + 0.3 * i / count) for i in range(count)]


def half_time(arrays: Steps) -> Steps:
    """Half-time feel: the tapped beats stay, one bar of drums is spread over two."""
    stretched = {}
    for piece, array in arrays.items():
        if piece in TIMEKEEPERS:
            stretched[piece] = array
            continue
        wide = np.zeros((2, array.shape[1]))
        wide.reshape(-1)[::2] = array[0]
        stretched[piece] = wide
    return stretched


def double_time(arrays: Steps) -> Steps:
    """Double-time feel: the tapped beats stay, two bars of drums are played in one."""
    squeezed = {}
    for piece, array in arrays.items():
        if piece in TIMEKEEPERS:
            squeezed[piece] = array
            continue
        both = np.concatenate([array[0], array[1]])
        squeezed[piece] = np.tile(np.maximum(both[::2], 0.0), (2, 1))
    return squeezed


def fill(rng: Rng, *, beats: int, per_beat: int, kind: str) -> list[tuple[str, float, float]]:
    """A fill over the last `beats` of a bar: (piece, beats from the fill's start, velocity)."""
    count = beats * per_beat
    if kind == "roll":
        return [("snare", i / per_beat, 0.4 + 0.6 * i / count) for i in range(count)]
    if kind == "stops":
        onsets = [i for i in range(count) if rng.random() < 0.35 or i == 0]
        return [(p, i / per_beat, 0.95) for i in onsets for p in ("kick", "snare")]
    order = ("snare", "tomh", "tomm", "toml")
    density = rng.choice([0.5, 0.75, 0.95])
    hits = []
    for i in range(count):
        if rng.random() < density:
            piece = order[min(3, 4 * i // count)] if kind == "toms" else "snare"
            hits.append((piece, i / per_beat, rng.uniform(0.55, 1.0)))
        if i % per_beat == 0 and rng.random() < 0.5:
            hits.append(("kick", i / per_beat, 0.9))
    return hits


THREES = (0.0, 0.75, 1.5)  # beats: two beats in sixteenths as 3 + 3 + 2
RUNNING = {"threes": 0.75, "arpthrees": 0.75, "slow threes": 1.5}  # beats, see BarPattern.every


@dataclass(frozen=True)
class BarPattern:
    """The onsets of an instrument in one bar, and a kind.

    kind: "chord" (all notes), "arp" (one after another), "octave" (root, root an octave up),
    "fifth" (root, fifth), "walk" (steps between roots). every: beats between onsets that continue
    across bar lines (a figure of three against four), or 0.
    """

    onsets: tuple[Onset, ...]
    kind: str = "chord"
    every: float = 0.0

    def within(self, bar: int, *, beats: int) -> tuple[Onset, ...]:
        """The onsets in a bar, counted from the start of the figure."""
        if not self.every:
            return self.onsets
        _, length, accent = self.onsets[0]
        first = -bar * beats % self.every
        count = int(np.ceil((beats - first) / self.every))
        return tuple((first + i * self.every, length, accent) for i in range(count))


def _even(beats: int, step: float, length: float, *, offset: float = 0.0) -> list[Onset]:
    count = int(np.ceil((beats - offset) / step - 1e-6))
    return [
        (offset + i * step, length, 1.1 if (offset + i * step) % 1 == 0 else 0.85)
        for i in range(count)
    ]


def _from_steps(on: list[int], *, total: int, per_beat: int, hold: float) -> list[Onset]:
    """Onsets at steps; each lasts until the next one, times `hold`."""
    ends = [*on[1:], total]
    return [
        (s / per_beat, max(0.2, (e - s) / per_beat * hold), 1.0)
        for s, e in zip(on, ends, strict=True)
    ]


def bar_pattern(
    name: str, rng: Rng, *, beats: int, per_beat: int, kick: NDArray[np.float64]
) -> BarPattern:
    """The pattern of a name in `styles`. kick: (steps,), the bar's kick drum."""
    table = _fixed_patterns(rng, beats=beats, per_beat=per_beat)
    kinds = {"octave": "octave", "oom": "fifth", "walk": "walk", "montuno": "arp"}
    kind = "arp" if name.startswith("arp") else kinds.get(name, "chord")
    if name in ("kick", "off16", "gate", "sync", "between"):
        onsets = _derived(name, rng, total=beats * per_beat, per_beat=per_beat, kick=kick)
    else:
        onsets = table[name]
    return BarPattern(tuple(onsets), kind, RUNNING.get(name, 0.0))


def _fixed_patterns(rng: Rng, *, beats: int, per_beat: int) -> dict[str, list[Onset]]:
    """The patterns that do not follow the kick, by name."""
    half = 0.5 if per_beat != 3 else 2 / 3
    fine = 0.25 if per_beat == 4 else 1 / per_beat
    if per_beat == 2:  # eighths are the beats
        half, fine = 1.0, 0.5
    return {
        "long": [(0.0, float(beats), 1.0)],
        "whole": [(0.0, float(beats), 1.0)],
        "pad": [(0.0, float(beats), 1.0)],
        "drone": [(0.0, float(beats), 1.0)],
        "root4": _even(beats, 1, 0.9),
        "quarters": _even(beats, 1, 0.8),
        "walk": _even(beats, 1, 0.85),
        "root8": _even(beats, half if per_beat != 3 else 1, 0.45),
        "strum8": _even(beats, half if per_beat != 3 else 1 / 3, 0.45),
        "chug8": _even(beats, half if per_beat != 3 else 1 / 3, 0.3),
        "arp8": _even(beats, half if per_beat != 3 else 1 / 3, 0.6),
        "arp": _even(beats, half if per_beat != 3 else 1 / 3, 0.7),
        "octave": _even(beats, half if per_beat != 3 else 1, 0.4),
        "root16": _even(beats, fine, 0.2),
        "strum16": _even(beats, fine, 0.2),
        "chug16": _even(beats, fine, 0.15),
        "arp16": _even(beats, fine, 0.25),
        "arp32": _even(beats, fine / 2, 0.13),
        "wobble": _even(beats, float(rng.choice([0.5, 0.25, 1 / 3, 0.75])), 0.3),
        "off8": _even(beats, 1, 0.4, offset=half),
        "offbeat": _even(beats, 1, 0.25, offset=half),
        "bubble": _even(beats, fine, 0.2, offset=half),
        "upbeat": _even(beats, 1, half, offset=half),
        "skank": _even(beats, 1, 0.2, offset=half) + _even(beats, 1, 0.2, offset=half + fine),
        "late": _even(beats, 1, 0.2, offset=half + fine),
        "ahead": _even(beats, 2, 1.6, offset=1 + half),
        "arpthrees": [(0.0, 0.4, 1.0)],
        "threes": [(0.0, 0.5, 1.0)],
        "slow threes": [(0.0, 1.0, 1.0)],
        "oom": _even(beats, 2 if beats % 2 == 0 else beats, 0.9),
        "oompah": _even(beats, 1 if beats == 3 else 2, 0.4, offset=1)[: beats - 1],
        "house": [(x, 0.3, 1.0) for x in (0, 0.75, 1.5, 2.5, 3.25) if x < beats],
        "charleston": [(x, 0.4, 1.0) for x in (0, 1 + half) if x < beats],
        "stab": [(x, 0.35, 1.1) for x in (0, 1.5, 3.0)[: int(rng.integers(1, 4))]],
        "tumbao": [(x, 0.9, 1.0) for x in (1.5, 3.0) if x < beats],
        "montuno": [(x, 0.3, 1.0) for x in (0, 1, 1.5, 2.5, 3.5) if x < beats],
        "tresillo": [(x, 0.6, 1.0) for x in (0, 1.5, 3.0) if x < beats],
        "tresillo16": [(x + y, 0.4, 1.0) for x in range(0, beats, 2) for y in THREES],
        "dotted": _even(beats, 0.75, 0.4),
        "sixeight": [(x, 0.9, 1.0) for x in (0.0, 2.0, 3.0, 5.0) if x < beats],
    }


def _derived(
    name: str, rng: Rng, *, total: int, per_beat: int, kick: NDArray[np.float64]
) -> list[Onset]:
    """Patterns that follow the kick or are random."""
    if name == "kick":
        on = [int(i) for i in np.flatnonzero(kick[:total])] or [0]
        return _from_steps(on, total=total, per_beat=per_beat, hold=0.9)
    if name == "off16":  # the rolling bass of trance: every step but the kick's
        on = [i for i in range(total) if i % per_beat]
        return _from_steps(on, total=total, per_beat=per_beat, hold=0.8)
    if name == "between":  # stabs and chopped voices around the beats
        on = [i for i in range(total) if i % per_beat and rng.random() < 0.4] or [total - 2]
        return _from_steps(on, total=total, per_beat=per_beat, hold=float(rng.uniform(0.3, 0.9)))
    if name == "gate":
        on = [i for i in range(total) if rng.random() < 0.7 or i % per_beat == 0]
        return _from_steps(on, total=total, per_beat=per_beat, hold=0.6)
    weight = np.where(np.arange(total) % 2 == 0, 0.42, 0.2)
    on = [i for i in range(total) if rng.random() < weight[i]]
    on = on if on and rng.random() < 0.2 else sorted({0, *on})
    return _from_steps(on, total=total, per_beat=per_beat, hold=float(rng.uniform(0.5, 0.95)))
