"""Click tracks of the page: on the beats, exact where pieces join, never clipped."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.click import render_click
from allin1_mlx.types import SAMPLE_RATE
from allin1_mlx_ui import clicks
from allin1_mlx_ui.analyst import write_sound
from allin1_mlx_ui.clicks import write_clicks, write_mix
from allin1_mlx_ui.song import Song
from allin1_mlx_ui.songs import Session

BEATS = tuple((np.arange(24) * 0.5 + 0.31).round(2).tolist())
POSITIONS = tuple(i % 4 + 1 for i in range(24))


@pytest.fixture
def analysis() -> Analysis:
    return Analysis("", 120, BEATS, BEATS[::4], POSITIONS, (), duration=13.0)


@pytest.fixture
def song(tmp_path: Path) -> Song:
    song = Session(tmp_path).add("song.wav")
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, (13 * SAMPLE_RATE, 2))
    song.frames = sum(map(len, write_sound(song.sound, iter([noise.astype(np.float32)]))))
    return song


def test_pieces_join_exactly(song: Song, analysis: Analysis) -> None:
    written, _ = soundfile.read(write_clicks(song, analysis))
    whole = render_click(BEATS, POSITIONS, length=13 * SAMPLE_RATE)
    assert len(whole) > 2 * clicks.BLOCK
    assert np.abs(written - whole).max() < 1e-4


def test_a_song_with_clicks_is_the_song_and_the_clicks(song: Song, analysis: Analysis) -> None:
    mix, _ = soundfile.read(write_mix(song, analysis))
    sound = np.fromfile(song.sound, "<i2").reshape(-1, 2) / 32768
    whole = render_click(BEATS, POSITIONS, length=13 * SAMPLE_RATE)
    assert np.abs(mix).max() <= 1
    gain = np.linalg.lstsq(np.stack([sound[:, 0], whole], axis=1), mix[:, 0], rcond=None)[0]
    assert 0.5 < gain[0] <= 1
    residue = mix[:, 0] - gain[0] * sound[:, 0] - gain[1] * whole
    assert np.abs(residue).max() < 1e-3


def test_without_sound_the_clicks_last_as_long_as_the_result(
    tmp_path: Path, analysis: Analysis
) -> None:
    song = Session(tmp_path).add("song.json")
    assert soundfile.info(write_clicks(song, analysis)).frames == 13 * SAMPLE_RATE


def test_a_new_revision_gets_new_clicks_and_the_old_ones_go(song: Song, analysis: Analysis) -> None:
    first = write_clicks(song, analysis)
    song.revision += 1
    assert write_clicks(song, analysis) != first
    assert not first.exists()


@pytest.mark.parametrize("bars", [1, 2])
def test_a_count_in_comes_before_the_first_beat(song: Song, analysis: Analysis, bars: int) -> None:
    click, _ = soundfile.read(write_clicks(song, analysis, bars=bars))
    delay = round((2.0 * bars - BEATS[0]) * SAMPLE_RATE)
    assert len(click) == 13 * SAMPLE_RATE + delay
    times = np.arange(4 * bars) * 0.5
    whole = render_click(times.tolist(), [1, 2, 3, 4] * bars, length=round(bars * 2 * SAMPLE_RATE))
    assert np.abs(click[: len(whole)] - whole).max() < 1e-4
    mix, _ = soundfile.read(write_mix(song, analysis, bars=bars))
    sound = np.fromfile(song.sound, "<i2").reshape(-1, 2) / 32768
    assert mix.shape == (13 * SAMPLE_RATE + delay, 2)
    quiet = slice(delay + 5000, delay + 12_000)  # before the first beat
    gain = np.linalg.norm(mix[quiet]) / np.linalg.norm(sound[5000:12_000])
    assert np.abs(mix[quiet] - gain * sound[5000:12_000]).max() < 1e-3


def test_a_count_in_may_lie_over_the_song(song: Song, analysis: Analysis) -> None:
    late = Analysis("", 120, BEATS[6:], (), POSITIONS[:-6], (), duration=13.0)
    click, _ = soundfile.read(write_clicks(song, late, bars=1))
    assert len(click) == 13 * SAMPLE_RATE
    assert click[round((BEATS[6] - 2.0) * SAMPLE_RATE)] != 0
