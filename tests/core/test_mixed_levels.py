"""Songs whose beats change to another level of the pulse in the middle."""

import numpy as np
import pytest

from allin1_mlx.decoding.levels import correct_level, mixed_levels
from allin1_mlx.decoding.meters import find_beats
from allin1_mlx.types import CLASSES_PER_OCTAVE, LOWEST_TEMPO, Activations


def beats_at(*parts):
    """The times of (number of beats, BPM), one part after the other."""
    return np.cumsum(np.concatenate([np.full(count, 60 / bpm) for count, bpm in parts]))


@pytest.mark.parametrize("other", [60, 80, 180, 240])
def test_the_level_of_fewer_beats_is_an_error(other):
    [found] = mixed_levels(beats_at((100, 120), (40, other)))
    assert found == pytest.approx(other, rel=0.02)


@pytest.mark.parametrize("other", [100, 110, 130, 140, 150, 200])
def test_other_tempos_are_changes_of_the_music(other):
    assert mixed_levels(beats_at((100, 120), (40, other))) == []


def test_a_pause_or_a_few_doubled_beats_do_not_count():
    assert mixed_levels(beats_at((100, 120), (8, 240), (100, 120))) == []
    assert mixed_levels(beats_at((100, 120), (1, 4), (100, 120))) == []


@pytest.mark.parametrize("count", [0, 1, 12])
def test_few_beats_have_no_other_level(count):
    assert mixed_levels(np.arange(count) * 0.5) == []


def test_a_shuffle_that_begins_at_three_halves_of_its_tempo_is_decoded_at_one_level():
    """Long before the drums enter, the network hears the swung notes as beats of 156 BPM."""
    bpm, beats = 104, 120
    frames = np.rint(20 + np.arange(beats) * 6000 / bpm).astype(int)
    beat = np.full(frames[-1] + 60, 0.01, np.float32)
    beat[frames] = 0.7
    early = frames[:40]
    for share in (1 / 3, 2 / 3):
        beat[early + round(share * 6000 / bpm)] = 0.4
    beat[early] = 0.45
    tempo = np.full((50, -(-len(beat) // 50)), -7.0, np.float32)
    change = early[-1] // 50
    for tempo_bpm, part in ((156, slice(0, change)), (104, slice(change, None))):
        tempo[round(CLASSES_PER_OCTAVE * np.log2(tempo_bpm / LOWEST_TEMPO)), part] = 0
    found = Activations(beat, beat / 4, np.zeros(len(beat)), np.zeros((10, len(beat))), tempo=tempo)
    times = find_beats(found, threshold=0.05, steady=True).times
    assert np.median(np.diff(times[:30])) == pytest.approx(60 / bpm, abs=0.01)
    assert np.median(np.diff(times[-30:])) == pytest.approx(60 / bpm, abs=0.01)


def test_a_song_of_one_level_is_not_decoded_again():
    times = beats_at((100, 120))
    beat = np.full(5200, 0.01, np.float32)
    beat[np.rint(times * 100).astype(int)] = 0.8
    found = Activations(beat, beat / 4, np.zeros(5200), np.zeros((10, 5200)))
    beats = find_beats(found, threshold=0.05, steady=True)
    assert correct_level(beats, found) is None
