"""Turn a bar of a part into the notes and hits of each player.

Positions and lengths are beats from the first beat of the song. Tracks use seconds; see `grid`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .band import Band, Manner, draw_drum
from .grid import Grid
from .harmony import Chord, Key, Melody, voice
from .material import Material
from .pop909 import Tune
from .rhythm import BACKBEATS, KICKS, BarPattern, Onset, fill, hat_roll
from .score import Hit, Note, Track
from .styles import Style

Rng = np.random.Generator

BASS_BASE, CHORD_BASE, POWER_BASE, HOOK_BASE = 28, 50, 38, 60  # lowest pitches
VOICE_BASE = {"male": 48, "female": 57}
SOLO_BASE = 55
MISSED = 0.015  # share of a groove's hits that the drummer omits
FILL_KINDS = {"toms": 0.35, "snare": 0.25, "roll": 0.1, "stops": 0.1, "no kick": 0.2}


@dataclass(frozen=True)
class Bar:
    """One bar of a part.

    number: its index in the part, which has `count` bars. start: its first beat. limit: number of
    beats that are played (the rest is silence before a drop). song_bar: its index in the song,
    without a pickup. lift: amplitude. kick: whether there is a kick.
    """

    number: int
    count: int
    start: int
    limit: float
    song_bar: int
    lift: float
    kick: bool = True

    @property
    def last(self) -> bool:
        """Whether it is the last bar of the part."""
        return self.number == self.count - 1


@dataclass
class Players:
    """The players on stage. shift, rise: semitones by which a tune and the whole song are
    transposed.
    """

    rng: Rng
    style: Style
    grid: Grid
    manner: Manner
    band: Band
    tune: Tune | None = None
    shift: int = 0
    rise: int = 0

    def note(
        self,
        track: Track,
        beat: float,
        beats: float,
        pitches: tuple[int, ...],
        level: float,
        variant: int = 0,
    ) -> None:
        """Write a note or chord into a track, with human timing."""
        start, end = self.grid.time(beat), self.grid.time(beat + beats)
        moved = tuple(p + self.rise for p in pitches)
        at = max(0.0, start + self._late())
        track.notes.append(Note(at, end - start, moved, level, variant))

    def hit(self, piece: str, beat: float, velocity: float) -> None:
        """Write a hit into the drum's track, which begins with its first hit."""
        if piece not in self.band.drums:
            self.band.drums[piece] = draw_drum(self.rng, piece, style=self.style)
        time = self.grid.time(float(beat))
        self.band.drums[piece].hits.append(Hit(max(0.0, time + self._late()), float(velocity)))
        if piece in KICKS:
            self.band.kicks.append(time)

    def _late(self) -> float:
        loose = self.manner.loose
        return float(loose * self.rng.standard_normal()) if loose else 0.0

    def drums(self, material: Material, bar: Bar) -> None:
        """Play the groove, with a possible fill at the end."""
        rng, per_beat = self.rng, self.style.steps
        if material.drums == "none":
            return
        if material.drums == "roll":
            self._snare_roll(bar)
            return
        whole = int(bar.limit)
        filled = rng.random() < (self.manner.fills if bar.last else 0.15 * (bar.number % 4 == 3))
        span = int(rng.choice([1, 2, whole])) if filled and whole >= 2 else 0
        kind = str(rng.choice(list(FILL_KINDS), p=list(FILL_KINDS.values())))
        until = (bar.limit - span) * per_beat
        for piece, array in material.groove.items():
            if not _plays(material.drums, piece) or (piece in KICKS and not bar.kick):
                continue
            stop = bar.limit * per_beat if kind == "no kick" and piece not in KICKS else until
            line = array[bar.number % 2]
            for step in np.flatnonzero(line):
                if step < stop and rng.random() >= MISSED:
                    velocity = line[step] * rng.uniform(0.85, 1.1) * (0.6 + 0.4 * material.level)
                    self.hit(piece, bar.start + step / per_beat, velocity)
        if span and kind != "no kick":
            for piece, at, velocity in fill(rng, beats=span, per_beat=per_beat, kind=kind):
                if bar.kick or piece not in KICKS:
                    self.hit(piece, bar.start + bar.limit - span + at, velocity)
        if "hat" in material.groove and rng.random() < self.manner.hat_rolls:
            for at, velocity in hat_roll(rng, beats=self.style.meter):
                if at < bar.limit:
                    self.hit("hat", bar.start + at, velocity)

    def _snare_roll(self, bar: Bar) -> None:
        """Play the roll of a build, in quarters, eighths, then sixteenths, towards the drop."""
        progress = (bar.number + 1) / bar.count
        step = 1.0 if progress <= 0.5 else 0.5 if progress <= 0.75 else 0.25
        for beat in np.arange(0, bar.limit, step):
            self.hit("snare", bar.start + beat, 0.35 + 0.6 * (bar.number + beat / 4) / bar.count)
            if step == 1.0 and bar.kick:
                self.hit("kick", bar.start + beat, 0.9)

    def chord(self, material: Material, bar: Bar, at: float) -> Chord:
        """The chord at a beat of a bar: the tune's, or the part's own."""
        if self.tune is None:
            return material.chord(bar.number, at, beats=self.style.meter)
        chord = self.tune.chord(bar.song_bar, at)
        return tuple((pitch + self.shift) % 12 for pitch in chord)

    def bass(self, material: Material, bar: Bar) -> None:
        """Play the part's bass pattern on the roots of the chords."""
        if material.bass is None:
            return
        pattern = material.bass[bar.number % 2]
        for index, (at, length, accent) in enumerate(self._onsets(pattern, material, bar)):
            root = self.chord(material, bar, at)[0]
            pitch = BASS_BASE + (root - BASS_BASE) % 12
            if pattern.kind == "octave" and at % 1:
                pitch += 12
            elif pattern.kind == "fifth" and index % 2:
                pitch += 7
            elif pattern.kind == "walk" and index:
                pitch += int(self.rng.choice([0, 2, 3, 4, 5, 7, -1, -2, 12]))
            level = accent * material.level * bar.lift
            self.note(self.band.bass, self._pushed(at, bar), length, (pitch,), level)

    def comp(self, material: Material, i: int, bar: Bar) -> None:
        """Play chord instrument i."""
        track, pattern = self.band.comps[i], material.comps[i]
        level = 0.45 * material.level * bar.lift * (0.8 if len(self.band.comps) > 3 else 1)
        for index, (at, length, accent) in enumerate(self._onsets(pattern, material, bar)):
            chord = self.chord(material, bar, at)
            if track.family == "power":
                pitches: tuple[int, ...] = (POWER_BASE + (chord[0] - POWER_BASE) % 12,)
            else:
                pitches = voice(chord, base=CHORD_BASE + material.octave[i])
                if pattern.kind == "arp":
                    ladder = (*pitches, pitches[0] + 12, *pitches[:0:-1])
                    pitches = (ladder[index % len(ladder)],)
            gain = level * accent * (1.5 if len(pitches) == 1 else 1.0)
            self.note(track, self._pushed(at, bar), length, pitches, gain)

    def _onsets(self, pattern: BarPattern, material: Material, bar: Bar) -> list[Onset]:
        """The onsets of a pattern that are played, in beats of the bar."""
        onsets = pattern.within(bar.number, beats=self.style.meter)
        if len(onsets) == 1 and material.changes == 2 and self.style.meter != 3:
            half = self.style.meter / 2  # a held chord is played again when it changes
            onsets = ((0.0, half, 1.0), (half, half, 1.0))
        return [(at, min(n, bar.limit - at), accent) for at, n, accent in onsets if at < bar.limit]

    def _pushed(self, at: float, bar: Bar) -> float:
        """The place of an onset in the song; the first one of a bar may be half a beat early."""
        early = at == 0 and bar.start > 0 and self.rng.random() < self.manner.push
        return bar.start + (-0.5 if early else at)

    def lead(self, material: Material, bar: Bar) -> None:
        """Sing or play the melody."""
        vocal = material.lead == "vocals"
        track = self.band.lead if vocal else self.band.solo
        level = (0.75 if vocal else 0.65) * material.level * bar.lift
        if self.tune is not None:
            self._tune(self.tune, track, bar, level)
            return
        base = VOICE_BASE.get(track.family, SOLO_BASE)
        words = (bar.song_bar // 8) % 3 if vocal else 0  # other lyrics, same melody
        line = material.melody
        if bar.number == 0 and bar.start > 0 and self.rng.random() < self.manner.upbeat:
            self._upbeat(track, material, bar, level)
        for at_bar, onset, length, degree, syllable in line.notes:
            at = onset - line.early
            if at_bar != bar.number % line.bars or at >= bar.limit or bar.start + at < 0:
                continue
            place = degree + material.register
            first, second = (material.key.pitch(d, base=base) for d in (place, place + 2))
            self.note(track, bar.start + at, length, (first,), level, syllable + words)
            if vocal and material.doubled:
                double = self.band.double
                self.note(double, bar.start + at, length, (second,), 0.5 * level, syllable)

    def _upbeat(self, track: Track, material: Material, bar: Bar, level: float) -> None:
        """Begin the melody one to three notes before the part: they belong to this part."""
        base = VOICE_BASE.get(track.family, SOLO_BASE)
        first = material.melody.notes[0][3] + material.register if material.melody.notes else 0
        for before in range(int(self.rng.integers(1, 4)), 0, -1):
            pitch = material.key.pitch(first - before, base=base)
            self.note(track, bar.start - before / 2, 0.45, (pitch,), level, before)

    def _tune(self, tune: Tune, track: Track, bar: Bar, level: float) -> None:
        """Sing the tune's own melody in the singer's octave."""
        base = VOICE_BASE.get(track.family, SOLO_BASE)
        middle = float(np.mean([p for line in tune.melody for _, _, p in line] or [base]))
        octave = 12 * round((base + 9 - middle - self.shift) / 12)
        for at, length, pitch in tune.melody[bar.song_bar % len(tune.melody)]:
            moved = pitch + self.shift + octave
            syllable = moved % 3 + bar.song_bar % 2
            self.note(track, bar.start + at, length, (moved,), level, syllable)

    def hook(self, riff: Melody, key: Key, material: Material, bar: Bar) -> None:
        """Play the song's riff."""
        for at_bar, at, length, degree, _ in riff.notes:
            if at_bar == bar.number % riff.bars and at < bar.limit:
                pitch = key.pitch(degree, base=HOOK_BASE)
                self.note(self.band.hook, bar.start + at, length, (pitch,), 0.6 * material.level)


def _plays(mode: str, piece: str) -> bool:
    """Whether a drum sounds in a mode of Material.drums."""
    if mode == "light":
        return piece not in KICKS
    if mode == "kick":
        return piece in KICKS
    if mode == "hat":
        return piece not in KICKS and piece not in BACKBEATS
    return True
