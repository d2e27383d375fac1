"""Drums and bass for compositions in 4/4 that have none, by a random style.

They do not follow the sections closely, as in real songs: a part may return with other layers, and
a layer may enter in the middle of a part. Times are seconds.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..instruments.soundfont import PIECE_NOTES
from .material import draw_groove
from .midi import MidiPart, MidiSong
from .rhythm import vary_groove
from .styles import load_styles

Rng = np.random.Generator

BASS_PROGRAM = 33
LOWEST = 28  # MIDI pitch of the bass
REST = 0.2  # chance that a layer rests in a section
LATE = 0.2  # chance that a layer enters or stops in the middle of a section
EARLY = 0.1  # s; a note that begins this long before a beat belongs to it


def add_backing(song: MidiSong, rng: Rng) -> MidiSong:
    """The song with drums and a bass. Its first part is the melody."""
    downbeats = np.array([t for t, k in zip(song.beats, song.positions, strict=True) if k == 1])
    playing = _plan(rng, song, downbeats)
    return replace(
        song,
        parts=[*song.parts, _bass(rng, song, downbeats, playing[1])],
        drums=_drums(rng, song, downbeats, playing[0]),
    )


def _plan(rng: Rng, song: MidiSong, downbeats: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(2, bars) whether the drums and the bass play."""
    playing = np.ones((2, len(downbeats)), bool)
    for start, end, _ in song.sections:
        inside = np.flatnonzero((downbeats >= start - EARLY) & (downbeats < end - EARLY))
        for layer in playing:
            layer[inside] = rng.random() >= REST
            if rng.random() < LATE:
                layer[inside[len(inside) // 2 :]] ^= True
    return playing


def _drums(
    rng: Rng, song: MidiSong, downbeats: NDArray[np.float64], playing: NDArray[np.bool_]
) -> list[tuple[float, int, float]]:
    """One groove for the song, varied in each kind of section."""
    styles = [style for style in load_styles() if style.meter == style.steps == 4]
    style = styles[int(rng.integers(len(styles)))]
    groove = draw_groove(rng, style, feel="")
    grooves = {
        label: vary_groove(groove, rng, per_beat=style.steps, amount=float(rng.uniform(0, 0.6)))
        for label in sorted({section[2] for section in song.sections} | {""})
    }
    hits = []
    for bar, (start, end) in enumerate(pairwise(downbeats.tolist())):
        label = next((name for a, b, name in song.sections if a - EARLY <= start < b - EARLY), "")
        for piece, lines in grooves[label].items():
            line = lines[bar % 2]
            for place in np.flatnonzero(line) if piece in PIECE_NOTES and playing[bar] else ():
                level = float(line[place] * rng.uniform(0.8, 1.1))
                time = start + float(place) / len(line) * (end - start)
                hits.append((time, PIECE_NOTES[piece][0], level))
    return sorted(hits)


def _bass(
    rng: Rng, song: MidiSong, downbeats: NDArray[np.float64], playing: NDArray[np.bool_]
) -> MidiPart:
    """The lowest pitch of the accompaniment in each half bar, in equal notes."""
    notes = sorted((note[0], note[2]) for part in song.parts[1:] for note in part.notes)
    starts, pitches = np.array(notes).T
    count = int(rng.choice([1, 2, 4]))  # notes in half a bar
    line = []
    for bar, (start, end) in enumerate(pairwise(downbeats.tolist())):
        half = (end - start) / 2
        for first in (start, start + half) if playing[bar] else ():
            sounding = (starts >= first - EARLY) & (starts < first + half - EARLY)
            if sounding.any():
                pitch = LOWEST + (int(pitches[sounding].min()) - LOWEST) % 12
                length = half / count
                line += [(first + k * length, 0.9 * length, pitch, 0.8) for k in range(count)]
    return MidiPart(BASS_PROGRAM, line)
