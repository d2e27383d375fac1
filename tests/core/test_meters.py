"""Bars of 2 to 7 beats, and songs that change between them."""

import tracemalloc

import numpy as np
import pytest

from allin1_mlx.decoding.beats import BARS, decode_beats
from allin1_mlx.decoding.meters import (
    CHANGE,
    LENGTHS,
    PRIOR,
    TWO,
    best_bars,
    count_again,
    decode_meters,
    downbeat_evidence,
    find_beats,
    possible_bars,
)
from allin1_mlx.decoding.tempo_space import STEADY
from allin1_mlx.types import CLASSES_PER_OCTAVE, LOWEST_TEMPO, Activations


def bars_of(lengths, *, bpm=120, noise=0.0, seed=0):
    """(beat, downbeat), seconds and positions of beats in bars of these lengths.

    noise: how unsure the network is; at 1 a beat in five looks more like the other kind.
    """
    rng = np.random.default_rng(seed)
    positions = np.concatenate([np.arange(n) + 1 for n in lengths])
    frames = np.rint(20 + np.arange(len(positions)) * 6000 / bpm).astype(int)
    strength = 1 - 0.5 * noise * rng.random(len(frames))
    odds = np.where(positions == 1, 3, -3) + noise * rng.normal(0, 3, len(frames))
    beat = rng.uniform(0, 0.01 + 0.04 * noise, frames[-1] + 60)
    downbeat = beat / 2
    for offset, share in ((-1, 0.5), (0, 0.9), (1, 0.5)):
        beat[frames + offset] = share * strength
        downbeat[frames + offset] = share * strength / (1 + np.exp(-odds))
    return (beat.astype(np.float32), downbeat.astype(np.float32)), frames / 100, positions


def decode(song):
    return decode_meters(*song, threshold=0.05)


@pytest.mark.parametrize("noise", [0, 0.6])
@pytest.mark.parametrize("bar", [3, 4, 5, 6, 7])
def test_songs_in_bars_of_three_to_seven_are_recognised(bar, noise):
    song, times, positions = bars_of([bar] * 40, noise=noise, bpm=140)
    found = decode(song)
    np.testing.assert_allclose(found.times, times, atol=0.011)
    np.testing.assert_array_equal(found.positions, positions)


def test_bars_of_two_are_found_in_a_song_in_four():
    song, times, positions = bars_of([4] * 12 + [2] * 40 + [4] * 12)
    found = decode(song)
    np.testing.assert_allclose(found.times, times, atol=0.011)
    np.testing.assert_array_equal(found.positions, positions)


@pytest.mark.parametrize(
    "lengths",
    [[4] * 16 + [3] * 16 + [4] * 8, [3] * 20 + [4] * 20, [4] * 20 + [5] * 3 + [4] * 20],
    ids=["four-three-four", "three-four", "three-bars-of-five"],
)
def test_the_meter_may_change(lengths):
    song, _, positions = bars_of(lengths, noise=0.5)
    np.testing.assert_array_equal(decode(song).positions, positions)


@pytest.mark.parametrize("seed", range(5))
def test_a_song_in_four_with_doubtful_downbeats_stays_in_four(seed):
    song, _, positions = bars_of([4] * 60, noise=1, seed=seed)
    np.testing.assert_array_equal(decode(song).positions, positions)


def test_a_song_without_downbeats_is_in_four():
    song, times, _ = bars_of([4] * 40)
    evidence = downbeat_evidence(times, song[0], song[1] * 0)
    np.testing.assert_allclose(evidence, 0, atol=1e-9)
    assert possible_bars(evidence, times) == BARS


def test_a_song_may_begin_within_a_bar_of_seven():
    song, _, positions = bars_of([7] * 20)
    begun = 20 + 3 * 50 - 10
    found = decode([p[begun:] for p in song])
    np.testing.assert_array_equal(found.positions, positions[3:])


def test_songs_in_three_and_four_are_decoded_as_by_the_decoder_of_these_bars():
    for bar in BARS:
        song, _, _ = bars_of([bar] * 40, noise=1)
        plain = decode_beats(*song, threshold=0.05, tempo_space=STEADY)
        found = decode(song)
        np.testing.assert_array_equal(found.times, plain.times)
        np.testing.assert_array_equal(found.positions, plain.positions)


def divisions(beats, length=None, first=True):
    """All divisions of beats into bars as (score without evidence, first beats), bars cut at ends.

    length: of the bar before.
    """
    for bar in LENGTHS:
        cost = TWO * (bar == 2) + (CHANGE * (length not in (None, bar)))
        if first:
            for cut in range(bar):
                for score, starts in divisions(beats - (bar - cut), bar, first=False):
                    begun = [] if cut else [0]
                    prior = PRIOR[bar] - np.log(bar) - (0 if cut else cost)
                    yield prior + score, begun + [s + bar - cut for s in starts]
        elif beats <= 0:
            yield 0.0, []
            return
        else:
            for score, starts in divisions(beats - bar, bar, first=False):
                yield score - cost, [0] + [s + bar for s in starts]


@pytest.mark.parametrize("seed", range(5))
def test_no_division_into_bars_is_better_than_the_one_that_is_found(seed):
    evidence = np.random.default_rng(seed).normal(0, 12, 14)
    best = max(
        score + evidence[[s for s in starts if s < 14]].sum() for score, starts in divisions(14)
    )
    found, score = best_bars(evidence)
    assert score == pytest.approx(best)
    assert sum(last - first for first, last in found) == 14


def test_doubtful_evidence_does_not_change_the_count():
    assert count_again(np.zeros(100)) is None
    assert count_again(np.full(3, 9.0)) is None


def test_no_beats_have_no_positions():
    quiet = np.full(500, 0.001, np.float32)
    assert len(decode((quiet, quiet)).times) == 0
    assert len(downbeat_evidence(np.zeros(0), quiet, quiet)) == 0


@pytest.mark.parametrize("bar", [4, 7])
def test_all_meters_take_no_more_memory_than_three_and_four_at_once(bar):
    song, _, _ = bars_of([bar] * 60)

    def peak(decode):
        decode()  # tables are made once
        tracemalloc.start()
        decode()
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    most = peak(lambda: decode_beats(*song, threshold=0.05, tempo_space=STEADY))
    assert peak(lambda: decode(song)) <= 1.02 * most


def judged(bpm: float, seconds: int) -> np.ndarray:
    """`Activations.tempo` of a network that is sure of one tempo."""
    tempo = np.full((50, 2 * seconds), -7.0, np.float32)
    tempo[round(CLASSES_PER_OCTAVE * np.log2(bpm / LOWEST_TEMPO))] = 0
    return tempo


@pytest.mark.parametrize("bpm", [80, 160])
def test_the_judged_tempo_decides_between_two_levels_of_one_pulse(bpm):
    beat = np.full(6000, 0.01, np.float32)
    beat[::75] = 0.6
    beat[37::75] = 0.4
    beats = decode_meters(beat, beat / 4, threshold=0.05, tempo=judged(bpm, 60))
    assert 60 / np.median(np.diff(beats.times)) == pytest.approx(bpm, rel=0.02)


def test_a_shuffle_is_not_counted_as_a_waltz():
    (beat, downbeat), times, _ = bars_of([4] * 40, bpm=104)
    beat[np.rint(100 * times).astype(int) + round(0.64 * 6000 / 104)] = 0.4
    tempo = judged(156, len(beat) // 100 + 1)
    found = decode_meters(beat, downbeat, threshold=0.05, tempo=tempo)
    np.testing.assert_allclose(found.times, times, atol=0.011)


def test_an_uncertain_song_begins_with_a_downbeat():
    beat = np.full(6000, 0.01, np.float32)
    beat[::50] = 0.8
    downbeat = np.full(6000, 0.01, np.float32)
    downbeat[::200] = 0.3
    downbeat[150::200] = 0.3
    beats = decode_meters(beat, downbeat, threshold=0.05)
    assert beats.positions[:5].tolist() == [1, 2, 3, 4, 1]


def test_a_clear_downbeat_wins_against_the_beginning():
    beat = np.full(6000, 0.01, np.float32)
    beat[::50] = 0.8
    downbeat = np.full(6000, 0.01, np.float32)
    downbeat[150::200] = 0.5
    beats = decode_meters(beat, downbeat, threshold=0.05)
    assert beats.positions[:5].tolist() == [2, 3, 4, 1, 2]


@pytest.mark.parametrize(("bpm", "bars"), [(150, (6,)), (100, (3, 6))])
def test_three_fast_beats_are_half_of_a_bar_of_six_if_the_other_half_is_weak(bpm, bars):
    (beat, downbeat), times, positions = bars_of([6] * 40, bpm=bpm)
    for time in times[positions == 4]:
        near = slice(round(time * 100) - 1, round(time * 100) + 2)
        downbeat[near] = beat[near] * 0.4
    found = possible_bars(downbeat_evidence(times, beat, downbeat), times)
    assert set(found) <= set(bars)


def test_a_fast_waltz_stays_in_three():
    (beat, downbeat), times, _ = bars_of([3] * 80, bpm=170, noise=0.6)
    assert possible_bars(downbeat_evidence(times, beat, downbeat), times) == (3,)


@pytest.mark.parametrize(("between", "bpm"), [(0.02, 80), (0.6, 160)])
def test_twice_the_tempo_is_found_where_the_evidence_of_the_whole_song_is_for_it(between, bpm):
    """In some parts the network prefers the fast tempo, in the others it excludes it."""
    beat = np.full(9000, 0.01, np.float32)
    beat[::75] = 0.65
    beat[37::75] = between
    slowly, fast = judged(80, 90), judged(160, 90)
    excluded = slowly - 8 * (fast == 0)
    undecided = np.where(slowly == 0, -1.5, fast)
    tempo = np.where(np.arange(180) % 2, excluded, undecided).astype(np.float32)
    found = Activations(beat, beat / 4, np.zeros(9000), np.zeros((10, 9000)), tempo=tempo)
    slow = decode_meters(found.beat, found.downbeat, threshold=0.05, tempo=tempo)
    assert 60 / np.median(np.diff(slow.times)) == pytest.approx(80, rel=0.02)
    beats = find_beats(found, threshold=0.05, steady=True)
    assert 60 / np.median(np.diff(beats.times)) == pytest.approx(bpm, rel=0.02)


@pytest.mark.parametrize("bar", [5, 7])
def test_odd_bars_are_found_where_every_other_beat_is_weak(bar):
    song, times, positions = bars_of([bar] * 40, bpm=168)
    song[0][:] *= 0.7
    rng = np.random.default_rng(1)
    for time, position in zip(times, positions, strict=True):
        if position % 2 == 0 and rng.random() < 0.9:
            frame = round(time * 100)
            song[0][frame - 2 : frame + 3] *= 0.3
    found = decode_meters(*song, threshold=0.05, tempo=judged(84, 20))
    np.testing.assert_array_equal(found.positions, positions)
