"""A composed song as notes: what is played when, by which instrument. Times are seconds.

Stems are numbered as everywhere: 0 bass, 1 drums, 2 other, 3 vocals. A Score says nothing about
sound: `rendering` turns it into band spectrograms, `synth` into audio.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.types import Segment

BASS, DRUMS, OTHER, VOCALS = range(4)


class Note(NamedTuple):
    """A note or, with several pitches, a chord. level is an amplitude; variant a syllable."""

    start: float
    seconds: float
    pitches: tuple[int, ...]
    level: float
    variant: int = 0


@dataclass
class Track:
    """The notes of one instrument: `choice` picks one of its family, modulo how many there are."""

    stem: int
    family: str
    choice: int
    release: float = 0.08  # s to fall by 8.7 dB after a note's end
    level: float = 1.0  # amplitude
    notes: list[Note] = field(default_factory=list)


class Hit(NamedTuple):
    """A drum hit; velocity 0 to about 1."""

    start: float
    velocity: float


@dataclass
class DrumTrack:
    """The hits of one drum of the kit."""

    piece: str
    choice: int
    level: float
    hits: list[Hit] = field(default_factory=list)


class Effect(NamedTuple):
    """A sweep of noise: "riser" swells up to `end`, "fall" dies away from `start`."""

    kind: str
    start: float
    end: float
    level: float


class Sweep(NamedTuple):
    """A filter on one stem whose cutoff (Hz) moves; kind "low" or "high" pass."""

    kind: str
    stem: int
    start: float
    end: float
    cutoffs: tuple[float, float]


@dataclass(frozen=True)
class Pump:
    """Side chain: the stems duck by `depth` (0 to 1) at each time, recovering in `release` s.

    bend: 1 recovers at once, as a compressor does; 2 stays low first, so that what is held swells
    up between the beats, as a drawn curve makes it.
    """

    times: tuple[float, ...]
    depth: float
    release: float
    stems: tuple[int, ...]
    bend: float = 1.0

    def gain(self, rate: int, n: int) -> NDArray[np.float32]:
        """Amplitude factors (n,) of samples or frames at a rate."""
        gain = np.ones(n, np.float32)
        t = np.arange(min(n, int(4 * self.release * rate) + 2)) / (self.release * rate)
        dip = 1 - self.depth * np.exp(-(t**self.bend))
        for time in self.times:
            first = int(time * rate)
            window = gain[first : first + len(dip)]
            np.minimum(window, dip[: len(window)], out=window)
        return gain


@dataclass(frozen=True)
class Score:
    """A whole song. beats and positions are the truth (position 1 is the downbeat).

    segments cover 0 to duration, or are empty; fade_in, fade_out are lengths in seconds, 0 for
    none; known: the tasks of `corpus.TASKS` for which it is a truth to learn from.
    """

    seed: int
    style: str
    meter: int
    bpm: float
    duration: float
    beats: tuple[float, ...]
    positions: tuple[int, ...]
    segments: tuple[Segment, ...]
    tracks: tuple[Track, ...]
    drums: tuple[DrumTrack, ...]
    effects: tuple[Effect, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    pump: Pump | None = None
    fade_in: float = 0.0
    fade_out: float = 0.0
    electronic: bool = False
    known: tuple[str, ...] = ("beat", "downbeat", "section", "label", "voice", "tempo")
