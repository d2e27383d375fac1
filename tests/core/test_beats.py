"""Beats and downbeats, compared with published results and with the plain Viterbi algorithm."""

import numpy as np
import pytest

from allin1_mlx.decoding import bar_pointer
from allin1_mlx.decoding.bar_pointer import best_path
from allin1_mlx.decoding.beats import BARS, decode_beats, drop_guesses
from allin1_mlx.decoding.tempo_space import PUBLISHED, STEADY, TempoSpace

from ..support import viterbi

GOLDEN = [
    *("potassium-fold0", "potassium-all", "francium-all", "lithium-fold0"),
    *("waltz", "four", "slow-drift", "meter-change", "fast-215", "below-55", "noise"),
    *("silence", "one-beat", "very-short", "long-10min"),
    *(f"random{i}" for i in range(12)),
]


def clicks(frames, *, length, bar=4, first=0):
    """(beat, downbeat): a peak a few frames wide at each frame; the first is beat `first` of 0.."""
    frames = np.asarray(frames)
    downbeats = frames[(first + np.arange(len(frames))) % bar == 0]
    beat, downbeat = np.full((2, length), 0.01)
    for offset, strength in ((-2, 0.1), (2, 0.1), (-1, 0.5), (1, 0.5), (0, 0.9)):
        beat[np.clip(frames + offset, 0, length - 1)] = strength
        downbeat[np.clip(downbeats + offset, 0, length - 1)] = strength * 0.95
    return beat.astype(np.float32), downbeat.astype(np.float32)


def steady(bpm, *, seconds, start=10):
    """The frames of a steady pulse."""
    return np.rint(np.arange(start, 100 * seconds, 6000 / bpm)).astype(int)


def decode(beat, downbeat):
    return decode_beats(beat, downbeat, threshold=0.24)


# Against the reference


@pytest.mark.parametrize("case", GOLDEN)
def test_the_published_decoder_finds_the_same_beats(shared, case):
    with np.load(shared / "golden" / "dbn_cases.npz") as vectors:
        beat, downbeat, threshold, expected = (
            vectors[f"{case}/{key}"] for key in ("beat", "downbeat", "threshold", "out")
        )
    found = decode_beats(beat, downbeat, threshold=float(threshold))
    np.testing.assert_array_equal(found.positions, expected[:, 1])
    np.testing.assert_allclose(found.times, expected[:, 0], rtol=0, atol=1e-9)


def test_all_published_cases_are_listed(shared):
    with np.load(shared / "golden" / "dbn_cases.npz") as vectors:
        assert {key.split("/")[0] for key in vectors} == set(GOLDEN)


@pytest.mark.parametrize("seed", range(30))
def test_the_plain_viterbi_algorithm_finds_the_same_beats(seed):
    song = viterbi.random_song(seed)
    times, positions = viterbi.decode(*song, threshold=0.24)
    found = decode(*song)
    np.testing.assert_array_equal(found.times, times)
    np.testing.assert_array_equal(found.positions, positions)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("leap", [4, STEADY.leap, None])
def test_other_tempo_spaces_are_decoded_as_by_the_plain_algorithm(seed, leap):
    song = viterbi.random_song(seed, frames=400)
    freely = {"leap": leap} if leap else {}
    times, positions = viterbi.decode(
        *song, threshold=0.24, parts=2, count=120, steadiness=300, **freely
    )
    tempo_space = TempoSpace(frames=2, count=120, steadiness=300, leap=leap)
    found = decode_beats(*song, threshold=0.24, tempo_space=tempo_space)
    np.testing.assert_array_equal(found.times, times)
    np.testing.assert_array_equal(found.positions, positions)


def test_double_precision_is_decoded_as_by_the_plain_algorithm():
    song = [p.astype(np.float64) for p in viterbi.random_song(1)]
    times, positions = viterbi.decode(*song, threshold=0.24)
    found = decode(*song)
    np.testing.assert_array_equal(found.times, times)
    np.testing.assert_array_equal(found.positions, positions)


# The model


def test_there_are_sixty_tempos_from_215_to_55_bpm():
    intervals = PUBLISHED.intervals
    assert len(intervals) == 60
    assert (intervals[0], intervals[-1]) == (28, 109)
    assert (np.diff(intervals) > 0).all()
    np.testing.assert_array_equal(intervals, viterbi.beat_intervals())


def test_steady_tempos_are_twice_as_many_in_half_frames():
    assert (STEADY.intervals[0], STEADY.intervals[-1]) == (56, 218)
    assert len(STEADY.intervals) == len(set(STEADY.intervals)) == 120


def test_a_beat_is_observed_in_the_first_sixteenth_of_its_interval():
    for n, observed in zip(PUBLISHED.intervals, PUBLISHED.observed, strict=True):
        assert (observed - 1) / n < 1 / 16 <= observed / n


def test_the_next_interval_is_a_probability():
    probability = np.exp(PUBLISHED.changes)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert (probability.argmax(axis=1) == np.arange(60)).all()


@pytest.mark.parametrize("bar", [2, 3, 5, 7])
def test_any_length_of_bar_can_be_followed(bar):
    clicked = steady(120, seconds=20)
    beat, downbeat = clicks(clicked, length=2000, bar=bar)
    densities = np.log([(1 - beat) / 15, np.maximum(1e-8, beat - downbeat), downbeat])
    path = best_path(densities, bars=(bar,))
    observed = path.beats[path.entries >= 0]
    assert path.beats.max() == bar - 1
    assert (np.diff(observed) % bar == 1).all()


@pytest.mark.parametrize("space", [PUBLISHED, STEADY], ids=["published", "steady"])
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_song_searched_in_spans_has_the_same_beats(seed, space, monkeypatch):
    beat, downbeat = viterbi.random_song(seed, frames=4000)
    densities = np.log([(1 - beat) / 15, np.maximum(1e-8, beat - downbeat), downbeat + 1e-8])
    whole = best_path(densities, bars=(3, 4), tempo_space=space)
    monkeypatch.setattr(bar_pointer, "SPAN", 1)  # spans as short as can be
    parts = best_path(densities, bars=(3, 4), tempo_space=space)
    np.testing.assert_array_equal(parts.entries, whole.entries)
    np.testing.assert_array_equal(parts.beats, whole.beats)
    np.testing.assert_array_equal(parts.observed, whole.observed)


# Songs by hand


def test_silence_has_no_beats():
    quiet = np.full(2000, 0.01, np.float32)
    found = decode(quiet, quiet / 2)
    assert found.times.shape == found.positions.shape == (0,)


def test_clicks_at_90_bpm_are_those_beats():
    clicked = steady(90, seconds=60)
    found = decode(*clicks(clicked, length=6000))
    np.testing.assert_array_equal(found.times, clicked / 100)
    np.testing.assert_array_equal(found.positions, np.arange(len(clicked)) % 4 + 1)


@pytest.mark.parametrize("bpm", [56, 60, 75, 100, 128, 150, 174, 200, 214])
def test_the_tempo_of_the_clicks_is_kept(bpm):
    clicked = steady(bpm, seconds=30)
    found = decode(*clicks(clicked, length=3000))
    np.testing.assert_array_equal(found.times, clicked / 100)


def share_off_the_beat(found, clicked):
    return (np.abs(found.times[:, None] - clicked / 100).min(axis=1) > 0.05).mean()


@pytest.mark.parametrize("bpm", [75, 124, 175.4])
def test_steady_tempos_keep_the_beat_through_thirty_misleading_offbeats(bpm):
    clicked = steady(bpm, seconds=120)
    late = clicked[40:70] + round(3000 / bpm)
    beat, downbeat = clicks(clicked, length=12_000)
    for probability, factor in ((beat, 1), (downbeat, 0.3)):
        probability[late[0] - 20 : late[-1] + 20] = 0.05 * factor
        probability[late + np.array([[-1], [0], [1]])] = 0.2 * factor
    held = decode_beats(beat, downbeat, threshold=0.24, tempo_space=STEADY)
    lost = decode_beats(beat, downbeat, threshold=0.24)
    assert share_off_the_beat(held, clicked) < 0.01
    assert share_off_the_beat(lost, clicked) > 0.05


def test_steady_tempos_follow_a_sudden_change_of_tempo():
    clicked = np.concatenate([steady(120, seconds=60), steady(90, seconds=60, start=6010)])
    found = decode_beats(*clicks(clicked, length=12_000), threshold=0.24, tempo_space=STEADY)
    assert share_off_the_beat(found, clicked) < 0.05


def test_a_waltz_counts_to_three():
    clicked = steady(160, seconds=30)
    found = decode(*clicks(clicked, length=3000, bar=3))
    np.testing.assert_array_equal(found.times, clicked / 100)
    np.testing.assert_array_equal(found.positions, np.arange(len(clicked)) % 3 + 1)


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_song_may_begin_within_a_bar(first):
    clicked = steady(110, seconds=30)
    found = decode(*clicks(clicked, length=3000, first=first))
    np.testing.assert_array_equal(found.times, clicked / 100)
    np.testing.assert_array_equal(found.positions, (first + np.arange(len(clicked))) % 4 + 1)


def test_a_missing_click_is_filled_in():
    clicked = steady(120, seconds=30)
    found = decode(*clicks(np.delete(clicked, [21, 22]), length=3000, bar=100))
    assert len(found.times) == len(clicked)
    np.testing.assert_allclose(found.times, clicked / 100, atol=0.03)


def test_the_tempo_may_change():
    clicked = np.cumsum(np.rint(np.linspace(40, 60, 100)).astype(int))
    found = decode(*clicks(clicked, length=clicked[-1] + 40))
    np.testing.assert_array_equal(found.times, clicked / 100)


def test_a_beat_is_at_the_highest_probability():
    clicked = steady(120, seconds=10)
    beat, downbeat = clicks(clicked, length=1000)
    beat[clicked[5] + 1] = 0.95
    assert decode(beat, downbeat).times[5] == (clicked[5] + 1) / 100


def test_no_beats_are_found_outside_the_first_and_last_certain_frame():
    clicked = steady(100, seconds=30)
    beat, downbeat = clicks(clicked, length=3000)
    inside = (np.arange(3000) >= 1000) & (np.arange(3000) < 2000)
    found = decode(np.where(inside, beat, beat * 0.2), np.where(inside, downbeat, downbeat * 0.2))
    expected = clicked[(clicked >= 1000) & (clicked < 2000)]
    np.testing.assert_array_equal(found.times, expected / 100)


def test_frames_before_the_music_only_shift_the_beats():
    song = viterbi.random_song(8)
    found = decode(*song)
    late = decode(*(np.pad(p, (1234, 77)) for p in song))
    np.testing.assert_array_equal(np.rint(late.times * 100), np.rint(found.times * 100) + 1234)
    np.testing.assert_array_equal(late.positions, found.positions)


def test_a_probability_at_the_threshold_counts():
    half = np.array([0.1, 0.5, 0.1], np.float32)
    assert decode_beats(half, half, threshold=0.5).times.tolist() == [0.01]
    assert decode_beats(half, half, threshold=0.501).times.tolist() == []


# Odd input


@pytest.mark.parametrize("length", [1, 2, 3, 27, 28, 29, 55, 56, 57, 109, 139, 140, 141, 280])
def test_a_song_of_any_length_is_decoded_as_by_the_plain_algorithm(length):
    rng = np.random.default_rng(length)
    song = rng.uniform(0.2, 0.7, (2, length)).astype(np.float32)
    times, positions = viterbi.decode(*song, threshold=0.24)
    found = decode(*song)
    np.testing.assert_array_equal(found.times, times)
    np.testing.assert_array_equal(found.positions, positions)


def test_no_frames_have_no_beats():
    assert len(decode(np.zeros(0, np.float32), np.zeros(0, np.float32)).times) == 0


def test_one_click_is_at_most_one_beat():
    beat, downbeat = clicks([100], length=500)
    assert decode(beat, downbeat).times.tolist() == [1.0]


def test_a_click_in_frame_0_alone_is_no_beat_as_in_the_reference():
    beat = downbeat = np.where(np.arange(500) == 0, 0.9, 0.01).astype(np.float32)
    assert len(decode(beat, downbeat).times) == 0


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_nan_in_some_frames_does_not_change_other_beats(odd):
    clicked = steady(120, seconds=30)
    beat, downbeat = clicks(clicked, length=3000)
    beat[1020:1030] = odd
    downbeat[1025:1028] = odd
    found = decode(beat, downbeat)
    away = np.abs(clicked - 1025) > 100
    assert set(clicked[away] / 100) <= set(found.times)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 0.0, 1.0, 0.5])
@pytest.mark.parametrize("other", [np.nan, np.inf, -np.inf, 0.0, 1.0, 0.5])
def test_constant_input_gives_a_valid_result(odd, other):
    found = decode(np.full(700, odd, np.float32), np.full(700, other, np.float32))
    assert len(found.times) == len(found.positions)
    assert (np.diff(found.times) > 0).all()
    assert set(found.positions) <= {1, 2, 3, 4}


def test_a_song_without_any_chance_of_a_downbeat_has_no_beats():
    beat, downbeat = clicks(steady(60, seconds=10), length=1000)
    downbeat[:] = 0
    assert len(viterbi.decode(beat, downbeat, threshold=0.24)[0]) == 0
    assert len(decode(beat, downbeat).times) == 0


def test_half_precision_finds_the_same_beats():
    clicked = steady(120, seconds=10)
    found = decode(*(p.astype(np.float16) for p in clicks(clicked, length=1000)))
    np.testing.assert_array_equal(found.times, clicked / 100)


def test_certain_beats_are_followed_through_a_long_song():
    clicked = steady(210, seconds=900)
    song = clicks(clicked, length=90_000, bar=3)
    for probability in song:
        (sure,) = np.nonzero(probability > 0.6)
        probability[sure] = probability[sure + 1] = 1  # at downbeats no beat is impossible
    found = decode(*song)
    assert len(found.times) == len(clicked)
    np.testing.assert_allclose(found.times, clicked / 100, rtol=0, atol=0.011)
    np.testing.assert_array_equal(found.positions, np.arange(len(clicked)) % 3 + 1)


def test_the_input_is_not_changed():
    beat, downbeat = viterbi.random_song(2)
    before = beat.copy(), downbeat.copy()
    decode(beat, downbeat)
    np.testing.assert_array_equal((beat, downbeat), before)


@pytest.mark.parametrize("shapes", [((5,), (6,)), ((5, 1), (5, 1)), ((), ())])
def test_arrays_of_wrong_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="same shape"):
        decode(*(np.zeros(shape, np.float32) for shape in shapes))


def test_more_tempos_than_a_pointer_can_number_are_refused():
    with pytest.raises(ValueError, match="at most 127"):
        decode_beats(*clicks([50, 100], length=200), threshold=0.24, tempo_space=TempoSpace(2, 150))


def test_bars_of_three_and_four_are_tried():
    assert BARS == (3, 4)


def test_a_grid_with_few_probable_beats_is_dropped():
    beat = np.full(3000, 0.02)
    beat[[10, 2990]] = 0.9  # a drone that begins and ends
    decoded = decode_beats(beat, np.full(3000, 0.01), threshold=0.05)
    assert len(decoded.times) > 20
    assert len(drop_guesses(decoded, beat, np.full(3000, 0.01)).times) == 0


def test_a_song_with_a_long_break_keeps_its_grid():
    beat = np.full(6000, 0.02)
    beat[10:2500:50] = 0.9
    beat[5010::50] = 0.9
    decoded = decode_beats(beat, np.full(6000, 0.01), threshold=0.05)
    assert drop_guesses(decoded, beat, np.full(6000, 0.01)) is decoded
