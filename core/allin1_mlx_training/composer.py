"""Compose a song from a seed: `compose_score` writes its notes, `compose` renders them to stems.

All random numbers come from generators with this seed, so a seed always gives the same song.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.types import Segment

from .bank import Bank
from .mixing import draw_sound
from .music.arrangement import Arranger
from .music.band import Band, add_echoes, draw_band, draw_manner
from .music.forms import Part, club_form, song_form
from .music.grid import Grid, make_grid
from .music.harmony import Key
from .music.pop909 import BEATS, Tune
from .music.score import BASS, OTHER, VOCALS, Pump, Score
from .music.styles import Style, load_styles, style_named
from .rendering import render

Rng = np.random.Generator
SECONDS = (95.0, 215.0)  # shortest and longest form of a song
TUNES = 0.25  # share of songs (in 4/4) that use a tune, if there are any
SHORTER = ((3,), (3,), (2,), (4, 3), (4, 2), (3, 4), (3, 3, 2))  # beats per bar, instead of 4
ODD_TEMPO = 0.12  # chance of a tempo outside the style's habit


@dataclass(frozen=True)
class ComposedSong:
    """A composed song: its score, which contains the truth, and its sound.

    stems: (4, T, 81) float16, linear band magnitudes of bass, drums, other, vocals.
    """

    score: Score
    stems: NDArray[np.float16]


def compose(
    seed: int, bank: Bank, *, style: str = "", tunes: tuple[Tune, ...] = ()
) -> ComposedSong:
    """Compose a song and render it with the bank's instruments; see `compose_score`."""
    score = compose_score(seed, style=style, tunes=tunes)
    rng = np.random.default_rng((seed, 1))
    stems = render(score, bank, draw_sound(rng), rng)
    return ComposedSong(score, stems)


def compose_score(seed: int, *, style: str = "", tunes: tuple[Tune, ...] = ()) -> Score:
    """Compose a song of a style; "" draws one. If there are tunes, some songs use one."""
    rng = np.random.default_rng(seed)
    styles = load_styles()
    weights = np.array([s.weight for s in styles])
    drawn = styles[int(rng.choice(len(styles), p=weights / weights.sum()))]
    chosen = style_named(style) if style else drawn
    bpm = draw_tempo(rng, chosen)
    manner = draw_manner(rng, chosen)
    bar_seconds = chosen.meter * 60 / bpm
    bars = (int(SECONDS[0] / bar_seconds), int(SECONDS[1] / bar_seconds))
    tune = _draw_tune(np.random.default_rng((seed, 3)), chosen, bar_seconds, tunes)
    if tune is not None:
        form = list(tune.parts)
    elif manner.club:
        form = club_form(rng, bars=bars, vocal=manner.sung)
    else:
        form = song_form(rng, group=chosen.group, bars=bars)
    key = Key(int(rng.integers(12)), str(rng.choice(chosen.modes)))
    grid = _grid(rng, chosen, bpm, form)
    band = draw_band(rng, chosen)
    Arranger(rng, chosen, grid, key, manner, band, tune).play_form(form)
    add_echoes(rng, band, style=chosen, beat=60 / bpm)
    return assemble(rng, seed, chosen, bpm, form, grid, band)


def _draw_tune(rng: Rng, style: Style, bar_seconds: float, tunes: tuple[Tune, ...]) -> Tune | None:
    """A tune that fits the style's meter and a song's length, or None."""
    if not tunes or rng.random() >= TUNES or (style.meter, style.steps) != (BEATS, 4):
        return None
    for _ in range(20):
        tune = tunes[int(rng.integers(len(tunes)))]
        if SECONDS[0] <= bar_seconds * sum(part.bars for part in tune.parts) <= 1.3 * SECONDS[1]:
            return tune
    return None


def draw_tempo(rng: Rng, style: Style) -> float:
    """A tempo near the style's usual one, within its limits; rarely outside."""
    least, usual, most = style.tempo
    bpm = float(np.exp(rng.triangular(np.log(least), np.log(usual), np.log(most))))
    typed = style.electronic > 0.5 and rng.random() < 0.9  # a sequencer has a whole number
    if rng.random() < ODD_TEMPO:
        bpm *= float(rng.uniform(0.86, 1.16))
    bpm = float(np.clip(bpm, 52, 215))
    return float(round(bpm)) if typed else bpm


def _grid(rng: Rng, style: Style, bpm: float, form: list[Part]) -> Grid:
    ends = set(np.cumsum([part.bars for part in form]) - 1)
    lengths = _bar_lengths(rng, style, form)
    swung = rng.random() < style.swing and style.steps == 4
    return make_grid(
        rng,
        bpm=bpm,
        meter=style.meter,
        lengths=lengths,
        section_ends={int(e) for e in ends},
        human=bool(rng.random() < (0.7 if style.loose > 4 else 0.12 if style.loose else 0.03)),
        swing=float(rng.uniform(0.53, 0.66)) if swung else 0.5,
        swing_beats=0.5 if rng.random() < 0.75 else 1.0,
        start=float(rng.choice([0.0, rng.uniform(0, 0.6), rng.uniform(0, 3.5)], p=[0.2, 0.5, 0.3])),
    )


def _bar_lengths(rng: Rng, style: Style, form: list[Part]) -> NDArray[np.int64]:
    """Number of beats of each bar: the style's metre; in some songs, some parts have another."""
    names = sorted({part.name for part in form})
    other: dict[str, tuple[int, ...]] = {}
    if style.meter == 4 and rng.random() < style.changing and len(names) > 1:
        changed = rng.choice(names, int(rng.integers(1, max(2, len(names) - 1))), replace=False)
        other = {str(name): SHORTER[int(rng.integers(len(SHORTER)))] for name in changed}
    lengths = []
    for part in form:
        pattern = other.get(part.name, (style.meter,))
        lengths += [pattern[bar % len(pattern)] for bar in range(part.bars)]
    return np.array(lengths)


def assemble(
    rng: Rng, seed: int, style: Style, bpm: float, form: list[Part], grid: Grid, band: Band
) -> Score:
    """The score of a played form, with its truth, ending, fades and side chain."""
    times = grid.times
    tail = float(rng.uniform(0.3, 5))
    beats, positions = list(times[:-1]), list(grid.positions)
    if rng.random() < 0.4:  # a last chord on beat one
        _final_chord(band, float(times[-1]), level=float(rng.uniform(0.6, 1.0)))
        beats.append(times[-1])
        positions.append(1)
        tail = max(tail, 1.5)
    duration = float(times[-1]) + tail
    fades = float(rng.uniform(3, 15)) if rng.random() < 0.15 else 0.0
    fade_in = float(rng.uniform(1, 12)) if rng.random() < 0.06 else 0.0
    pump = None
    if (band.kicks or style.kickless) and rng.random() < style.pump:
        # A silent kick keeps the side chain running while the kick rests.
        haunted = rng.random() < max(0.3, style.kickless) or not band.kicks
        kicks = tuple(sorted(band.ghosts if haunted else band.kicks))
        stems = (BASS, OTHER, VOCALS) if rng.random() < 0.3 else (BASS, OTHER)
        depth, release = 0.97 - 0.67 * float(rng.random()) ** 2, float(rng.uniform(0.06, 0.4))
        pump = Pump(kicks, depth, release, stems, bend=float(rng.choice([1, 2])))
    return Score(
        seed=seed,
        style=style.name,
        meter=style.meter,
        bpm=bpm,
        duration=duration,
        beats=tuple(float(t) for t in beats),
        positions=tuple(int(p) for p in positions),
        segments=_segments(form, grid, duration, sung=band.sung),
        tracks=band.tracks(),
        drums=tuple(band.drums.values()),
        effects=tuple(band.effects),
        sweeps=tuple(band.sweeps),
        pump=pump,
        fade_in=fade_in,
        fade_out=fades,
        electronic=bool(rng.random() < style.electronic),
    )


def _final_chord(band: Band, time: float, *, level: float) -> None:
    """Repeat everyone's last notes and hold them."""
    for track in (band.bass, *band.comps):
        if track.notes and time - track.notes[-1].start < 8:
            note = track.notes[-1]
            track.notes.append(note._replace(start=time, seconds=2.0, level=level * 0.7))
    for piece in ("kick", "crash"):
        if piece in band.drums:
            drum = band.drums[piece]
            drum.hits.append(drum.hits[-1]._replace(start=time, velocity=level))


def _segments(form: list[Part], grid: Grid, duration: float, *, sung: bool) -> tuple[Segment, ...]:
    """Sections from 0 to duration: "start", the form's parts, "end"."""
    first = 1 if grid.positions[0] != 1 else 0
    bars = np.cumsum([0, *(part.bars for part in form)]) + first
    last = len(grid.bar_starts)
    edges = [float(grid.times[grid.bar_starts[b]] if b < last else grid.times[-1]) for b in bars]
    edges[0] = float(grid.times[0])
    segments = [
        Segment(a, b, part.label(sung=sung))
        for a, b, part in zip(edges, edges[1:], form, strict=False)
    ]
    if edges[0] > 0:
        segments.insert(0, Segment(0.0, edges[0], "start"))
    return (*segments, Segment(edges[-1], duration, "end"))
