"""Tempo and meter, on beats whose tempo is known."""

import numpy as np
import pytest

from allin1_mlx.decoding.tempo import estimate_meter, estimate_tempo, round_tempo


def pulse(bpm, *, seconds=180.0, start=0.21):
    """Exact times of a steady pulse."""
    return np.arange(start, start + seconds, 60 / bpm)


def on_frames(times):
    """The times, put on the grid of 10 ms that the network has."""
    return np.round(times, 2)


def drift(slow, fast, *, seconds=180.0):
    """The tempo rises evenly in time."""
    time = np.linspace(0, seconds, 100_000)
    beats = (slow * time + (fast - slow) * time**2 / (2 * seconds)) / 60
    return on_frames(np.interp(np.arange(int(beats[-1])), beats, time))


def two_tempos(first, second, *, share=0.7):
    before = pulse(first, seconds=180 * share)
    return on_frames(np.append(before, before[-1] + pulse(second, seconds=180 * (1 - share))))


@pytest.mark.parametrize("bpm", [55.0, 60.5, 90.37, 120.02, 140.5, 174.03, 214.9])
def test_the_tempo_is_more_exact_than_the_grid_of_frames(bpm):
    tempo = estimate_tempo(on_frames(pulse(bpm)))
    assert tempo.bpm == pytest.approx(bpm, abs=0.005)
    assert tempo.confidence == 1


def test_uneven_playing_averages_out():
    rng = np.random.default_rng(0)
    times = pulse(120.02)
    tempo = estimate_tempo(on_frames(times + rng.normal(0, 0.01, len(times))))
    assert tempo.bpm == pytest.approx(120.02, abs=0.02)
    assert tempo.confidence > 0.9


def test_confidence_falls_with_uneven_playing():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, len(pulse(120)))
    sure = [estimate_tempo(pulse(120) + spread * noise).confidence for spread in (0, 0.02, 0.05)]
    assert sure[0] > sure[1] > sure[2]


@pytest.mark.parametrize("seed", range(5))
def test_missing_beats_do_not_matter(seed):
    times = on_frames(pulse(120.02))
    kept = np.random.default_rng(seed).random(len(times)) > 0.05
    tempo = estimate_tempo(times[kept])
    assert tempo.bpm == pytest.approx(120.02, abs=0.02)
    assert 0.8 < tempo.confidence < 1


@pytest.mark.parametrize("seed", range(5))
def test_wrong_beats_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    times = pulse(120.02)
    wrong = rng.random(len(times)) < 0.05
    times[wrong] += rng.uniform(-0.2, 0.2, wrong.sum())
    tempo = estimate_tempo(on_frames(times))
    assert tempo.bpm == pytest.approx(120.02, abs=0.03)
    assert 0.6 < tempo.confidence < 1


@pytest.mark.parametrize("seed", range(5))
def test_additional_beats_do_not_matter(seed):
    extra = np.random.default_rng(seed).uniform(0, 180, 10)
    tempo = estimate_tempo(np.unique(on_frames(np.append(pulse(120.02), extra))))
    assert tempo.bpm == pytest.approx(120.02, abs=0.03)


@pytest.mark.parametrize("pause", [0.77, 2.9, 12.34])
def test_a_pause_does_not_bend_the_tempo(pause):
    times = pulse(90.37)
    times[len(times) // 2 :] += pause
    tempo = estimate_tempo(on_frames(times))
    assert tempo.bpm == pytest.approx(90.37, abs=0.02)
    assert tempo.confidence > 0.9


@pytest.mark.parametrize(("first", "second"), [(120, 123), (120, 126), (120, 140), (90, 180)])
def test_the_tempo_of_the_longer_part_is_reported(first, second):
    tempo = estimate_tempo(two_tempos(first, second))
    assert tempo.bpm == pytest.approx(first, abs=0.01)
    assert 0.5 < tempo.confidence < 0.75


def test_confidence_falls_with_drift():
    steady, little, more, much = (estimate_tempo(drift(120 - by, 120 + by)) for by in (0, 2, 5, 15))
    assert steady.confidence == 1
    assert 0.5 < little.confidence < 0.75
    assert 0.2 < more.confidence < 0.4
    assert much.confidence < 0.15
    assert 118 < little.bpm < 122
    assert 105 < much.bpm < 135


def test_random_beats_have_low_confidence():
    times = np.unique(on_frames(np.random.default_rng(0).uniform(0, 180, 300)))
    assert estimate_tempo(times).confidence < 0.05


@pytest.mark.parametrize("beats", [[], [1.5]])
def test_fewer_than_two_beats_have_no_tempo(beats):
    tempo = estimate_tempo(beats)
    assert tempo.bpm is None
    assert tempo.confidence == 0
    assert round_tempo(beats) is None


def test_two_beats_have_a_tempo_with_low_confidence():
    tempo = estimate_tempo([1.0, 1.5])
    assert tempo.bpm == pytest.approx(120)
    assert tempo.confidence == 0.125


def test_confidence_grows_with_the_first_beats():
    sure = [estimate_tempo(on_frames(pulse(115)[:n])).confidence for n in range(2, 11)]
    assert sure == sorted(sure)
    assert sure[-1] == 1


@pytest.mark.parametrize("seed", range(20))
def test_any_two_beats_have_a_tempo_and_a_confidence(seed):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.choice([0.01, 0.3, 0.5, 0.7, 40.0], rng.integers(2, 12)))
    tempo = estimate_tempo(times)
    assert np.isfinite(tempo.bpm)
    assert tempo.bpm > 0
    assert 0 <= tempo.confidence <= 1


def test_tempo_is_the_same_for_lists_and_arrays():
    times = on_frames(pulse(101.3, seconds=20))
    assert estimate_tempo(list(times)) == estimate_tempo(tuple(times)) == estimate_tempo(times)


def test_whole_tempo_is_the_commonest_of_single_intervals():
    assert round_tempo([0.0, 0.5, 1.0, 1.4, 1.9]) == 120


def test_of_equally_common_whole_tempos_the_fastest_is_reported():
    assert round_tempo([0.0, 0.5, 0.9, 1.4, 1.8]) == 150


def test_whole_tempo_of_the_published_beats(shared):
    with np.load(shared / "golden" / "dbn_cases.npz") as vectors:
        times = vectors["lithium-fold0/out"][:, 0]
    tempos = [round(60 / d) for d in np.diff(times)]
    most = max(tempos.count(t) for t in tempos)
    assert round_tempo(times) == max(t for t in tempos if tempos.count(t) == most)


@pytest.mark.parametrize("bar", [2, 3, 4, 5, 7])
def test_meter_is_the_length_of_the_bars(bar):
    assert estimate_meter(np.arange(40) % bar + 1) == bar


def test_meter_is_the_length_of_most_bars():
    assert estimate_meter([3, 4, 1, 2, 3, 4, 1, 2, 1, 2, 3, 4, 1]) == 4


def test_of_equally_common_bars_the_longer_is_reported():
    assert estimate_meter([1, 2, 3, 1, 2, 3, 4, 1, 2]) == 4


@pytest.mark.parametrize("positions", [[], [1], [2, 3, 4], [1, 2, 3, 4], [3, 4, 1, 2]])
def test_without_a_complete_bar_there_is_no_meter(positions):
    assert estimate_meter(positions) is None
