"""Arrange a form: which material is played in each part, and how its borders are marked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .band import Band, Manner
from .forms import Part
from .grid import Grid
from .harmony import Key, Melody, melody, voice
from .material import Material, draw_groove, draw_material, stage
from .playing import CHORD_BASE, Bar, Players
from .pop909 import Tune
from .rhythm import kick_of
from .score import BASS, DRUMS, OTHER, Effect, Sweep
from .styles import Style

Rng = np.random.Generator

GRADUAL = ("intro", "outro", "break", "build")  # parts whose layers may enter one by one
RISING = ("intro", "build", "break")
STRONG = ("chorus", "postchorus", "inst", "solo")
UNSUNG = ("intro", "inst", "solo", "outro")
# Chance, beside the style's, that a part is a scene without a kick.
SCENIC = {"intro": 0.9, "break": 1, "bridge": 0.8, "build": 0.7, "outro": 0.5, "verse": 0.15}
GAPS = {1.0: 0.45, 2.0: 0.3, 4.0: 0.17, 8.0: 0.08}  # beats of silence before a drop


@dataclass
class Arranger:
    """Plays the parts of one song, one after another."""

    rng: Rng
    style: Style
    grid: Grid
    key: Key
    manner: Manner
    band: Band
    tune: Tune | None = None
    materials: dict[str, Material] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groove = draw_groove(self.rng, self.style, feel="")
        self.pulse = self._pulse()
        self.riff = self._draw_riff()
        self.first_bar = int(self.grid.positions[0] != 1)  # after a pickup
        self.bar = 0  # of the grid
        shift = int(self.rng.integers(-6, 6)) if self.tune else 0
        away = int(self.rng.choice([0, 0, 5, 7, 9]))
        self.other_key = Key((self.key.tonic + away) % 12, self.key.mode)
        self.players = Players(
            self.rng, self.style, self.grid, self.manner, self.band, self.tune, shift
        )

    def play_form(self, form: list[Part]) -> None:
        """Play all parts, after a pickup if the grid has one."""
        if self.first_bar:
            self._pickup(form[0].name)
            self.bar = 1
        for index, part in enumerate(form):
            rest = form[index + 1 :]
            if part.name == "chorus" and all(p.name != "chorus" for p in rest):
                self.players.rise = self.manner.rise
            repeats = sum(p.name == part.name for p in form[:index])
            self._mark(part, rest[0].name if rest else "", first=index == 0)
            self._play_part(part, repeats=repeats, last=not rest)

    def _pulse(self) -> list[float]:
        """The kick's places in a bar, in beats; a side chain follows them."""
        steps = [float(step) for step in np.flatnonzero(kick_of(self.groove)[0])]
        return [s / self.style.steps for s in steps] or [float(b) for b in range(self.style.meter)]

    def _draw_riff(self) -> Melody:
        return melody(
            self.rng,
            [self.key.chord(0, size=3)],
            self.key,
            bars=int(self.rng.choice([1, 2, 2, 4])),
            beats=self.style.meter,
            per_beat=self.style.steps,
            density=self.rng.uniform(0.25, 0.7),
            chanted=False,
        )

    def _material(self, name: str, *, changed: bool = False) -> Material:
        """The music of a part, composed at its first appearance; changed: its other second half."""
        key = f"{name}, changed" if changed else name
        if key not in self.materials:
            made = self._change(name) if changed else self._borrow(name) or self._compose(name)
            self.materials[key] = made
        return self.materials[key]

    def _borrow(self, name: str) -> Material | None:
        """The music of the verse or the chorus without singing, for some parts of some songs."""
        if name not in UNSUNG or self.rng.random() >= self.manner.borrowed:
            return None
        source = self._material(str(self.rng.choice(["verse", "chorus"])))
        return replace(source, lead=str(self.rng.choice(["solo", ""])), doubled=False)

    def _change(self, name: str) -> Material:
        """The part with other chords and another melody, by the same players."""
        other = self._compose(name)
        same = self._material(name)
        return replace(same, chords=other.chords, changes=other.changes, melody=other.melody)

    def _compose(self, name: str) -> Material:
        material = draw_material(
            self.rng,
            self.style,
            name,
            bpm=self.grid.bpm,
            key=self.other_key if name in ("bridge", "break") else self.key,
            groove=self.groove,
            comps=len(self.band.comps),
            manner=self.manner,
        )
        chance = self.style.kickless * SCENIC.get(name, 0)
        if chance and self.rng.random() < chance:
            return self._scene(name, material)
        return material

    def _scene(self, name: str, material: Material) -> Material:
        """The part without its kick; most builds keep their snare roll."""
        scenes = [s for s in self.style.scenes if s.layers or not self.manner.drumless]
        staged = stage(self.rng, self.style, material, scenes[int(self.rng.integers(len(scenes)))])
        roll = name == "build" and material.drums == "roll" and self.rng.random() < 0.6
        return replace(staged, drums="roll") if roll else staged

    def _pickup(self, name: str) -> None:
        chord = self._material(name).chord(0, 0, beats=self.style.meter)
        top = voice(chord, base=CHORD_BASE)[-1:]
        for beat in range(int(self.grid.bar_beats[0])):
            self.players.note(self.band.comps[0], beat, 0.8, top, 0.6)

    def _play_part(self, part: Part, *, repeats: int, last: bool) -> None:
        rng, players, material = self.rng, self.players, self._material(part.name)
        enter = self._entries(part.name, part.bars, material)
        stop = not last and rng.random() < self.manner.stops
        gap = self._gap(part.bars) if stop else 0.0
        kicks = self._kicks(part.name, part.bars)
        resting = -1
        changed = repeats > 0 and part.bars >= 8 and rng.random() < self.manner.changed
        for number in range(part.bars):
            if changed and number == part.bars // 2:
                material = self._material(part.name, changed=True)
            bar = self._bar(part, number, repeats=repeats, gap=gap, kick=number in kicks)
            ghosts = (bar.start + at for at in self.pulse if at < self.grid.bar_beats[self.bar])
            self.band.ghosts.extend(self.grid.time(at) for at in ghosts)
            if number % 8 == 0 and number:
                resting = self._resting(material.comps_on)
            if number in enter["drums"] and not self.manner.drumless:
                players.drums(material, bar)
            if number in enter["bass"]:
                players.bass(material, bar)
            for i, on in enumerate(material.comps_on):
                added = repeats >= 2 and part.name == "chorus"  # the last chorus is the fullest
                if (on or added) and i != resting and number in enter[f"comp{i}"]:
                    players.comp(material, i, bar)
            if material.lead:
                players.lead(material, bar)
            if part.name in self.manner.hook_parts:
                players.hook(self.riff, self.key, material, bar)
            self.bar += 1

    def _gap(self, bars: int) -> float:
        """Beats of silence at the end of a part: whole bars only in club music."""
        most = 8.0 if self.manner.club and bars >= 8 else 2.0 if self.style.meter > 3 else 1.0
        chances = np.array([chance * (beats <= most) for beats, chance in GAPS.items()])
        return float(self.rng.choice(list(GAPS), p=chances / chances.sum()))

    def _kicks(self, name: str, bars: int) -> range:
        """The bars of the part that have a kick; in club music it enters late and stops early."""
        rng = self.rng
        if not self.manner.club or bars < 4:
            return range(bars)
        late = {"chorus": 0.08, "postchorus": 0.08}.get(name, 0.2)
        first = bars // int(rng.choice([2, 2, 4])) if rng.random() < late else 0
        pulled = int(rng.choice([1, 1, 2, 4, 8])) if rng.random() < 0.4 else 0
        return range(first, max(first, bars - min(pulled, bars // 2)))

    def _bar(self, part: Part, number: int, *, repeats: int, gap: float, kick: bool) -> Bar:
        beats = int(self.grid.bar_beats[self.bar])
        silent = max(0.0, gap - beats * (part.bars - 1 - number))
        return Bar(
            number=number,
            count=part.bars,
            start=int(self.grid.bar_starts[self.bar]),
            limit=max(0.0, beats - silent),
            song_bar=self.bar - self.first_bar,
            lift=1 + 0.04 * min(repeats, 3) * self.manner.contrast,
            kick=kick,
        )

    def _entries(self, name: str, bars: int, material: Material) -> dict[str, range]:
        """The bars of the part in which each layer plays; layers enter in intros and leave in
        outros.
        """
        layers = ["drums", "bass", *(f"comp{i}" for i in range(len(material.comps)))]
        if name not in GRADUAL or bars < 4 or not self.manner.layering:
            return dict.fromkeys(layers, range(bars))
        order = [str(layer) for layer in self.rng.permutation(layers)]
        # One of the layers plays through the whole part.
        playing = [f"comp{i}" for i, on in enumerate(material.comps_on) if on]
        carrier = (*playing, "drums" if material.bass is None else "bass")[0]
        if material.drums in ("none", "roll") or self.manner.drumless or order[0] != "drums":
            order = [carrier, *(layer for layer in order if layer != carrier)]
        step = max(2, bars // 4)
        entries = {}
        for place, layer in enumerate(order):
            late = step * place if place < 4 else 0
            entries[layer] = range(bars - late) if name == "outro" else range(late, bars)
        return entries

    def _resting(self, playing: tuple[bool, ...]) -> int:
        """The index of a layer that rests for a phrase (club music with several layers), or -1."""
        rests = self.manner.club and sum(playing) > 1 and self.rng.random() < 0.3
        return int(self.rng.integers(len(playing))) if rests else -1

    def _mark(self, part: Part, following: str, *, first: bool) -> None:
        """Mark the borders of a part with a crash, an impact, a riser or moving filters."""
        rng, grid, manner = self.rng, self.grid, self.manner
        material = self._material(part.name)
        last_bar = min(self.bar + part.bars, len(grid.bar_starts)) - 1
        start = grid.time(float(grid.bar_starts[self.bar]))
        end = grid.time(float(grid.bar_starts[last_bar] + grid.bar_beats[last_bar]))
        crashes = manner.crash * (1 if part.name in STRONG else 0.55)
        if not manner.drumless and material.drums != "none" and rng.random() < crashes:
            self.players.hit("crash", grid.bar_starts[self.bar], rng.uniform(0.7, 1))
        if not first and rng.random() < 0.3 * manner.effects:
            until = start + float(rng.uniform(1, 8 if manner.club else 4))
            self.band.effects.append(Effect("fall", start, until, 0.5))
        if rng.random() < manner.effects * (0.8 if following in STRONG else 0.2):
            bar = (end - start) / part.bars
            length = min(end - start, bar * float(rng.choice([0.5, 1, 2, 4, 8])))
            level = float(rng.uniform(0.2, 0.9))
            self.band.effects.append(Effect("riser", end - length, end, level))
        self._sweep(part.name, start, end)

    def _sweep(self, name: str, start: float, end: float) -> None:
        """Add a filter that opens or closes over a part, or thins out a build."""
        rng, sweeps = self.rng, self.band.sweeps
        if rng.random() < self.manner.effects * (0.5 if name in RISING else 0.06):
            low = float(np.exp(rng.uniform(np.log(200), np.log(900))))
            cutoffs = (low, 12000.0) if rng.random() < 0.8 else (12000.0, low)
            for stem in (OTHER, BASS, DRUMS)[: int(rng.integers(1, 4))]:
                sweeps.append(Sweep("low", stem, start, end, cutoffs))
        elif name == "build" and rng.random() < 0.4:
            for stem in range(4):
                sweeps.append(Sweep("high", stem, start, end, (40.0, 900.0)))
