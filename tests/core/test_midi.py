"""MIDI files as compositions with exact beats."""

import io
from typing import Any

import mido
import numpy as np
import pytest

from allin1_mlx_training.composer import compose_score
from allin1_mlx_training.music.midi import read_song
from allin1_mlx_training.music.midi_arrangement import arrange

ENTRY: dict[str, Any] = {
    "path": "pack/song.mid",
    "tempo_range": [120.0, 120.0],
    "downbeat_rank": 1,
    "sections": [],
}


def midi_file(*, numerator: int, denominator: int, bpm: float, bars: int) -> bytes:
    """A bass note on every beat of bars of one metre, and a kick on each downbeat."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    track.append(mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
    track.append(mido.Message("program_change", channel=0, program=33))
    step = 480 * 4 // denominator
    for number in range(bars * numerator):
        if number % numerator == 0:
            track.append(mido.Message("note_on", channel=9, note=36, velocity=100))
        track.append(mido.Message("note_on", channel=0, note=40, velocity=90))
        track.append(mido.Message("note_off", channel=0, note=40, time=step))
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


@pytest.mark.parametrize(
    ("numerator", "denominator", "bpm", "beats", "interval"),
    [
        (4, 4, 120.0, 4, 0.5),
        (5, 4, 100.0, 5, 0.6),
        (7, 8, 90.0, 7, 1 / 3),  # eighths
        (6, 8, 150.0, 2, 0.6),  # too fast to count in eighths
        (2, 2, 140.0, 4, 60 / 140),  # halves are felt as quarters
    ],
)
def test_beats_are_those_that_people_tap(numerator, denominator, bpm, beats, interval):
    data = midi_file(numerator=numerator, denominator=denominator, bpm=bpm, bars=8)
    song = read_song(data, {**ENTRY, "tempo_range": [bpm, bpm]}, "")
    assert song is not None
    assert max(song.positions) == beats
    np.testing.assert_allclose(np.diff(song.beats), interval, atol=1e-3)
    assert song.known == ["beat", "tempo", "voice", "downbeat"]


def test_a_performance_has_the_beats_that_were_annotated():
    data = midi_file(numerator=4, denominator=4, bpm=120, bars=8)
    times = np.cumsum(np.linspace(0.4, 0.7, 14))
    lines = [f"{t}\t{t}\t{'db,4/4' if i % 4 == 2 else 'b'}" for i, t in enumerate(times)]
    song = read_song(data, ENTRY, "\n".join(lines))
    assert song is not None
    assert song.performed
    np.testing.assert_allclose(song.beats, times)
    assert song.positions[:6] == [3, 4, 1, 2, 3, 4]


def test_an_arranged_song_keeps_its_beats_and_lists_its_known_tasks():
    data = midi_file(numerator=3, denominator=4, bpm=150, bars=100)
    song = read_song(data, {**ENTRY, "tempo_range": [150.0, 150.0], "downbeat_rank": 2}, "")
    assert song is not None
    score = arrange(song, np.random.default_rng(3), seed=1)
    assert set(score.known) == {"beat", "tempo", "voice"}
    assert score.beats == tuple(song.beats)
    assert [len(track.hits) for track in score.drums] == [100]
    assert score.segments == ()


def test_a_long_song_is_cut_at_a_different_place_each_time():
    data = midi_file(numerator=4, denominator=4, bpm=60, bars=150)
    song = read_song(data, {**ENTRY, "tempo_range": [60.0, 60.0]}, "")
    assert song is not None
    scores = [arrange(song, np.random.default_rng(seed), seed=1) for seed in range(8)]
    assert all(score.duration == pytest.approx(200) for score in scores)
    assert len({score.beats for score in scores}) > 1
    for score in scores:
        assert all(0 <= beat < 200 for beat in score.beats)


@pytest.mark.parametrize(("style", "meter"), [("five_four", 5), ("seven_eight", 7)])
def test_odd_metres_are_composed_bar_after_bar(style, meter):
    score = compose_score(11, style=style)
    starts = [i for i, position in enumerate(score.positions) if position == 1]
    assert set(np.diff(starts)) == {meter}


def test_a_song_may_change_its_metre_between_parts():
    lengths = set()
    for seed in range(4):
        positions = compose_score(seed, style="changing").positions
        starts = [i for i, position in enumerate(positions) if position == 1]
        lengths |= {int(n) for n in np.diff(starts)}
    assert 4 in lengths
    assert len(lengths) > 1
