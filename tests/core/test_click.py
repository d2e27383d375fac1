"""Clicks and boundary sounds are at the times of the result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.click import (
    BEAT_HZ,
    CLICK_SECONDS,
    DOWNBEAT_HZ,
    DROP_SECONDS,
    RISE_SECONDS,
    count_in,
    render_click,
    sonify,
)
from allin1_mlx.result_file import to_values
from allin1_mlx.types import SAMPLE_RATE, Segment

QUIET = np.zeros((2, 30 * SAMPLE_RATE), dtype=np.float32)


def analysis_of(beats: Sequence[float] = (), segments: Sequence[Segment] = ()) -> Analysis:
    """An analysis in 4/4 with the given beats."""
    positions = tuple(k % 4 + 1 for k in range(len(beats)))
    return Analysis(
        path="song.wav",
        bpm=None,
        beats=tuple(beats),
        downbeats=tuple(t for t, p in zip(beats, positions, strict=True) if p == 1),
        beat_positions=positions,
        segments=tuple(segments),
    )


def onsets(signal: np.ndarray, *, gap: float = 0.05) -> np.ndarray:
    """First sample of every sound in (S,) that follows `gap` seconds of near silence."""
    loud = np.flatnonzero(np.abs(signal) > 0.02)
    return loud[np.diff(loud, prepend=-SAMPLE_RATE) > gap * SAMPLE_RATE]


def pitch(signal: np.ndarray) -> float:
    """The strongest frequency of (S,) in Hz."""
    return float(np.abs(np.fft.rfft(signal, SAMPLE_RATE)).argmax())


def random_beats(*, seed: int, seconds: float) -> list[float]:
    """Beats as in results: increasing, two decimals."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.28, 1.1, round(seconds)))
    return [round(float(t), 2) for t in times if t < seconds - 0.2]


@pytest.mark.parametrize("seed", range(5))
def test_every_click_begins_within_a_sample_of_its_beat(seed: int) -> None:
    beats = random_beats(seed=seed, seconds=30)
    positions = [k % 4 + 1 for k in range(len(beats))]
    track = render_click(beats, positions, length=30 * SAMPLE_RATE)
    assert track.dtype == np.float32
    found = onsets(track)
    assert len(found) == len(beats)
    assert np.abs(found - np.array(beats) * SAMPLE_RATE).max() <= 1


def test_clicks_of_a_sonified_song_begin_within_a_sample_of_the_beats_in_its_json() -> None:
    song = 0.3 * np.random.default_rng(0).normal(0, 0.3, QUIET.shape).astype(np.float32)
    song = np.clip(song, -0.5, 0.5)
    analysis = analysis_of(random_beats(seed=7, seconds=30))
    added = sonify(song, analysis) - song
    found = onsets(added[0])
    np.testing.assert_allclose(added[0], added[1], atol=1e-6)
    assert np.abs(found - np.array(to_values(analysis)["beats"]) * SAMPLE_RATE).max() <= 1


def test_downbeats_sound_an_octave_above_beats_and_last_as_long() -> None:
    track = render_click([1.0, 2.0], [1, 2], length=3 * SAMPLE_RATE)
    down, beat = track[SAMPLE_RATE : 2 * SAMPLE_RATE], track[2 * SAMPLE_RATE :]
    assert pitch(down) == pytest.approx(DOWNBEAT_HZ, abs=15)
    assert pitch(beat) == pytest.approx(BEAT_HZ, abs=15)
    for click in (down, beat):
        assert np.flatnonzero(click)[-1] < CLICK_SECONDS * SAMPLE_RATE
        assert np.abs(click).max() > 0.8
        assert np.abs(click[4000:]).max() < 0.01 * np.abs(click).max()


def test_no_beats_no_click() -> None:
    assert not render_click([], [], length=1000).any()
    assert render_click([], [], length=0).shape == (0,)
    np.testing.assert_array_equal(sonify(QUIET, analysis_of()), QUIET)


def test_clicks_beyond_the_end_are_left_out_and_at_the_end_cut() -> None:
    track = render_click([0.0, 0.99, 1.0, 5.0], [1, 2, 3, 4], length=SAMPLE_RATE)
    assert track.shape == (SAMPLE_RATE,)
    np.testing.assert_array_equal(onsets(track), [0, round(0.99 * SAMPLE_RATE)])


def test_clicks_in_quick_succession_do_not_add_up() -> None:
    beats = [k * 0.01 for k in range(100)]
    track = render_click(beats, [1] * 100, length=SAMPLE_RATE)
    assert np.abs(track).max() < 1


def test_the_rising_tone_ends_and_the_falling_tone_starts_at_the_boundary() -> None:
    segments = [Segment(0, 10, "intro"), Segment(10, 20, "verse"), Segment(20, 30, "chorus")]
    heard = sonify(QUIET, analysis_of(segments=segments))[0]
    for boundary in (10, 20):
        at = boundary * SAMPLE_RATE
        rise = heard[at - round(RISE_SECONDS * SAMPLE_RATE) : at]
        drop = heard[at : at + round(DROP_SECONDS * SAMPLE_RATE)]
        thirds = [np.square(part).mean() for part in np.array_split(rise, 3)]
        assert thirds[0] < thirds[1] < thirds[2]
        assert pitch(rise[-8000:]) > 4 * pitch(rise[20000:40000])
        assert abs(drop[0]) > 0.1
        assert np.abs(drop[:1000]).max() > 0.2
        assert pitch(drop) < 160
    near = np.zeros(QUIET.shape[1], dtype=bool)
    for boundary in (10, 20):
        near[round((boundary - RISE_SECONDS) * SAMPLE_RATE) :][: 3 * SAMPLE_RATE] = True
    assert not heard[~near].any()


def test_start_and_end_of_a_song_are_no_boundaries() -> None:
    segments = [
        Segment(0, 0.5, "start"),
        Segment(29, 30, "end"),
        Segment(30, 30, "outro"),
    ]
    assert not sonify(QUIET, analysis_of(segments=segments)).any()
    assert not sonify(QUIET, analysis_of(segments=[Segment(0, 30, "verse")])).any()


def test_sounds_of_boundaries_near_each_other_and_near_the_ends_fit() -> None:
    times = [0.0, 0.05, 0.3, 0.31, 29.9, 30.0]
    segments = [Segment(a, b, "verse") for a, b in pairwise(times)]
    heard = sonify(QUIET, analysis_of(segments=segments))
    assert heard.shape == QUIET.shape
    assert np.isfinite(heard).all()


def test_loud_song_does_not_clip_and_quiet_song_keeps_its_level() -> None:
    rng = np.random.default_rng(0)
    beats = random_beats(seed=1, seconds=30)
    segments = [Segment(0, 10, "intro"), Segment(10, 30, "verse")]
    loud = rng.uniform(-1, 1, QUIET.shape).astype(np.float32)
    assert np.abs(sonify(loud, analysis_of(beats, segments))).max() <= 1
    quiet = 0.1 * loud
    heard = sonify(quiet, analysis_of([1.0], ()))
    np.testing.assert_array_equal(heard[:, 2 * SAMPLE_RATE :], quiet[:, 2 * SAMPLE_RATE :])


def test_clicks_follow_the_loudness_of_the_song_but_are_audible_in_silence() -> None:
    whisper = np.full_like(QUIET, 0.01)
    assert np.abs(sonify(whisper, analysis_of([1.0])) - whisper).max() < 0.01
    assert np.abs(sonify(QUIET, analysis_of([1.0]))).max() > 0.3


def test_the_samples_of_the_song_are_not_changed() -> None:
    song = np.zeros((2, SAMPLE_RATE), dtype=np.float32)
    sonify(song, analysis_of([0.5]))
    assert not song.any()


@pytest.mark.parametrize("bars", [1, 2])
def test_the_count_in_leads_to_the_first_beat_at_its_tempo(bars: int) -> None:
    beats = [0.5 + 0.6 * k for k in range(12)]
    positions = [k % 3 + 1 for k in range(12)]
    counted = count_in(beats, positions, bars=bars)
    new = 3 * bars
    assert counted.positions == tuple([1, 2, 3] * bars + positions)
    np.testing.assert_allclose(np.diff(counted.beats), 0.6)
    assert counted.beats[0] == pytest.approx(0.0)
    assert counted.beats[new] == pytest.approx(beats[0] + counted.offset)


def test_count_in_before_a_pickup_fills_its_bar() -> None:
    counted = count_in([4.0, 4.5, 5.0, 5.5], [4, 1, 2, 3], bars=1)
    assert counted.positions == (1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3)
    assert counted.beats[0] == pytest.approx(0.5)
    assert counted.offset == 0.0


def test_no_count_in_without_bars_or_tempo() -> None:
    assert count_in([1.0, 2.0], [1, 2], bars=0).offset == 0.0
    assert count_in([1.0], [1], bars=2).beats == (1.0,)
    assert count_in([], [], bars=2).beats == ()
