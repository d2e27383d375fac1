"""Playing a form: every bar's notes, hits, fills and effects, written into tracks.

Times are seconds, positions within the song beats; see `grid`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .forms import Part
from .grid import Grid
from .harmony import Chord, Key, Melody, melody, voice
from .material import Material, draw_groove, draw_material
from .pop909 import Tune
from .rhythm import BACKBEATS, KICKS, BarPattern, fill
from .score import BASS, OTHER, VOCALS, DrumTrack, Effect, Hit, Note, Sweep, Track
from .styles import Style

Rng = np.random.Generator

# Amplitudes of drums beside a bass of 1: (least, most).
DRUM_LEVELS = {
    "kick": (0.8, 1.7),
    "kick808": (0.8, 1.6),
    "snare": (0.6, 1.3),
    "clap": (0.5, 1.1),
    "rim": (0.3, 0.8),
    "snap": (0.3, 0.7),
    "hat": (0.1, 0.45),
    "ohat": (0.12, 0.45),
    "ride": (0.12, 0.4),
    "crash": (0.3, 0.8),
    "tomh": (0.5, 1.0),
    "tomm": (0.5, 1.0),
    "toml": (0.5, 1.0),
}
SMALL_LEVEL = (0.1, 0.4)  # of all other percussion
BASS_BASE, CHORD_BASE, POWER_BASE = 28, 50, 38  # lowest pitches of voicings
VOICE_BASE = {"male": 48, "female": 57}
# Chance that the riff of a song sounds in a part.
HOOK_PARTS = {"intro": 0.5, "chorus": 0.35, "postchorus": 0.5, "inst": 0.5, "outro": 0.35}
PADS = ("pad", "strings", "choir", "supersaw")


@dataclass
class Band:
    """The instruments of a song and how they play together."""

    bass: Track
    comps: list[Track]
    lead: Track
    double: Track
    solo: Track
    hook: Track
    drums: dict[str, DrumTrack] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    sweeps: list[Sweep] = field(default_factory=list)
    kicks: list[float] = field(default_factory=list)  # s, for the side chain

    def tracks(self) -> tuple[Track, ...]:
        """All pitched tracks that have notes."""
        every = (self.bass, *self.comps, self.hook, self.lead, self.double, self.solo)
        return tuple(track for track in every if track.notes)


@dataclass(frozen=True)
class Manner:
    """A song's way of being played; chances 0 to 1. loose is a standard deviation in s.

    hook_parts: where the song's riff sounds; rise: semitones by which the last chorus is moved.
    """

    loose: float
    push: float
    fills: float
    crash: float
    stops: float
    effects: float
    layering: bool
    contrast: float
    drumless: bool
    sung: bool
    club: bool
    hook_parts: tuple[str, ...]
    rise: int


def draw_band(rng: Rng, style: Style) -> Band:
    """Instruments of a style."""

    def track(stem: int, families: tuple[str, ...], release: float) -> Track:
        family = families[int(rng.integers(len(families)))]
        level = float(10 ** (rng.normal(0, 3) / 20))
        return Track(stem, family, int(rng.integers(1 << 16)), release, level)

    comps = []
    for _ in range(int(rng.integers(2, 5))):
        comp = track(OTHER, style.comps, 0.06)
        comp.release = 0.25 if comp.family in PADS else 0.07
        comps.append(comp)
    singers = ("male", "female")
    return Band(
        bass=track(BASS, style.bass, 0.05),
        comps=comps,
        lead=track(VOCALS, singers, 0.05),
        double=track(VOCALS, singers, 0.05),
        solo=track(*_solo_place(rng, style), 0.06),
        hook=track(OTHER, style.leads + style.comps, 0.05),
    )


def _solo_place(rng: Rng, style: Style) -> tuple[int, tuple[str, ...]]:
    """Stem and families of the solo: in dance music it is often a chopped voice."""
    chopped = style.group == "dance" and rng.random() < 0.2 * style.vocal
    return (VOCALS, ("female", "male")) if chopped else (OTHER, style.leads)


def draw_manner(rng: Rng, style: Style) -> Manner:
    """Habits of one song."""
    club = bool(rng.random() < style.club)
    return Manner(
        loose=float(rng.uniform(0, 1.5)) * style.loose / 1000,
        push=float(rng.uniform(0.3, 0.9)) if rng.random() < 0.15 else 0.0,
        fills=float(rng.uniform(0.2, 0.95)),
        crash=float(rng.uniform(0.2, 1.0)),
        stops=float(rng.uniform(0.1, 0.5)) if rng.random() < (0.6 if club else 0.3) else 0.0,
        effects=float(rng.uniform(0.2, 0.9)) if style.electronic * rng.random() > 0.3 else 0.05,
        layering=club or bool(rng.random() < 0.4),
        contrast=float(rng.beta(4, 1.6)),
        drumless=bool(rng.random() < style.drumless),
        sung=bool(rng.random() < style.vocal),
        club=club,
        hook_parts=tuple(p for p, chance in HOOK_PARTS.items() if rng.random() < chance),
        rise=int(rng.integers(1, 4)) if rng.random() < 0.05 else 0,
    )


@dataclass
class Arranger:
    """Writes the parts of one song, one after another, into the band's tracks."""

    rng: Rng
    style: Style
    grid: Grid
    key: Key
    manner: Manner
    band: Band
    tune: Tune | None = None
    materials: dict[str, Material] = field(default_factory=dict)
    bar: int = 0  # of the grid

    def __post_init__(self) -> None:
        self.groove = draw_groove(self.rng, self.style, feel="")
        self.hook = self._draw_hook()
        self.first_bar = int(self.grid.positions[0] != 1)  # after a pickup
        self.shift = int(self.rng.integers(-6, 6)) if self.tune else 0  # semitones
        self.rise = 0
        self.bridge_key = Key((self.key.tonic + int(self.rng.choice([0, 0, 5, 7, 9]))) % 12,
                              self.key.mode)  # fmt: skip

    def play_form(self, form: list[Part]) -> None:
        """All parts; a pickup before the first bar is played by the first part's lead."""
        if self.grid.positions[0] != 1:
            self._pickup(form[0].name)
            self.bar = 1
        for index, part in enumerate(form):
            following = form[index + 1] if index + 1 < len(form) else None
            repeats = sum(p.name == part.name for p in form[:index])
            if part.name == "chorus" and not any(p.name == "chorus" for p in form[index + 1 :]):
                self.rise = self.manner.rise
            self._play_part(part, following, repeats=repeats, first=index == 0)

    def _draw_hook(self) -> Melody:
        style = self.style
        return melody(
            self.rng,
            [self.key.chord(0, size=3)],
            self.key,
            bars=int(self.rng.choice([1, 2, 2, 4])),
            beats=style.meter,
            per_beat=style.steps,
            density=self.rng.uniform(0.25, 0.7),
            chanted=False,
        )

    def _material(self, name: str) -> Material:
        if name not in self.materials:
            self.materials[name] = draw_material(
                self.rng,
                self.style,
                name,
                key=self.bridge_key if name in ("bridge", "break") else self.key,
                groove=self.groove,
                comps=len(self.band.comps),
                contrast=self.manner.contrast,
                sung=self.manner.sung,
                club=self.manner.club,
            )
        return self.materials[name]

    def _chord(self, material: Material, bar: int, at: float) -> Chord:
        """The chord at a beat of a bar of the part: the tune's, or the part's own."""
        if self.tune is None:
            return material.chord(bar, at, beats=self.style.meter)
        chord = self.tune.chord(self.bar - self.first_bar, at)
        return tuple((pitch + self.shift) % 12 for pitch in chord)

    def _pickup(self, name: str) -> None:
        material = self._material(name)
        track = self.band.comps[0]
        for beat in range(int(self.grid.bar_beats[0])):
            pitches = voice(material.chord(0, 0, beats=4), base=CHORD_BASE)[-1:]
            self._note(track, beat, 0.8, pitches, 0.6)

    def _play_part(self, part: Part, following: Part | None, *, repeats: int, first: bool) -> None:
        rng, material = self.rng, self._material(part.name)
        base, resting = part.name, -1
        enter = self._entries(base, part.bars, material)
        # Later rounds may be fuller: the last chorus is not the first.
        lift = 1 + 0.04 * min(repeats, 3) * self.manner.contrast
        self._mark(part, following, material, first=first)
        stop = following is not None and rng.random() < self.manner.stops
        for bar in range(part.bars):
            start = int(self.grid.bar_starts[self.bar])
            beats = int(self.grid.bar_beats[self.bar])
            last = bar == part.bars - 1
            limit = beats - (1.0 if beats < 4 or rng.random() < 0.6 else 2.0) * (last and stop)
            if not self.manner.drumless and bar in enter["drums"]:
                self._drums(part, material, bar, start, limit, last=last)
            if material.bass is not None and bar in enter["bass"]:
                self._bass(material, bar, start, limit, lift)
            if bar % 8 == 0:
                resting = self._resting(material.comps_on) if bar else -1
            for i, on in enumerate(material.comps_on):
                extra = repeats >= 2 and base == "chorus"
                if (on or extra) and i != resting and bar in enter[f"comp{i}"]:
                    self._comp(material, i, bar, start, limit, lift)
            if material.lead:
                self._lead(material, bar, start, limit, lift)
            if base in self.manner.hook_parts:
                self._hook(material, bar, start, limit)
            self.bar += 1

    def _entries(self, name: str, bars: int, material: Material) -> dict[str, range]:
        """The bars of the part in which each layer plays: intros fill up, outros thin out."""
        layers = ["drums", "bass", *(f"comp{i}" for i in range(len(material.comps)))]
        gradual = name in ("intro", "outro", "break", "build") and bars >= 4
        if not gradual or not self.manner.layering:
            return dict.fromkeys(layers, range(bars))
        step = max(2, bars // 4)
        entries = {}
        order = [str(layer) for layer in self.rng.permutation(layers)]
        # Something that does play carries the part throughout.
        carrier = f"comp{material.comps_on.index(True)}"
        if material.drums in ("none", "roll") or self.manner.drumless or order[0] != "drums":
            order = [carrier, *(layer for layer in order if layer != carrier)]
        for place, layer in enumerate(order):
            late = step * place if place < 4 else 0
            entries[layer] = range(bars - late) if name == "outro" else range(late, bars)
        return entries

    def _resting(self, playing: tuple[bool, ...]) -> int:
        """In club music one of several layers may rest for a phrase: its index, -1 for none."""
        rests = self.manner.club and sum(playing) > 1 and self.rng.random() < 0.3
        return int(self.rng.integers(len(playing))) if rests else -1

    def _mark(self, part: Part, following: Part | None, material: Material, *, first: bool) -> None:
        """Crash, impact, risers and filters at a part's borders."""
        rng, grid = self.rng, self.grid
        start = grid.time(float(grid.bar_starts[self.bar]))
        stop_bar = min(self.bar + part.bars, len(grid.bar_starts)) - 1
        end = grid.time(float(grid.bar_starts[stop_bar] + grid.bar_beats[stop_bar]))
        strong = part.name in ("chorus", "postchorus", "inst", "solo")
        if (
            not self.manner.drumless
            and material.drums != "none"
            and rng.random() < self.manner.crash * (1 if strong else 0.55)
        ):
            self._hit("crash", grid.bar_starts[self.bar], rng.uniform(0.7, 1))
        if rng.random() < 0.3 * self.manner.effects and not first:
            self.band.effects.append(Effect("fall", start, start + rng.uniform(1, 4), 0.5))
        into_strong = following is not None and following.name in ("chorus", "inst")
        if rng.random() < self.manner.effects * (0.8 if into_strong else 0.2):
            bar = (end - start) / part.bars
            length = min(end - start, bar * rng.choice([0.5, 1, 2, 4, 8]))
            self.band.effects.append(Effect("riser", end - length, end, rng.uniform(0.2, 0.9)))
        rising = part.name in ("intro", "build", "break")
        if rng.random() < self.manner.effects * (0.5 if rising else 0.06):
            low = float(np.exp(rng.uniform(np.log(200), np.log(900))))
            cutoffs = (low, 12000.0) if rng.random() < 0.8 else (12000.0, low)
            for stem in (OTHER, BASS, 1)[: int(rng.integers(1, 4))]:
                self.band.sweeps.append(Sweep("low", stem, start, end, cutoffs))
        elif part.name == "build" and rng.random() < 0.4:
            for stem in range(4):
                self.band.sweeps.append(Sweep("high", stem, start, end, (40.0, 900.0)))

    def _note(
        self, track: Track, beat: float, beats: float, pitches: tuple[int, ...], level: float,
        variant: int = 0,
    ) -> None:  # fmt: skip
        start, end = self.grid.time(beat), self.grid.time(beat + beats)
        late = self.manner.loose * self.rng.standard_normal() if self.manner.loose else 0.0
        moved = tuple(p + self.rise for p in pitches)
        track.notes.append(Note(max(0.0, start + late), end - start, moved, level, variant))

    def _hit(self, piece: str, beat: float, velocity: float) -> None:
        drum = self.band.drums.get(piece)
        if drum is None:
            low, high = DRUM_LEVELS.get(piece, SMALL_LEVEL)
            drum = DrumTrack(piece, int(self.rng.integers(1 << 16)), self.rng.uniform(low, high))
            self.band.drums[piece] = drum
        time = self.grid.time(float(beat))
        late = self.manner.loose * self.rng.standard_normal() if self.manner.loose else 0.0
        drum.hits.append(Hit(max(0.0, time + late), velocity))
        if piece in KICKS:
            self.band.kicks.append(time)

    def _drums(
        self, part: Part, material: Material, bar: int, start: int, limit: float, *, last: bool
    ) -> None:
        rng, per_beat = self.rng, self.style.steps
        if material.drums == "none":
            return
        if material.drums == "roll":
            self._roll(part, bar, start, limit)
            return
        filled = rng.random() < (self.manner.fills if last else 0.15 * (bar % 4 == 3))
        kind = str(rng.choice(["toms", "snare", "roll", "stops"], p=[0.45, 0.3, 0.15, 0.1]))
        whole = int(limit)
        span = int(rng.choice([1, 2, whole])) if filled and whole >= 2 else 0
        until = (limit - span) * per_beat
        for piece, array in material.groove.items():
            if not _plays(material.drums, piece):
                continue
            line = array[bar % 2]
            for step in np.flatnonzero(line):
                if step < until and rng.random() < 0.985:
                    velocity = line[step] * rng.uniform(0.85, 1.1) * (0.6 + 0.4 * material.level)
                    self._hit(piece, start + step / per_beat, velocity)
        if span:
            for piece, offset, velocity in fill(rng, beats=span, per_beat=per_beat, kind=kind):
                self._hit(piece, start + limit - span + offset, velocity)

    def _roll(self, part: Part, bar: int, start: int, limit: float) -> None:
        """A build's snare roll: quarters, eighths, sixteenths, towards the drop."""
        progress = (bar + 1) / part.bars
        step = 1.0 if progress <= 0.5 else 0.5 if progress <= 0.75 else 0.25
        for beat in np.arange(0, limit, step):
            velocity = 0.35 + 0.6 * (bar + beat / 4) / part.bars
            self._hit("snare", start + beat, velocity)
            if step == 1.0:
                self._hit("kick", start + beat, 0.9)

    def _bass(self, material: Material, bar: int, start: int, limit: float, lift: float) -> None:
        rng, track = self.rng, self.band.bass
        assert material.bass is not None
        pattern = material.bass[bar % 2]
        for index, (at, length, accent) in enumerate(self._onsets(pattern, material)):
            if at >= limit:
                continue
            chord = self._chord(material, bar, at)
            pitch = BASS_BASE + (chord[0] - BASS_BASE) % 12
            if pattern.kind == "octave" and at % 1:
                pitch += 12
            elif pattern.kind == "fifth" and index % 2:
                pitch += 7
            elif pattern.kind == "walk" and index:
                pitch += int(rng.choice([0, 2, 3, 4, 5, 7, -1, -2, 12]))
            level = accent * material.level * lift
            self._note(track, start + self._pushed(at, start), min(length, limit - at), (pitch,),
                       level)  # fmt: skip

    def _onsets(
        self, pattern: BarPattern, material: Material
    ) -> tuple[tuple[float, float, float], ...]:
        """The pattern's onsets; a lone whole-bar note is struck again when the chord changes."""
        if len(pattern.onsets) == 1 and material.changes == 2 and self.style.meter != 3:
            half = self.style.meter / 2
            return ((0.0, half, 1.0), (half, half, 1.0))
        return pattern.onsets

    def _pushed(self, at: float, start: int) -> float:
        """Where a bar's first chord may come half a beat early."""
        if at == 0 and start > 0 and self.rng.random() < self.manner.push:
            return -0.5
        return at

    def _comp(
        self, material: Material, i: int, bar: int, start: int, limit: float, lift: float
    ) -> None:
        track, pattern = self.band.comps[i], material.comps[i]
        level = 0.45 * material.level * lift * (0.8 if len(self.band.comps) > 3 else 1)
        for index, (at, length, accent) in enumerate(self._onsets(pattern, material)):
            if at >= limit:
                continue
            chord = self._chord(material, bar, at)
            pitches = self._voicing(track, chord, material.octave[i])
            if pattern.kind == "arp" and track.family != "power":
                ladder = (*pitches, pitches[0] + 12, *pitches[:0:-1])
                pitches = (ladder[index % len(ladder)],)
            gain = level * accent * (1.5 if len(pitches) == 1 else 1.0)
            length = min(length, limit - at)
            self._note(track, start + self._pushed(at, start), length, pitches, gain)

    def _voicing(self, track: Track, chord: Chord, octave: int) -> tuple[int, ...]:
        if track.family == "power":
            return (POWER_BASE + (chord[0] - POWER_BASE) % 12,)
        return voice(chord, base=CHORD_BASE + octave)

    def _lead(self, material: Material, bar: int, start: int, limit: float, lift: float) -> None:
        vocal = material.lead == "vocals"
        track = self.band.lead if vocal else self.band.solo
        base = VOICE_BASE.get(track.family, 55)
        if self.tune is not None:
            self._sing_tune(self.tune, track, material, start, base, lift)
            return
        phrase = bar % material.melody.bars
        verse = 0 if not vocal else (self.bar // 8) % 3  # other words, same tune
        for at_bar, at, length, degree, syllable in material.melody.notes:
            at -= material.melody.early
            if at_bar != phrase or at >= limit or start + at < 0:
                continue
            pitch = self.key.pitch(degree + material.register, base=base)
            level = (0.75 if vocal else 0.65) * material.level * lift
            self._note(track, start + at, length, (pitch,), level, syllable + verse)
            if vocal and material.doubled:
                second = self.key.pitch(degree + material.register + 2, base=base)
                self._note(self.band.double, start + at, length, (second,), 0.5 * level, syllable)

    def _sing_tune(
        self, tune: Tune, track: Track, material: Material, start: int, base: int, lift: float
    ) -> None:
        """The tune's own melody in the singer's octave."""
        notes = tune.melody[(self.bar - self.first_bar) % len(tune.melody)]
        middle = float(np.mean([p for line in tune.melody for _, _, p in line] or [base]))
        octave = 12 * round((base + 9 - middle - self.shift) / 12)
        for at, length, pitch in notes:
            level = 0.7 * material.level * lift
            moved = pitch + self.shift + octave
            self._note(track, start + at, length, (moved,), level, moved % 3 + self.bar % 2)

    def _hook(self, material: Material, bar: int, start: int, limit: float) -> None:
        for at_bar, at, length, degree, _ in self.hook.notes:
            if at_bar == bar % self.hook.bars and at < limit:
                pitch = self.key.pitch(degree, base=60)
                self._note(self.band.hook, start + at, length, (pitch,), 0.6 * material.level)


def _plays(mode: str, piece: str) -> bool:
    """Whether a drum sounds in a mode of Material.drums."""
    if mode == "light":
        return piece not in KICKS
    if mode == "kick":
        return piece in KICKS
    if mode == "hat":
        return piece not in KICKS and piece not in BACKBEATS
    return True
