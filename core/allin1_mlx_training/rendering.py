"""Render a score as band spectrograms: each note is a template of the bank, added in linear power.

Frames are 100/s, bands 81, stems bass, drums, other, vocals; see `bank` for templates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.log_spectrogram import band_frequencies
from allin1_mlx.types import FPS

from .bank import PRE, Bank, Drum, Instrument
from .mixing import Sound, compress, duck, fade, master, reverberate, sweep_filter
from .music.score import DRUMS, OTHER, DrumTrack, Effect, Score, Track

Powers = NDArray[np.float32]
LOOP = 25  # frames at a template's end that are repeated for longer notes
FALLEN = 1e-6  # share of a drum's peak power below which it is cut off
HARD = 0.6  # lowest velocity for a drum's hard template
KIN = {"snap": "clap", "kick808": "kick"}  # drums that a bank may lack, and their replacements


def render(score: Score, bank: Bank, sound: Sound, rng: np.random.Generator) -> NDArray[np.float16]:
    """Render the stems' linear band magnitudes: (4, T, 81)."""
    T = int(np.ceil(score.duration * FPS))
    powers = np.zeros((T, 4, len(band_frequencies())), np.float32)
    late = np.round(rng.normal(0, 0.4, 4)).astype(int)  # frames: stems are never exactly together
    for track in score.tracks:
        instrument = choose(bank.instruments[track.family], track.choice)
        _add_track(powers[:, track.stem], track, instrument, int(late[track.stem]))
    for drum_track in score.drums:
        drum = choose_drum(bank, drum_track, electronic=score.electronic)
        _add_drums(powers[:, DRUMS], drum_track, drum)
    for effect in score.effects:
        _add_effect(powers[:, OTHER], effect)
    powers *= (sound.stems[:, None] * sound.equaliser) ** 2
    reverberate(powers, sound)
    duck(powers, score)
    for sweep in score.sweeps:
        sweep_filter(powers, sweep)
    compress(powers, sound)
    fade(powers, score)
    magnitudes = master(powers, sound, rng)
    return np.ascontiguousarray(magnitudes.transpose(1, 0, 2)).astype(np.float16)


def choose(instruments: tuple[Instrument, ...], choice: int) -> Instrument:
    """The instrument of a track's choice."""
    return instruments[choice % len(instruments)]


def choose_drum(bank: Bank, track: DrumTrack, *, electronic: bool) -> Drum:
    """The drum of a track's choice; acoustic songs usually have sampled kits."""
    piece = track.piece if track.piece in bank.drums else KIN[track.piece]
    drums = bank.drums[piece]
    sampled = tuple(d for d in drums if d.name.startswith("kit"))
    if sampled and track.choice % 4 < (1 if electronic else 3):
        drums = sampled
    return drums[track.choice // 4 % len(drums)]


def _add_track(powers: Powers, track: Track, instrument: Instrument, late: int) -> None:
    """Add all notes of a track to (T, 81) powers."""
    T = len(powers)
    release = max(1.0, track.release * FPS)
    tail = int(3 * release)
    falling = np.exp(-2 * np.arange(tail + 1) / release).astype(np.float32)[:, None]
    chords: dict[tuple[tuple[int, ...], int], Powers] = {}
    for start, seconds, pitches, level, variant in track.notes:
        key = (pitches, variant)
        if key not in chords:
            chords[key] = sum(
                (instrument.power(p, variant) for p in pitches[1:]),
                start=instrument.power(pitches[0], variant),
            )
        held = PRE + max(4, round(seconds * FPS))
        first = round(start * FPS) - PRE + late
        skip = max(0, -first)
        length = min(held + tail, T - first)
        if length <= skip:
            continue
        if length > len(chords[key]):
            chords[key] = _prolong(chords[key], length)
        sounding = chords[key][skip:length] * np.float32((track.level * level) ** 2)
        if length > held:
            sounding[held - skip :] *= falling[: length - held]
        powers[first + skip : first + length] += sounding


def _prolong(template: Powers, length: int) -> Powers:
    """Extend a note beyond its template: the end is repeated and continues to decay."""
    end = template[-LOOP:]
    before = template[-2 * LOOP : -LOOP].mean() + 1e-12
    fall = min(1.0, float(end.mean() / before))
    rounds = -(-(length - len(template)) // LOOP)
    return np.concatenate([template, *(end * fall ** (i + 1) for i in range(rounds))])


def _add_drums(powers: Powers, track: DrumTrack, drum: Drum) -> None:
    """Add all hits of a drum to (T, 81) powers."""
    T = len(powers)
    templates = []
    for hard in (False, True):
        power = drum.power(hard=hard)
        loud = np.flatnonzero(power.sum(axis=1) > FALLEN * power.sum(axis=1).max())
        templates.append(power[: loud[-1] + 1 if len(loud) else 1])
    # A soft template is quieter than a hard one; the velocity sets the level of both.
    soft = templates[1].sum(axis=1).max() / max(float(templates[0].sum(axis=1).max()), 1e-9)
    templates[0] = templates[0] * np.float32(soft)
    for start, velocity in track.hits:
        template = templates[int(velocity > HARD)]
        first = round(start * FPS) - PRE
        skip = max(0, -first)
        length = min(len(template), T - first)
        if length > skip:
            gain = np.float32((track.level * velocity) ** 2)
            powers[first + skip : first + length] += template[skip:length] * gain


def _add_effect(powers: Powers, effect: Effect) -> None:
    """Noise that grows or fades, with a band that slides up or down."""
    T = len(powers)
    first, last = min(T, round(effect.start * FPS)), min(T, round(effect.end * FPS))
    if last <= first:
        return
    x = np.linspace(0, 1, last - first, dtype=np.float32)[:, None]
    swell = x**3 if effect.kind == "riser" else np.exp(-5 * x)
    rise = x if effect.kind == "riser" else 1 - x
    centre = np.log(400) + rise * np.log(20)
    shape = np.exp(-((np.log(band_frequencies())[None] - centre) ** 2))
    powers[first:last] += (effect.level**2 * swell * shape / 30).astype(np.float32)
