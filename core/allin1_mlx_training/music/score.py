"""A composed song as notes: time, pitch and instrument of each. Times are seconds.

Stems have the usual numbers: 0 bass, 1 drums, 2 other, 3 vocals. A Score does not contain sound:
`rendering` turns it into band spectrograms, `synth` into audio.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.types import Segment

BASS, DRUMS, OTHER, VOCALS = range(4)


class Note(NamedTuple):
    """A note, or a chord with several pitches. level: an amplitude. variant: a syllable."""

    start: float
    seconds: float
    pitches: tuple[int, ...]
    level: float
    variant: int = 0


@dataclass
class Track:
    """The notes of one instrument. choice: its index in the family, modulo the family's size."""

    stem: int
    family: str
    choice: int
    release: float = 0.08  # seconds in which it falls by 8.7 dB after a note's end
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
    """A sweep of noise: a "riser" grows until `end`, a "fall" fades from `start`."""

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
    """Side chain: the stems become quieter by `depth` (0 to 1) at each time and recover in
    `release` s.

    bend: 1 recovers at once, as after a compressor; 2 stays quiet at first, so that held notes
    swell between the beats.
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

    segments: from 0 to duration, or empty. fade_in, fade_out: seconds, 0 for none. known: the tasks
    of `corpus.TASKS` for which the song is a reliable truth.
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
