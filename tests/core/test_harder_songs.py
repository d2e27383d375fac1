"""What makes composed songs hard: borders without marks, returns that differ, plain forms."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido
import numpy as np

from allin1_mlx_training.music.arrangement import Arranger
from allin1_mlx_training.music.band import draw_band, draw_manner
from allin1_mlx_training.music.forms import Part, plain_form, song_form
from allin1_mlx_training.music.grid import make_grid
from allin1_mlx_training.music.harmony import Key
from allin1_mlx_training.music.midi import load_midi
from allin1_mlx_training.music.midi_arrangement import arrange
from allin1_mlx_training.music.pop909_midi import pack
from allin1_mlx_training.music.score import VOCALS
from allin1_mlx_training.music.styles import style_named


def test_plain_forms_have_the_length_of_a_song() -> None:
    rng = np.random.default_rng(1)
    forms = [plain_form(rng, bars=(40, 90)) for _ in range(60)]
    assert all(40 <= sum(part.bars for part in form) <= 90 for form in forms)
    kinds = {frozenset(part.name for part in form) - {"intro", "outro"} for form in forms}
    assert {"verse"} in kinds  # strophic
    assert {"verse", "bridge"} in kinds  # AABA
    assert {"verse", "chorus", "bridge", "inst"} in kinds  # one part after another


def test_a_part_may_return_with_half_its_length() -> None:
    rng = np.random.default_rng(2)
    halved = 0
    for _ in range(60):
        form = song_form(rng, group="pop", bars=(40, 90))
        choruses = [part.bars for part in form if part.name == "chorus"]
        halved += any(2 * later == first for first, later in pairwise(choruses))
    assert halved > 5


def arranger(**habits: Any) -> Arranger:
    """Someone who arranges pop songs in 4/4, with these habits."""
    rng = np.random.default_rng(3)
    style = style_named("pop")
    lengths = np.full(40, 4)
    grid = make_grid(
        rng,
        bpm=120.0,
        meter=4,
        lengths=lengths,
        section_ends=set(),
        human=False,
        swing=0.5,
        swing_beats=0.5,
        start=1.0,
    )
    manner = replace(draw_manner(rng, style), sung=True, club=False, rise=0, **habits)
    return Arranger(rng, style, grid, Key(0, "major"), manner, draw_band(rng, style))


def test_an_interlude_may_have_the_music_of_the_verse_or_the_chorus() -> None:
    songs = arranger(borrowed=1.0)
    songs.play_form([Part("verse", 8), Part("inst", 8), Part("chorus", 8)])
    inst = songs.materials["inst"]
    assert inst.lead != "vocals"
    assert inst.chords in (songs.materials["verse"].chords, songs.materials["chorus"].chords)


def test_a_verse_may_return_with_another_second_half() -> None:
    song = arranger(changed=1.0)
    song.play_form([Part("verse", 8), Part("chorus", 8), Part("verse", 8)])
    first, other = song.materials["verse"], song.materials["verse, changed"]
    assert other.melody != first.melody
    assert other.groove is first.groove


def test_a_melody_may_begin_before_its_part() -> None:
    starts = []
    for upbeat in (0.0, 1.0):
        song = arranger(upbeat=upbeat, drumless=False, push=0.0, loose=0.0)
        song.play_form([Part("break", 4), Part("verse", 8)])
        border = song.grid.time(16.0)
        sung = [note.start for note in song.band.lead.notes]
        starts.append(sum(border - 1.6 < start < border - 0.1 for start in sung))
    assert starts[1] > starts[0]


def test_some_songs_do_not_mark_the_borders_of_their_parts() -> None:
    rng = np.random.default_rng(4)
    manners = [draw_manner(rng, style_named("rock")) for _ in range(100)]
    quiet = [m for m in manners if m.fills == m.crash == m.stops == m.effects == 0]
    assert 10 <= len(quiet) <= 40
    assert 10 <= sum(m.contrast < 0.25 for m in manners) <= 45


def midi_of(melody: list[int], *, bars: int) -> bytes:
    """A tempo track, a melody in quarters from bar 1, and a piano chord in each bar; 120 BPM."""
    file = mido.MidiFile(ticks_per_beat=480)
    tempo = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])
    sung = mido.MidiTrack([mido.MetaMessage("track_name", name="MELODY")])
    for number, pitch in enumerate(melody):
        wait = 1920 if number == 0 else 0
        sung.append(mido.Message("note_on", note=pitch, velocity=80, time=wait))
        sung.append(mido.Message("note_off", note=pitch, time=480))
    piano = mido.MidiTrack([mido.MetaMessage("track_name", name="PIANO")])
    for _ in range(bars):
        piano.append(mido.Message("note_on", note=48, velocity=80))
        piano.append(mido.Message("note_off", note=48, time=1920))
    file.tracks += [tempo, sung, piano]
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def test_arrangements_of_pop909_have_boundaries_but_no_labels(tmp_path: Path) -> None:
    bars = 25  # one before the annotators' first bar
    melody = [60 + number % 7 for number in range(96)]
    beats = [f"{0.5 * n} {float(n % 2 == 0)} {float(n % 4 == 0)}" for n in range(4 * bars + 1)]
    files = {
        "001.mid": midi_of(melody, bars=bars),
        "beat_midi.txt": "\n".join(beats).encode(),
        "melody.txt": "\n".join(f"{pitch} 4" for pitch in melody).encode(),
        "human_label1.txt": b"A4A4B8x1A7",
    }
    with tarfile.open(tmp_path / "pop.tar", "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"pop909/001/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert pack(tmp_path / "pop.tar", tmp_path / "pop.json.gz") == 1
    (song,) = load_midi(tmp_path / "pop.json.gz")
    sections = [tuple(section) for section in song.sections]
    assert sections == [(2.0, 18.0, "verse"), (18.0, 36.0, "chorus"), (36.0, 50.0, "verse")]
    assert set(song.known) == {"beat", "downbeat", "tempo", "voice", "section"}
    scores = [arrange(song, np.random.default_rng(seed), seed=1) for seed in range(6)]
    assert all(any(track.stem == VOCALS for track in score.tracks) for score in scores)
    assert {bool(score.drums) for score in scores} == {True, False}
