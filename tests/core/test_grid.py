"""Beat times to the millisecond: songs of clicks whose beats are known exactly."""

import numpy as np
import pytest

from allin1_mlx.decoding.beats import Beats
from allin1_mlx.decoding.grid import refine_beats
from allin1_mlx.decoding.onsets import HOP_SECONDS, measure_onsets, rises
from allin1_mlx.decoding.steady import Line, find_passages, type_tempo
from allin1_mlx.decoding.tempo import estimate_tempo
from allin1_mlx.types import SAMPLE_RATE


def constant(bpm, *, beats, start=0.7):
    return start + np.arange(beats) * 60 / bpm


def sound(times, *, seconds=None):
    """Stereo clicks of decaying noise at exact times."""
    rng = np.random.default_rng(0)
    n = round((seconds or times[-1] + 1) * SAMPLE_RATE)
    samples = rng.normal(0, 1e-4, (2, n)).astype(np.float32)
    hit = rng.normal(0, 0.3, 4000) * np.exp(-np.arange(4000) / 800)
    for time in times:
        first = round(time * SAMPLE_RATE)
        samples[:, first : first + len(hit)] += hit[: n - first].astype(np.float32)
    return samples


def hear(times, *, late=0.005, uneven=0.008, seed=0, length=None):
    """The output of a network for beats: (detected Beats, (T,) beat and downbeat probabilities)."""
    rng = np.random.default_rng(seed)
    heard = np.maximum(np.asarray(times) + late + rng.normal(0, uneven, len(times)), 0)
    frames = np.rint(heard * 100).astype(int)
    T = length or frames[-1] + 100
    places = np.arange(T)
    beat = np.full(T, 0.01)
    for time in heard * 100:
        near = slice(max(int(time) - 5, 0), int(time) + 7)
        bump = 0.9 * np.exp(-0.5 * ((places[near] - time) / 1.5) ** 2)
        beat[near] = np.maximum(beat[near], bump)
    positions = np.arange(len(frames)) % 4 + 1
    return Beats(frames / 100, positions), beat, beat * 0.1


def refine(times, *, onsets=None, **heard):
    envelope = measure_onsets([sound(times if onsets is None else onsets)])
    return refine_beats(*hear(times, **heard), envelope)


# Onsets


def test_an_onset_is_found_to_the_millisecond():
    times = np.array([0.5, 0.9137, 1.7003])
    offsets, strength = rises(measure_onsets([sound(times)]), times + 0.01, reach=0.04)
    edges = np.rint((times + 0.01) / HOP_SECONDS) * HOP_SECONDS
    found = edges + offsets[strength.argmax(axis=1)]
    np.testing.assert_allclose(found, times, rtol=0, atol=0.0015)


@pytest.mark.parametrize("size", [1, 63, 64, 1000, 65536])
def test_blocks_of_any_size_give_the_same_envelope(size):
    samples = sound(np.array([0.02, 0.05]), seconds=0.1)
    whole = measure_onsets([samples])
    parts = measure_onsets(samples[:, i : i + size] for i in range(0, samples.shape[1], size))
    np.testing.assert_array_equal(parts.levels, whole.levels)


def test_a_song_of_no_samples_has_no_onsets():
    envelope = measure_onsets([])
    assert envelope.levels.shape == (3, 0)
    assert not rises(envelope, np.array([0.0, 1.0]), reach=0.04)[1].any()


def test_silence_has_no_rises():
    envelope = measure_onsets([np.zeros((2, SAMPLE_RATE), np.float32)])
    assert not rises(envelope, np.array([0.0, 0.5, 1.0]), reach=0.04)[1].any()


# Passages


@pytest.mark.parametrize("bpm", [60, 97.5, 123.4, 128, 174.03])
def test_a_constant_song_is_one_passage_of_its_typed_tempo(bpm):
    rng = np.random.default_rng(0)
    times = constant(bpm, beats=400) + rng.normal(0, 0.001, 400)
    [passage] = find_passages(times)
    assert (passage.first, passage.last) == (0, 399)
    assert passage.line.bpm == pytest.approx(bpm, abs=1e-9)


def test_wrong_beats_do_not_bend_the_line():
    rng = np.random.default_rng(1)
    times = constant(128, beats=200)
    wrong = rng.random(200) < 0.3
    times = times + np.where(wrong, rng.uniform(0.005, 0.06, 200), rng.normal(0, 0.001, 200))
    [passage] = find_passages(times)
    assert passage.line.at(np.array([0]))[0] == pytest.approx(0.7, abs=0.001)
    assert passage.line.bpm == pytest.approx(128, abs=1e-9)


def test_a_sudden_tempo_gives_two_passages():
    times = constant(120, beats=100)
    times = np.append(times, times[-1] + constant(100, beats=100, start=0.6))
    first, second = find_passages(times)
    assert first.line.bpm == pytest.approx(120)
    assert second.line.bpm == pytest.approx(100)
    assert abs(first.last - 100) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_playing_without_a_machine_is_not_called_constant(seed):
    rng = np.random.default_rng(seed)
    periods = 0.5 * (1 + rng.normal(0, 0.015, 120))
    assert find_passages(0.7 + np.cumsum(periods)) == ()


def test_a_tempo_that_nobody_typed_stays_as_measured():
    line = type_tempo(Line(0.0, 0.4687654321), np.arange(1000) * 0.4687654321)
    assert line.period == pytest.approx(0.4687654321, abs=2e-9)


@pytest.mark.parametrize("count", [0, 1, 2, 15])
def test_few_beats_have_no_passage(count):
    assert find_passages(constant(120, beats=count)) == ()


# The grid


@pytest.mark.parametrize("bpm", [90, 128, 174])
def test_a_machine_is_met_within_a_millisecond_and_a_half(bpm):
    times = constant(bpm, beats=240)
    grid = refine(times)
    np.testing.assert_allclose(grid.beats.times, times, rtol=0, atol=0.0015)
    np.testing.assert_array_equal(grid.beats.positions, np.arange(240) % 4 + 1)
    assert 0.005 < grid.jitter < 0.012


@pytest.mark.parametrize("late", [-0.006, 0.0, 0.004, 0.009])
def test_the_delay_of_the_activations_is_removed(late):
    times = constant(128, beats=200)
    error = refine(times, late=late).beats.times - times
    assert abs(np.median(error)) < 0.0015


def test_a_break_of_twenty_seconds_without_drums_is_bridged():
    times = constant(124, beats=200)
    played = (times < 30) | (times >= 50)
    grid = refine(times, onsets=times[played], uneven=0.02)
    np.testing.assert_allclose(grid.beats.times, times, rtol=0, atol=0.002)


def test_beats_that_the_decoder_lost_in_a_break_are_put_back():
    times = constant(120, beats=200)
    beats, beat, downbeat = hear(times)
    kept = ~((times > 40) & (times < 50))
    few = Beats(beats.times[kept], beats.positions[kept])
    grid = refine_beats(few, beat, downbeat, measure_onsets([sound(times)]))
    np.testing.assert_allclose(grid.beats.times, times, rtol=0, atol=0.002)
    np.testing.assert_array_equal(grid.beats.positions, np.arange(200) % 4 + 1)


def test_an_ending_in_which_every_other_beat_is_found_late_stays_on_the_line():
    times = constant(110, beats=200)
    late = np.where((np.arange(200) > 184) & (np.arange(200) % 2 == 1), 0.025, 0)
    heard = hear(times + late, late=0, uneven=0.001)
    refined = refine_beats(*heard, measure_onsets([sound(times[:184], seconds=times[-1] + 1)]))
    np.testing.assert_allclose(refined.beats.times, times, rtol=0, atol=0.002)


def test_a_slip_of_half_a_beat_returns_to_the_line():
    times = constant(120, beats=240)
    heard = times.copy()
    heard[100:140] += 0.25
    beats, beat, downbeat = hear(heard)
    eighths = np.sort(np.append(times, times[100:140] + 0.25))
    grid = refine_beats(beats, beat, downbeat, measure_onsets([sound(eighths)]))
    np.testing.assert_allclose(grid.beats.times, times, rtol=0, atol=0.002)


def drifting(beats=240):
    return 0.7 + np.cumsum(0.5 * (1 + 0.04 * np.sin(np.arange(beats) / 40)))


def slowing(beats=200):
    factors = np.ones(beats)
    factors[-16:] = np.linspace(1, 1.45, 16)
    return 0.7 + np.cumsum(0.47 * factors)


def changing(beats=200):
    return 0.7 + np.cumsum(np.where(np.arange(beats) < 100, 0.5, 0.43))


@pytest.mark.parametrize("song", [drifting, slowing, changing])
def test_changing_tempos_are_followed_within_ten_milliseconds(song):
    times = song()
    error = np.abs(refine(times).beats.times - times)
    assert np.quantile(error, 0.95) < 0.01


def test_human_playing_is_no_worse_than_the_raw_beats():
    rng = np.random.default_rng(4)
    times = 0.7 + np.cumsum(0.5 * (1 + rng.normal(0, 0.015, 200)))
    beats, beat, downbeat = hear(times, late=0.0)
    grid = refine_beats(beats, beat, downbeat, measure_onsets([sound(times)]))
    assert len(grid.beats.times) == len(times)
    assert (grid.beats.times - times).std() < (beats.times - times).std()


def test_beats_that_are_played_unevenly_stay_where_they_were_played():
    rng = np.random.default_rng(5)
    times = constant(110, beats=33) + rng.normal(0, 0.015, 33)
    beats, beat, downbeat = hear(times, late=0.0, uneven=0.004)
    grid = refine_beats(beats, beat, downbeat, measure_onsets([sound(times)]))
    assert np.quantile(np.abs(grid.beats.times - times), 0.9) < 0.008


def test_loose_players_with_a_click_get_the_line_of_the_click():
    rng = np.random.default_rng(6)
    times = constant(116, beats=240)
    grid = refine(times + rng.normal(0, 0.008, 240), uneven=0.004)
    np.testing.assert_allclose(grid.beats.times, times, rtol=0, atol=0.003)
    assert estimate_tempo(grid.beats.times).bpm == 116


def test_beats_without_any_sound_keep_their_number_and_order():
    times = constant(100, beats=50)
    beats, beat, downbeat = hear(times)
    silent = measure_onsets([np.zeros((2, SAMPLE_RATE * 33), np.float32)])
    grid = refine_beats(beats, beat, downbeat, silent)
    assert len(grid.beats.times) == 50
    assert (np.diff(grid.beats.times) > 0).all()


def test_no_beats_stay_no_beats():
    none = Beats(np.zeros(0), np.zeros(0, np.int64))
    grid = refine_beats(none, np.zeros(100), np.zeros(100), measure_onsets([]))
    assert len(grid.beats.times) == 0
    assert grid.jitter is None


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_beats_are_refined_too(count):
    times = constant(120, beats=count)
    grid = refine(times, uneven=0.003)
    np.testing.assert_allclose(grid.beats.times, times, rtol=0, atol=0.006)


def test_times_lie_within_the_song():
    times = constant(120, beats=100, start=0.001)
    grid = refine(times)
    assert grid.beats.times[0] >= 0
    np.testing.assert_array_equal(grid.beats.times, np.round(grid.beats.times, 3))


# What the result says


def test_a_song_of_one_tempo_is_constant():
    tempo = estimate_tempo(np.round(constant(97.5, beats=300), 3))
    assert tempo.constant
    assert tempo.bpm == 97.5
    [passage] = tempo.steady
    assert (passage.start, passage.bpm) == (0.7, 97.5)


def test_beats_rounded_to_frames_are_not_called_exact():
    tempo = estimate_tempo(np.round(constant(120.02, beats=300), 2))
    assert tempo.steady == ()


def test_a_drifting_song_is_not_constant():
    tempo = estimate_tempo(np.round(drifting(), 3))
    assert not tempo.constant
