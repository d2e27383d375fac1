"""The tempo of the pulse, and the alternatives that may be right."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allin1_mlx import Analysis, Analyzer
from allin1_mlx.decoding.beats import Beats
from allin1_mlx.decoding.tempo import COURSES, name_alternatives, weigh_levels
from allin1_mlx.types import CLASSES_PER_OCTAVE, LOWEST_TEMPO, TEMPO_CHANGES, Activations, Tempo

EXAMPLE = Path(__file__).parents[2] / "assets" / "example.ogg"


def song(bpm, *, between=0.02, seconds=120, hears=None):
    """Beats of a song and its activations.

    between: the height of the peaks between beats. hears: tempos in BPM in the network's output,
    with their shares.
    """
    times = np.round(np.arange(0.5, seconds - 1, 60 / bpm), 2)
    beat, downbeat = np.full((2, seconds * 100), 0.01, np.float32)
    frames = np.rint(times * 100).astype(int)
    beat[(frames[1:] + frames[:-1]) // 2] = between
    beat[frames] = 0.8
    downbeat[frames[::4]] = 0.75
    tempo = None
    if hears:
        classes = np.full(50, 0.001)
        for heard, share in hears.items():
            classes[round(CLASSES_PER_OCTAVE * np.log2(heard / LOWEST_TEMPO))] += share
        tempo = np.repeat(np.log(classes / classes.sum())[:, None], 2 * seconds, axis=1)
    nothing = np.zeros((10, len(beat)), np.float32)
    found = Activations(beat, downbeat, downbeat, nothing, tempo=tempo)
    return Beats(times, np.arange(len(times)) % 4 + 1), found


def named(bpm, beats, found):
    return name_alternatives(Tempo(float(bpm), 0.9), beats, found).alternatives


def test_all_changes_of_a_tempo_are_weighed():
    assert set(COURSES) == {"1", *TEMPO_CHANGES}


@pytest.mark.parametrize("hears", [None, {120: 1}])
def test_a_clear_pulse_has_no_alternatives(hears):
    assert named(120, *song(120, hears=hears)) == ()


def test_probabilities_of_the_levels_sum_to_one():
    likely = weigh_levels(*song(97, between=0.4, hears={97: 1}))
    assert sum(likely.values()) == pytest.approx(1)
    assert max(likely, key=likely.get) == "1"


def test_half_the_true_tempo_lists_double_first():
    beats, found = song(180, hears={180: 1})
    half = Beats(beats.times[::2], beats.positions[: len(beats.times[::2])])
    first = named(90, half, found)[0]
    assert (first.change, first.bpm) == ("2", pytest.approx(180))
    assert first.confidence > 0.5


def test_beats_between_the_probable_beats_list_the_offbeat():
    beats, found = song(128, hears={128: 1})
    off = Beats(beats.times[:-1] + 30 / 128, beats.positions[:-1])
    first = named(128, off, found)[0]
    assert (first.change, first.bpm) == ("offbeat", 128)
    assert first.confidence > 0.5


@pytest.mark.parametrize("change", ["2/3", "3/2"])
def test_a_tempo_of_two_thirds_or_three_halves_that_the_network_finds_is_listed(change):
    beats, found = song(120, hears={120: 1})
    # Beats as decoded at the wrong level: the right ones are at `change` times their tempo.
    step = {"2/3": 2 / 3, "3/2": 1.5}[change]
    places = np.arange(0, len(beats.times) - 1, step)
    times = np.interp(places, np.arange(len(beats.times)), beats.times)
    wrong = Beats(times, np.arange(len(times)) % 4 + 1)
    alternatives = named(120 / step, wrong, found)
    assert change in [level.change for level in alternatives]
    right = next(level for level in alternatives if level.change == change)
    assert right.bpm == pytest.approx(120)


def test_the_tempo_of_the_network_counts():
    slow, fast = (weigh_levels(*song(85, between=0.5, hears={bpm: 1})) for bpm in (85, 170))
    assert fast["2"] > 3 * slow["2"]


def test_an_uncertain_tempo_lists_one_or_two_alternatives_by_probability():
    alternatives = named(85, *song(85, between=0.6, hears={85: 0.4, 170: 0.6}))
    assert 1 <= len(alternatives) <= 2
    assert alternatives[0].change == "2"
    shares = [level.confidence for level in alternatives]
    assert shares == sorted(shares, reverse=True)


def test_few_beats_and_no_tempo_have_no_alternatives():
    beats, found = song(60, seconds=10)
    tempo = Tempo(60.0, 0.5)
    assert name_alternatives(tempo, beats, found) is tempo
    nothing = Tempo(None, 0.0)
    assert name_alternatives(nothing, beats, found) is nothing


def test_activations_with_nan_are_weighed():
    beats, found = song(120)
    holes = found.beat.copy()
    holes[::7] = np.nan
    assert np.isfinite(list(weigh_levels(beats, replace(found, beat=holes)).values())).all()


def test_alternatives_are_written_and_read(tmp_path):
    beats, found = song(85, between=0.6, hears={85: 0.4, 170: 0.6})
    times, positions = beats.times.tolist(), beats.positions.tolist()
    tempo = name_alternatives(Tempo(85.0, 0.9), beats, found)
    unsure = Analysis("song.wav", 85, times, times[::4], positions, (), tempo=tempo)
    (tmp_path / "unsure.json").write_text(unsure.to_json())
    written = json.loads((tmp_path / "unsure.json").read_text())["tempo"]["alternatives"]
    assert written[0] == {"bpm": 170.0, "change": "2", "confidence": written[0]["confidence"]}
    assert 0 < written[0]["confidence"] < 1
    read = Analysis.from_json(tmp_path / "unsure.json").tempo.alternatives
    assert [level.change for level in read] == [level["change"] for level in written]


def test_the_tempo_of_the_example_song_has_no_alternatives():
    assert Analyzer("bundled")(EXAMPLE).tempo.alternatives == ()
