"""Turn compositions from MIDI files into scores with random instruments, played by a bank."""

from __future__ import annotations

import numpy as np

from allin1_mlx.types import Segment

from ..instruments.soundfont import PIECE_NOTES, PROGRAMS
from .backing import add_backing
from .midi import MidiPart, MidiSong
from .score import BASS, OTHER, VOCALS, DrumTrack, Hit, Note, Score, Track

Rng = np.random.Generator

BASS_PROGRAMS = range(32, 40)
PIECES = {note: piece for piece, notes in PIECE_NOTES.items() for note in notes}
MOST_SECONDS = 200.0  # seconds of a rendered song; longer songs are cut differently each time
SUNG = 0.35  # chance that the highest melody is sung
REPLACED = 0.3  # chance that a track is played by a family of another kind
SYNTHETIC = 0.25  # chance that a whole song is played by synthesisers, as on old computers
SYNTHS = ("square", "saw", "pluck", "lead", "square", "bell")
ANY = ("piano", "epiano", "organ", "strings", "pluck", "saw", "clean", "brass", "square", "lead")
DRUM_LEVELS = {"kick": 1.2, "snare": 1.0, "crash": 0.6, "hat": 0.3, "ride": 0.3}
BACKED = 0.8  # chance that a song with phrases and without drums gets drums and a bass
LEVELS = {BASS: 1.0, OTHER: 0.5, VOCALS: 0.75}


def arrange(song: MidiSong, rng: Rng, *, seed: int) -> Score:
    """A Score with random instruments, key and register; long songs are cut."""
    if song.sections and not song.drums and rng.random() < BACKED:
        return _play(add_backing(song, rng), rng, seed=seed)
    return _play(song, rng, seed=seed)


def _play(song: MidiSong, rng: Rng, *, seed: int) -> Score:
    first, last = _window(song, rng)
    shift = int(rng.integers(-4, 5))
    synthetic = rng.random() < SYNTHETIC
    singer = _melody(song) if song.sung < 0 and rng.random() < SUNG else song.sung
    tracks = []
    for number, part in enumerate(song.parts):
        stem, family = _choose(rng, part, sung=number == singer, synthetic=synthetic)
        level = LEVELS[stem] * float(10 ** (rng.normal(0, 3) / 20))
        track = Track(stem, family, int(rng.integers(1 << 16)), 0.08, level)
        for start, seconds, pitch, loud in part.notes:
            if first <= start < last:
                variant = int(start * 3) % 3 if stem == VOCALS else 0
                track.notes.append(Note(start - first, seconds, (pitch + shift,), loud, variant))
        if track.notes:
            tracks.append(track)
    inside = [i for i, beat in enumerate(song.beats) if first - 0.01 <= beat < last]
    beats = [max(0.0, song.beats[i] - first) for i in inside]
    return Score(
        seed=seed,
        style=f"midi {song.name}",
        meter=max(song.positions),
        bpm=float(60 / np.median(np.diff(song.beats))),
        duration=last - first,
        beats=tuple(beats),
        positions=tuple(song.positions[i] for i in inside),
        segments=tuple(
            Segment(max(a, first) - first, min(b, last) - first, label)
            for a, b, label in song.sections
            if b > first and a < last
        ),
        tracks=tuple(tracks),
        drums=_kit(song, rng, first, last),
        electronic=bool(synthetic or rng.random() < 0.3),
        known=tuple(song.known),
    )


def _window(song: MidiSong, rng: Rng) -> tuple[float, float]:
    """The range to render: the whole song, or MOST_SECONDS from a random beat."""
    if song.duration <= MOST_SECONDS:
        return 0.0, song.duration
    starts = [beat for beat in song.beats if beat + MOST_SECONDS < song.duration] or [0.0]
    first = starts[int(rng.integers(len(starts)))] if rng.random() < 0.7 else 0.0
    first = max(0.0, first - float(rng.uniform(0, 0.4)))
    return first, first + MOST_SECONDS


def _melody(song: MidiSong) -> int:
    """The part that is most probably the melody: high, usually one note at a time; -1 for none."""
    best, found = 0.0, -1
    for number, part in enumerate(song.parts):
        starts = np.array([note[0] for note in part.notes])
        ends = np.array([note[0] + note[1] for note in part.notes])
        pitches = np.array([note[2] for note in part.notes])
        if len(starts) < 20 or not 50 <= np.median(pitches) <= 84:
            continue
        alone = float(np.mean(starts[1:] >= ends[:-1] - 0.05))
        value = alone * float(np.median(pitches))
        if alone > 0.8 and value > best:
            best, found = value, number
    return found


def _choose(rng: Rng, part: MidiPart, *, sung: bool, synthetic: bool) -> tuple[int, str]:
    """Stem and family of a part."""
    if sung:
        return VOCALS, str(rng.choice(["male", "female"]))
    if part.program in BASS_PROGRAMS:
        if synthetic:
            return BASS, str(rng.choice(["square", "synthbass"]))
        replaced = rng.random() < REPLACED
        bass = ["finger", "upright", "synthbass", "slap", "sub"]
        return BASS, str(rng.choice(bass)) if replaced else _family(part.program, "finger")
    if synthetic:
        return OTHER, str(rng.choice(SYNTHS))
    if rng.random() < REPLACED:
        return OTHER, str(rng.choice(ANY))
    return OTHER, _family(part.program, "piano")


def _family(program: int, default: str) -> str:
    """The family of a program, or of its nearest neighbour in the same group of eight."""
    near = [p for p in PROGRAMS if p // 8 == program // 8]
    family = PROGRAMS[min(near, key=lambda p: abs(p - program))] if near else default
    return "distlead" if family == "power" else family


def _kit(song: MidiSong, rng: Rng, first: float, last: float) -> tuple[DrumTrack, ...]:
    """The drums, each piece with a random sound."""
    kit: dict[str, DrumTrack] = {}
    for time, note, level in song.drums:
        piece = PIECES.get(note, "")
        if not piece or not first <= time < last:
            continue
        if piece not in kit:
            loud = DRUM_LEVELS.get(piece, 0.5) * float(rng.uniform(0.7, 1.4))
            kit[piece] = DrumTrack(piece, int(rng.integers(1 << 16)), loud)
        kit[piece].hits.append(Hit(time - first, min(1.2, level)))
    return tuple(kit.values())
