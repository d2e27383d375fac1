"""The players of a song and their manner: instruments, habits, echoes. Times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .score import BASS, OTHER, VOCALS, DrumTrack, Effect, Note, Sweep, Track
from .styles import Style

Rng = np.random.Generator

# Amplitudes of drums relative to a bass of 1: (least, most).
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
# Chance that a part contains the song's riff.
HOOK_PARTS = {"intro": 0.5, "chorus": 0.35, "postchorus": 0.5, "inst": 0.5, "outro": 0.35}
QUIET_BORDERS = 0.25  # share of songs whose parts begin without fills, crashes or effects
EQUAL = 0.2  # share of songs whose choruses are hardly louder or fuller than their verses
PADS = ("pad", "strings", "choir", "supersaw")


@dataclass
class Band:
    """The instruments of a song and their combination."""

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
    ghosts: list[float] = field(default_factory=list)  # s of silent kicks

    @property
    def sung(self) -> bool:
        """Whether anyone sings."""
        return any(track.stem == VOCALS for track in self.tracks())

    def tracks(self) -> tuple[Track, ...]:
        """All pitched tracks that have notes."""
        every = (self.bass, *self.comps, self.hook, self.lead, self.double, self.solo)
        return tuple(track for track in every if track.notes)


@dataclass(frozen=True)
class Manner:
    """The manner of playing in a song; chances are 0 to 1. loose: a standard deviation in seconds.

    hook_parts: the parts with the song's riff; rise: semitones by which the last chorus is moved;
    hat_rolls: chance per bar; upbeat: chance that a melody begins before its part's first bar;
    borrowed: chance that a part without singing has the music of the verse or the chorus; changed:
    chance that a part returns with another second half.
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
    hat_rolls: float
    upbeat: float = 0.0
    borrowed: float = 0.0
    changed: float = 0.0


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
    """Stem and families of the solo; in dance music it is often a chopped voice."""
    chopped = style.group == "dance" and rng.random() < 0.35 * style.vocal
    return (VOCALS, ("female", "male")) if chopped else (OTHER, style.leads)


def draw_manner(rng: Rng, style: Style) -> Manner:
    """The habits of one song."""
    club = bool(rng.random() < style.club)
    marked = float(rng.random() >= QUIET_BORDERS)
    equal = rng.random() < EQUAL
    return Manner(
        loose=float(rng.uniform(0, 1.5)) * style.loose / 1000,
        push=float(rng.uniform(0.3, 0.9)) if rng.random() < 0.15 else 0.0,
        fills=marked * float(rng.uniform(0.2, 0.95)),
        crash=marked * float(rng.uniform(0.2, 1.0)),
        stops=marked * float(rng.uniform(0.1, 0.5)) * (rng.random() < (0.6 if club else 0.3)),
        effects=marked
        * (float(rng.uniform(0.2, 0.9)) if style.electronic * rng.random() > 0.3 else 0.05),
        layering=club or bool(rng.random() < 0.4),
        contrast=float(rng.uniform(0, 0.25)) if equal else float(rng.beta(4, 1.6)),
        drumless=bool(rng.random() < style.drumless),
        sung=bool(rng.random() < style.vocal),
        club=club,
        hook_parts=tuple(p for p, chance in HOOK_PARTS.items() if rng.random() < chance),
        rise=int(rng.integers(1, 4)) if rng.random() < 0.05 else 0,
        hat_rolls=style.hat_rolls * float(rng.uniform(0.2, 1)) if style.hat_rolls else 0.0,
        upbeat=float(rng.uniform(0.3, 1)) if rng.random() < 0.4 else 0.0,
        borrowed=0.5 if rng.random() < 0.5 else 0.0,
        changed=0.5 if rng.random() < 0.3 else 0.0,
    )


def draw_drum(rng: Rng, piece: str, *, style: Style) -> DrumTrack:
    """A drum of the kit at a typical level; music with a side chain has a loud kick."""
    low, high = DRUM_LEVELS.get(piece, SMALL_LEVEL)
    boost = 1 + 0.6 * style.pump if piece == "kick" else 1.0
    return DrumTrack(piece, int(rng.integers(1 << 16)), boost * float(rng.uniform(low, high)))


def add_echoes(rng: Rng, band: Band, *, style: Style, beat: float) -> None:
    """Give some instruments a delay in time with the beat (in seconds)."""
    share = 0.12 + 0.25 * style.electronic
    for track in band.tracks():
        if track.stem == BASS or rng.random() >= share:
            continue
        step = beat * float(rng.choice([0.5, 0.75, 0.75, 1.0, 1.5]))
        feedback = float(rng.uniform(0.2, 0.6))
        count = 1 + int(feedback > 0.35) + int(feedback > 0.5)
        echoes = [
            Note(n.start + i * step, n.seconds, n.pitches, n.level * feedback**i, n.variant)
            for n in track.notes
            for i in range(1, count + 1)
        ]
        track.notes.extend(echoes)
