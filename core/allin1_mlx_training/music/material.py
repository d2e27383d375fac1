"""The material of a part of a song: groove, chords, figures, melody, and players.

All choruses of a song share one Material, all verses another one. This makes them recognisable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .band import Manner
from .harmony import Chord, Key, Melody, melody, progression
from .rhythm import (
    BarPattern,
    Steps,
    bar_pattern,
    double_time,
    half_time,
    kick_of,
    open_up,
    read_groove,
    vary_groove,
)
from .styles import Scene, Style

Rng = np.random.Generator


@dataclass(frozen=True)
class Habit:
    """The usual arrangement of a kind of part.

    level: amplitude. layers: share of the chord instruments. register: scale degrees by which the
    melody is moved. The others are chances of full drums, bass, singing, and a solo instrument.
    """

    level: float
    layers: float
    drums: float
    bass: float
    vocals: float
    solo: float
    register: int = 0


HABITS = {
    "intro": Habit(0.75, 0.55, 0.5, 0.5, 0.08, 0.35),
    "verse": Habit(0.78, 0.55, 0.88, 0.93, 0.97, 0.0),
    "prechorus": Habit(0.86, 0.7, 0.85, 0.93, 0.97, 0.0, 1),
    "chorus": Habit(1.1, 1.0, 0.995, 0.99, 0.97, 0.1, 3),
    "postchorus": Habit(1.05, 0.95, 0.99, 0.97, 0.6, 0.5, 2),
    "bridge": Habit(0.78, 0.6, 0.6, 0.75, 0.8, 0.2, 1),
    "build": Habit(0.8, 0.6, 0.5, 0.4, 0.5, 0.1),
    "inst": Habit(0.95, 0.85, 0.95, 0.95, 0.06, 0.85),
    "solo": Habit(1.0, 0.8, 0.96, 0.97, 0.04, 1.0, 4),
    "break": Habit(0.55, 0.4, 0.15, 0.35, 0.3, 0.1),
    "outro": Habit(0.8, 0.6, 0.65, 0.65, 0.3, 0.3),
}
STRONG = ("chorus", "postchorus", "solo")
HALF_TIME, DOUBLE_TIME = 0.1, 0.07  # chance that a part has another feel than the song
LEAST_HALF, MOST_DOUBLE = 110, 118  # range of BPM in which such a feel keeps the tapped tempo


@dataclass(frozen=True)
class Material:
    """The music of one part.

    chords: they change `changes` times a bar (0.5, 1 or 2). bass, comps: patterns for odd and even
    bars. comps_on: the chord instruments that play. lead: "vocals", "solo" or "". drums: "full",
    "light" (no kick), "kick", "hat", "roll" or "none".
    """

    key: Key
    chords: tuple[Chord, ...]
    changes: float
    groove: Steps
    drums: str
    bass: tuple[BarPattern, BarPattern] | None
    comps: tuple[BarPattern, ...]
    comps_on: tuple[bool, ...]
    octave: tuple[int, ...]
    melody: Melody
    lead: str
    register: int
    level: float
    doubled: bool

    def chord(self, bar: int, beat: float, *, beats: int) -> Chord:
        """The chord at a beat of a bar of the part."""
        place = int((bar + min(beat / beats, 0.999)) * self.changes + 1e-6)
        return self.chords[place % len(self.chords)]


def draw_groove(rng: Rng, style: Style, *, feel: str) -> Steps:
    """A variation of one of the style's grooves; feel "half" or "double" halves or doubles its
    speed.
    """
    choice = style.grooves[int(rng.integers(len(style.grooves)))]
    steps = style.meter * style.steps
    arrays = read_groove(choice, rng, steps=steps)
    arrays = vary_groove(arrays, rng, per_beat=style.steps, amount=0.8)
    if feel == "half":
        return half_time(arrays)
    return double_time(arrays) if feel == "double" else arrays


def draw_material(
    rng: Rng,
    style: Style,
    part: str,
    *,
    bpm: float,
    key: Key,
    groove: Steps,
    comps: int,
    manner: Manner,
) -> Material:
    """Compose one part. groove: the usual one of the song. comps: number of chord instruments."""
    habit, contrast = HABITS[part], manner.contrast
    drums_steps = _draw_drums(rng, style, groove, bpm=bpm, contrast=contrast)
    kick, kick_after = kick_of(drums_steps)
    bass = _draw_pattern(rng, style, style.bass_patterns, kick)
    other = bass
    if rng.random() < 0.15:
        other = _draw_pattern(rng, style, style.bass_patterns, kick_after)
    chords = progression(rng, key)
    changes = float(rng.choice([0.5, 1, 2], p=[0.2, 0.65, 0.15]))
    per_bar = [chords[int(b * changes) % len(chords)] for b in range(8)]
    level = 1 + contrast * (habit.level - 1) + rng.normal(0, 0.05)
    on = [bool(rng.random() < 1 - contrast * (1 - habit.layers)) for _ in range(comps)]
    if not any(on):
        on[int(rng.integers(comps))] = True
    tune = _draw_tune(rng, style, part, key, per_bar)
    if part in STRONG and rng.random() < 0.5 * contrast:
        drums_steps = open_up(drums_steps, rng)
    return Material(
        key=key,
        chords=tuple(chords),
        changes=changes,
        groove=drums_steps,
        drums=_drums_mode(rng, part, habit, club=manner.club),
        bass=(bass, other) if rng.random() < habit.bass else None,
        comps=tuple(_draw_pattern(rng, style, style.comp_patterns, kick) for _ in range(comps)),
        comps_on=tuple(on),
        octave=tuple(int(rng.choice([0, 0, 0, 12, -12])) for _ in range(comps)),
        melody=tune,
        lead=_lead(rng, habit, sung=manner.sung),
        register=habit.register + int(rng.integers(-2, 2)),
        level=max(0.35, level),
        doubled=part in ("chorus", "postchorus") and bool(rng.random() < 0.6),
    )


def _draw_drums(rng: Rng, style: Style, groove: Steps, *, bpm: float, contrast: float) -> Steps:
    """The groove of a part: a variation of the song's, or another one of the style."""
    feels = (1 - 0.8 * style.electronic) * np.array(
        [HALF_TIME * (bpm > LEAST_HALF), DOUBLE_TIME * (bpm < MOST_DOUBLE)]
    )
    feel = rng.choice(["half", "double", ""], p=[*feels, 1 - feels.sum()])
    if feel or rng.random() < 0.3 * contrast:
        return draw_groove(rng, style, feel=str(feel))
    return vary_groove(groove, rng, per_beat=style.steps, amount=0.5 * contrast)


def _draw_tune(rng: Rng, style: Style, part: str, key: Key, chords: list[Chord]) -> Melody:
    """The melody of a part over one chord per bar; hip-hop may have rap."""
    rapped = style.group == "hiphop" and part in ("verse", "bridge") and rng.random() < 0.6
    return melody(
        rng,
        chords,
        key,
        bars=int(rng.choice([4, 8, 8])),
        beats=style.meter,
        per_beat=style.steps,
        density=rng.uniform(0.5, 0.8) if rapped else rng.uniform(0.25, 0.6),
        chanted=bool(rapped or rng.random() < 0.15),
    )


def stage(rng: Rng, style: Style, material: Material, scene: Scene) -> Material:
    """The part as a scene without a kick, in which beats are hard to find."""
    nothing = np.zeros(style.meter * style.steps)
    groove, drums = material.groove, "none"
    if scene.grooves:
        chosen = scene.grooves[int(rng.integers(len(scene.grooves)))]
        groove, drums = read_groove(chosen, rng, steps=len(nothing)), "full"
    on = [bool(rng.random() < scene.layers) for _ in material.comps]
    if scene.layers and not any(on):
        on[int(rng.integers(len(on)))] = True
    bass = _draw_pattern(rng, style, scene.bass, nothing) if scene.bass else None
    tune = material.melody
    if rng.random() < 0.4:  # chopped or delayed, sung off the beat
        tune = replace(tune, early=float(rng.choice([0.25, 0.5, 0.5, 0.75])))
    return replace(
        material,
        changes=0.25 if rng.random() < 0.35 else material.changes,
        groove=groove,
        drums=drums,
        bass=(bass, bass) if bass else None,
        comps=tuple(_draw_pattern(rng, style, scene.comps, nothing) for _ in on),
        comps_on=tuple(on),
        melody=tune,
        lead=material.lead if rng.random() < 0.4 else "",
        level=max(material.level, float(rng.uniform(0.6, 1.0))),
    )


def _draw_pattern(
    rng: Rng, style: Style, names: tuple[str, ...], kick: NDArray[np.float64]
) -> BarPattern:
    """A random pattern for a bar whose kick drum is (steps,)."""
    name = names[int(rng.integers(len(names)))]
    return bar_pattern(name, rng, beats=style.meter, per_beat=style.steps, kick=kick)


def _drums_mode(rng: Rng, part: str, habit: Habit, *, club: bool) -> str:
    if part == "build":
        return str(rng.choice(["roll", "roll", "light", "full"]))
    if club and part == "break":
        return str(rng.choice(["none", "none", "hat", "light"]))
    if club and part in ("intro", "outro"):
        return str(rng.choice(["full", "kick", "full", "none", "hat"]))
    if rng.random() < habit.drums:
        return "full"
    return str(rng.choice(["none", "light", "kick", "hat"], p=[0.5, 0.25, 0.1, 0.15]))


def _lead(rng: Rng, habit: Habit, *, sung: bool) -> str:
    if rng.random() < habit.vocals:
        return "vocals" if sung else ("solo" if rng.random() < 0.6 else "")
    return "solo" if rng.random() < habit.solo else ""
