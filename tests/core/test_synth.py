"""Scores as sound, and the example song made from one."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from allin1_mlx.types import SAMPLE_RATE, Segment
from allin1_mlx_training.bank import analyse
from allin1_mlx_training.example import FORM, example_score
from allin1_mlx_training.music.score import BASS, DRUMS, DrumTrack, Hit, Note, Pump, Score, Track
from allin1_mlx_training.shards import truth
from allin1_mlx_training.synth import PEAK, limit, perform

ASSETS = Path(__file__).parents[2] / "assets"


def _score(tracks: tuple[Track, ...], drums: tuple[DrumTrack, ...], pump: Pump | None) -> Score:
    return Score(
        seed=1,
        style="test",
        meter=4,
        bpm=120,
        duration=4.0,
        beats=(0.5, 1.0, 1.5, 2.0),
        positions=(1, 2, 3, 4),
        segments=(Segment(0.0, 4.0, "verse"),),
        tracks=tracks,
        drums=drums,
        pump=pump,
    )


def _rises(sound: np.ndarray) -> np.ndarray:
    """Spectral flux of mono sound per frame of 10 ms."""
    level = np.log10(1 + analyse(sound))
    return np.concatenate([[0], np.maximum(np.diff(level, axis=0), 0).sum(axis=1)])


def test_hits_sound_at_the_times_of_the_score() -> None:
    times = (0.5, 1.25, 2.0, 3.1)
    drum = DrumTrack("snare", 3, 1.0, [Hit(t, 0.9) for t in times])
    sound = perform(_score((), (drum,), None))
    assert sound.shape == (2, 4 * SAMPLE_RATE)
    envelope = np.abs(sound).max(axis=0)
    for time in times:
        first = int(time * SAMPLE_RATE)
        assert envelope[first - 400 : first].max() < 0.2 * envelope[first : first + 2000].max()


def test_a_held_note_ends() -> None:
    track = Track(BASS, "sub", 1, notes=[Note(0.5, 1.0, (36,), 1.0)])
    sound = np.abs(perform(_score((track,), (), None))).max(axis=0)
    assert sound[: SAMPLE_RATE // 3].max() == 0
    assert sound[SAMPLE_RATE : SAMPLE_RATE + 4000].max() > 0.1
    assert sound[2 * SAMPLE_RATE :].max() < 0.02


def test_side_chain_ducks_the_bass() -> None:
    track = Track(BASS, "synthbass", 0, notes=[Note(0.0, 3.5, (40,), 1.0)])
    pump = Pump((2.0,), 0.9, 0.2, (BASS,))
    plain = np.abs(perform(_score((track,), (), None))).max(axis=0)
    ducked = np.abs(perform(_score((track,), (), pump))).max(axis=0)
    now = slice(2 * SAMPLE_RATE, int(2.05 * SAMPLE_RATE))
    before = slice(int(1.9 * SAMPLE_RATE), 2 * SAMPLE_RATE)
    assert ducked[now].max() / ducked[before].max() < 0.6 * plain[now].max() / plain[before].max()


def test_limiter_never_clips() -> None:
    rng = np.random.default_rng(0)
    loud = limit(rng.standard_normal((2, SAMPLE_RATE)) * 50)
    assert np.abs(loud).max() == pytest.approx(PEAK, abs=1e-5)


def test_the_example_in_assets_is_the_one_that_the_command_makes() -> None:
    score = example_score()
    stored = json.loads((ASSETS / "example.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(truth(score))) == stored
    labels = [s.label for s in score.segments if s.label not in ("start", "end")]
    assert labels == [part.label(sung=True) for part in FORM]


def test_the_sound_of_the_example_agrees_with_its_truth() -> None:
    sound, rate = soundfile.read(ASSETS / "example.ogg", dtype="float32")
    score = example_score()
    assert rate == SAMPLE_RATE
    assert sound.shape[1] == 2
    assert len(sound) / rate == pytest.approx(score.duration, abs=0.05)
    assert 60 <= score.duration <= 90
    assert np.abs(sound).max() < 1.0
    flux = _rises(sound.mean(axis=1))
    frames = np.round(np.array(score.beats) * 100).astype(int)
    on = np.mean([flux[f - 2 : f + 2].max() for f in frames])
    off = np.mean([flux[f + 6 : f + 10].max() for f in frames[:-1]])
    assert on > 2 * off


def test_example_chorus_is_louder_than_its_verse() -> None:
    sound, rate = soundfile.read(ASSETS / "example.ogg", dtype="float32")

    def decibels(segment: Segment) -> float:
        part = sound[int(segment.start * rate) : int(segment.end * rate)]
        return float(10 * np.log10(np.mean(part**2)))

    for before, after in itertools.pairwise(example_score().segments):
        if (before.label, after.label) == ("verse", "chorus"):
            assert 1.5 < decibels(after) - decibels(before) < 8
            assert decibels(before) > -30


def test_example_is_small() -> None:
    assert (ASSETS / "example.ogg").stat().st_size < 1_500_000


def test_every_stem_of_the_example_plays() -> None:
    score = example_score()
    assert {track.stem for track in score.tracks} | {DRUMS} == {0, 1, 2, 3}
