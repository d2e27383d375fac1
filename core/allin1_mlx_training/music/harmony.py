"""Harmony and melody. Pitches are MIDI numbers; pitch classes count from 0 = C."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator
Chord = tuple[int, ...]  # pitch classes, root first

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "blues": (0, 2, 4, 5, 7, 9, 10),
}
# Degrees (0 = tonic) of common chord sequences; any mode may use any of them.
PROGRESSIONS = (
    (0, 4, 5, 3),
    (5, 3, 0, 4),
    (0, 5, 3, 4),
    (0, 3, 4, 3),
    (0, 3, 5, 4),
    (3, 4, 5, 0),
    (0, 6, 5, 6),
    (0, 5, 2, 6),
    (0, 2, 3, 4),
    (1, 4, 0, 0),
    (0, 4, 5, 2, 3, 0, 3, 4),
    (0, 6, 3, 0),
    (0, 3),
    (0, 5),
    (0, 6),
    (0,),
)
BLUES = (0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4)


@dataclass(frozen=True)
class Key:
    """Tonic (pitch class) and mode (a key of MODES)."""

    tonic: int
    mode: str

    def pitch_class(self, degree: int) -> int:
        """Pitch class of a scale degree, 0 the tonic, any integer."""
        scale = MODES[self.mode]
        return (self.tonic + scale[degree % 7]) % 12

    def pitch(self, degree: int, *, base: int) -> int:
        """Pitch of a degree counted from the tonic at or above `base`."""
        scale = MODES[self.mode]
        root = base + (self.tonic - base) % 12
        return root + scale[degree % 7] + 12 * (degree // 7)

    def chord(self, degree: int, *, size: int) -> Chord:
        """Stack thirds on a degree."""
        return tuple(self.pitch_class(degree + 2 * i) for i in range(size))


def progression(rng: Rng, key: Key) -> list[Chord]:
    """A sequence of chords, one per change."""
    if key.mode == "blues" and rng.random() < 0.7:
        return [key.chord(d, size=3) for d in BLUES]
    if rng.random() < 0.7:
        degrees = list(PROGRESSIONS[rng.integers(len(PROGRESSIONS))])
    else:
        length = int(rng.choice([2, 4, 4, 8]))
        tail = rng.choice(7, length - 1, p=[0.12, 0.1, 0.1, 0.24, 0.2, 0.2, 0.04])
        degrees = [0, *(int(d) for d in tail)]
    if rng.random() < 0.2:
        degrees = list(np.roll(degrees, int(rng.integers(len(degrees)))))
    sevenths = 0.5 if key.mode in ("dorian", "blues") else 0.15
    return [key.chord(int(d), size=4 if rng.random() < sevenths else 3) for d in degrees]


def voice(chord: Chord, *, base: int) -> tuple[int, ...]:
    """The chord in close position from `base` up."""
    return tuple(sorted(base + (pc - base) % 12 for pc in chord))


@dataclass(frozen=True)
class Melody:
    """A phrase of `bars`: (bar, start in beats, beats, degree from the tonic, syllable).

    The phrase begins `early` beats before its bar, as sung phrases often do.
    """

    bars: int
    notes: tuple[tuple[int, float, float, int, int], ...]
    early: float = 0.0


STEPS = (-2, -1, -1, 0, 0, 1, 1, 2, 3, -3)  # steps from one note to the next, in degrees
CHANT = (-1, 0, 0, 0, 0, 0, 0, 0, 1, -2, 2)  # the same in rap and recitation
RANGE = (-2, 8)  # range of a melody in degrees

Cell = list[tuple[float, float, int]]  # a bar's rhythm and contour: start, length, step


def melody(
    rng: Rng,
    chords: list[Chord],
    key: Key,
    *,
    bars: int,
    beats: int,
    per_beat: int,
    density: float,
    chanted: bool,
) -> Melody:
    """A phrase of `bars` over one chord per bar, whose rhythm and contour repeat (A A' A B)."""
    steps = CHANT if chanted else STEPS
    cells = [_cell(rng, steps, beats=beats, per_beat=per_beat, density=density) for _ in range(2)]
    plan = str(rng.choice(["0010", "0101", "0001", "0000"]))
    degree = int(rng.integers(0, 6))
    notes = []
    for bar in range(bars):
        chord = set(chords[bar % len(chords)])
        for start, length, step in cells[int(plan[bar % 4])]:
            # The last bar of a phrase has a rest for breathing.
            if bar % 4 == 3 and start >= beats - 1.5 and rng.random() < 0.8:
                continue
            low, high = RANGE
            degree += step if low <= degree + step <= high else -step
            if start % 1 == 0:
                near = sorted(range(-2, 3), key=abs)
                degree += next((d for d in near if key.pitch_class(degree + d) in chord), 0)
            notes.append((bar, start, length, degree, int(rng.integers(0, 3))))
    early = float(rng.choice([0.5, 1.0, 1.0, 1.5, 2.0])) if rng.random() < 0.35 else 0.0
    return Melody(bars, tuple(notes), early)


def _cell(rng: Rng, steps: tuple[int, ...], *, beats: int, per_beat: int, density: float) -> Cell:
    """A bar of melody, at least one note."""
    total = beats * per_beat
    weight = density * np.where(np.arange(total) % 2 == 0, 1.35, 0.4)
    on = np.flatnonzero(rng.random(total) < weight)
    if len(on) == 0:
        on = np.array([int(rng.integers(total))])
    ends = np.append(on[1:], min(total, on[-1] + 2 * per_beat))
    hold = rng.uniform(0.6, 1.0)
    return [
        (s / per_beat, max(0.15, min(2.0, (e - s) / per_beat * hold)), int(rng.choice(steps)))
        for s, e in zip(on, ends, strict=True)
    ]
