"""Sections decided over the whole song, on songs made of repeated parts."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from allin1_mlx.decoding.section_cuts import (
    Bars,
    block_scores,
    cut_sections,
    edge_evidence,
    measure_bars,
)
from allin1_mlx.decoding.sections import (
    group_sections,
    join_sections,
    letters,
    section_similarity,
)
from allin1_mlx.types import FPS, LABELS, Activations

BAR = 200  # frames
SILENCE = "."


def parts_of(rng, names):
    """Four bars of sound for each part (4 * BAR, 81), a chorus (C) louder than the others."""
    return {
        name: np.repeat(rng.uniform(0.2, 1, (4 * 16, 81)), BAR // 16 + 1, axis=0)[: 4 * BAR]
        * (1.5 if name == "C" else 1.0)
        for name in names
    }


def song_of(form, *, before=0, after=0, seed=0):
    """A spectrum (T, 81) and its downbeats. Each letter is eight bars with different noise.

    before, after: frames of silence.
    """
    rng = np.random.default_rng(seed)
    parts = parts_of(rng, sorted(set(form)))
    music = np.concatenate([np.tile(parts[name], (2, 1)) for name in form])
    music = music + rng.normal(0, 0.05, music.shape)
    silence = [np.zeros((n, 81)) for n in (before, after)]
    spectrum = np.concatenate([silence[0], music, silence[1]]).astype(np.float32)
    downbeats = (before + np.arange(0, len(music), BAR)) / FPS
    return np.maximum(spectrum, 0), downbeats


def heard_in(T, labels=None):
    """Activations without boundaries; labels: the probable label of each frame, or none."""
    label = np.full((len(LABELS), T), 0.1, np.float32)
    if labels is not None:
        label[:] = 0.02
        label[labels, np.arange(T)] = 0.82
    nothing = np.zeros(T, np.float32)
    return Activations(nothing, nothing, nothing, label)


def sections_of(form, **options):
    spectrum, downbeats = song_of(form, **options)
    return join_sections(spectrum, downbeats, heard_in(len(spectrum)))


def starts_in_bars(sections):
    return [round(section.start * FPS / BAR, 3) for section in sections]


def test_sections_begin_where_the_music_changes():
    assert starts_in_bars(sections_of("AVCVCBC")) == [0, 8, 16, 24, 32, 40, 48]


def test_parts_that_return_share_a_letter():
    assert [section.group for section in sections_of("AVCVCBC")] == list("ABCBCDC")


def test_a_loud_repeated_part_is_the_chorus_and_a_quieter_one_the_verse():
    labels = [section.label for section in sections_of("AVCVCBC")]
    assert [labels[i] for i in (1, 2, 3, 4, 6)] == ["verse", "chorus", "verse", "chorus", "chorus"]
    assert "chorus" not in (labels[0], labels[5])


def test_sections_have_no_gaps_and_reach_both_ends():
    spectrum, downbeats = song_of("VCVC", before=330, after=410)
    sections = join_sections(spectrum, downbeats, heard_in(len(spectrum)))
    assert sections[0].start == 0
    assert sections[-1].end == len(spectrum) / FPS
    assert all(a.end == b.start for a, b in itertools.pairwise(sections))


def test_silence_at_the_ends_is_start_and_end():
    sections = sections_of("VCVC", before=330, after=410)
    assert [sections[0].label, sections[-1].label] == ["start", "end"]
    assert sections[0].end == 3.3
    assert sections[-1].start == 3.3 + 32 * BAR / FPS


def test_without_silence_there_is_no_start_and_no_end():
    labels = {section.label for section in sections_of("AVCVCBC")}
    assert not labels & {"start", "end"}


def test_a_pickup_belongs_to_the_first_section():
    spectrum, downbeats = song_of("VCVC")
    sections = join_sections(spectrum[120:], downbeats[1:] - 1.2, heard_in(len(spectrum) - 120))
    assert sections[0].start == 0
    assert sections[0].end == pytest.approx(8 * BAR / FPS - 1.2)


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_section_under_two_bars_and_boundaries_on_downbeats(seed):
    rng = np.random.default_rng(seed)
    spectrum = rng.uniform(0, 1, (67 * BAR, 81)).astype(np.float32)
    downbeats = np.arange(67) * BAR / FPS
    sections = join_sections(spectrum, downbeats, heard_in(len(spectrum)))
    assert min(section.end - section.start for section in sections) >= 2 * BAR / FPS
    assert {section.start for section in sections} <= set(downbeats)


def test_a_song_of_one_loop_is_not_labelled_as_twelve_choruses():
    spectrum, downbeats = song_of("C" * 14)
    labels = np.full(len(spectrum), LABELS.index("chorus"))
    sections = join_sections(spectrum, downbeats, heard_in(len(spectrum), labels))
    row = "".join("c" if section.label == "chorus" else "-" for section in sections)
    assert "cccc" not in row


def test_the_networks_labels_decide_for_all_sections_of_a_group():
    spectrum, downbeats = song_of("ASCSC")
    labels = np.full(len(spectrum), LABELS.index("verse"))
    labels[32 * BAR :] = LABELS.index("chorus")
    labels[16 * BAR : 24 * BAR] = LABELS.index("chorus")
    labels[16 * BAR : 17 * BAR] = LABELS.index("bridge")  # is outvoted
    sections = join_sections(spectrum, downbeats, heard_in(len(spectrum), labels))
    assert [section.label for section in sections][1:] == ["verse", "chorus", "verse", "chorus"]


def test_confidence_is_lower_where_the_network_is_uncertain():
    spectrum, downbeats = song_of("AVCVCBC")
    names = ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus")
    steady = np.repeat([LABELS.index(name) for name in names], 8 * BAR)
    wavering = steady.copy()
    verse = np.flatnonzero(steady == LABELS.index("verse"))
    wavering[verse[::2]] = LABELS.index("inst")
    sure, unsure = (
        join_sections(spectrum, downbeats, heard_in(len(spectrum), labels))
        for labels in (steady, wavering)
    )
    assert all(0 <= section.confidence <= 1 for section in (*sure, *unsure))
    assert unsure[1].confidence < sure[1].confidence


def test_short_songs_are_left_to_the_network():
    spectrum, downbeats = song_of("V")
    T = 7 * BAR
    assert join_sections(spectrum[:T], downbeats[:7], heard_in(T)) == ()
    assert join_sections(spectrum, [], heard_in(len(spectrum))) == ()
    assert join_sections(spectrum * 0, downbeats, heard_in(len(spectrum))) == ()


def test_a_probable_boundary_of_the_network_supports_the_next_downbeat():
    spectrum, downbeats = song_of("VVVV")
    found = heard_in(len(spectrum))
    without = edge_evidence(measure_bars(spectrum, downbeats, found))
    found.segment[12 * BAR + 20] = 1.0
    gained = edge_evidence(measure_bars(spectrum, downbeats, found)) - without
    assert np.flatnonzero(gained > 0.5).tolist() == [12]


def test_a_voice_that_begins_or_stops_speaks_for_a_boundary():
    spectrum, downbeats = song_of("VVVV")
    silent, singing = (heard_in(len(spectrum)) for _ in range(2))
    voice = np.zeros(len(spectrum), np.float32)
    voice[12 * BAR :] = 1.0
    singing = replace(singing, voice=voice)
    without, with_voice = (
        edge_evidence(measure_bars(spectrum, downbeats, found)) for found in (silent, singing)
    )
    assert int((with_voice - without).argmax()) == 12


def test_block_scores_are_those_of_the_pairs_of_bars():
    rng = np.random.default_rng(3)
    sound = rng.normal(size=(20, 5)).astype(np.float32)
    sound /= np.linalg.norm(sound, axis=1, keepdims=True)
    R = sound @ sound.T
    scores = block_scores(sound)
    of_five = [2 * np.triu(R[a : a + 5, a : a + 5], 1).sum() / 5 for a in range(16)]
    assert np.allclose(scores[:16, 4] / scores[0, 4], np.array(of_five) / of_five[0], atol=1e-4)


def test_the_similarity_of_sections_is_that_of_their_best_alignment():
    rng = np.random.default_rng(5)
    sound = rng.normal(size=(600, 7)).astype(np.float32)
    sound /= np.linalg.norm(sound, axis=1, keepdims=True)
    cuts = [0, *np.cumsum(rng.integers(2, 20, 40)).tolist(), 600]
    similar = section_similarity(sound, cuts)
    for i, j in rng.integers(0, len(cuts) - 1, (50, 2)):
        short, long = sorted(((cuts[k], cuts[k + 1]) for k in (i, j)), key=lambda p: p[1] - p[0])
        n = short[1] - short[0]
        R = sound[short[0] : short[1]] @ sound[long[0] : long[1]].T
        expected = max(R.diagonal(t).sum() / n for t in range(long[1] - long[0] - n + 1))
        assert similar[i, j] == pytest.approx(expected, abs=1e-5)


def test_a_short_section_is_compared_where_it_fits_best():
    sound = np.eye(6, dtype=np.float32)[[0, 1, 2, 3, 1, 2]]
    similar = section_similarity(sound, [0, 4, 6])
    assert similar[0, 1] == similar[1, 0] == 1.0


def test_groups_are_joined_only_where_the_music_is_the_same():
    sound = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1, 2, 2]]
    assert group_sections(sound, [0, 2, 4, 6, 8]) == [0, 1, 0, 1]
    assert group_sections(np.eye(6, dtype=np.float32), [0, 2, 4, 6]) == [0, 1, 2]


def test_a_long_song_is_compared_in_fewer_places_and_cut_as_well():
    form = "AVCVCBC" * 22
    spectrum, downbeats = song_of(form)
    bars = measure_bars(spectrum, downbeats, heard_in(len(spectrum)))
    assert len(bars) == 8 * len(form)
    assert bars.sound.shape[1] < 32 * 81
    assert cut_sections(bars) == list(range(0, len(bars) + 1, 8))


def test_every_bar_is_in_one_section_of_at_most_36_bars():
    spectrum, downbeats = song_of("VVVVVVVV", seed=4)
    bars = measure_bars(spectrum, downbeats, heard_in(len(spectrum)))
    cuts = cut_sections(bars)
    assert isinstance(bars, Bars)
    assert cuts[0] == 0
    assert cuts[-1] == len(bars) == 64
    assert max(np.diff(cuts)) <= 36


def test_groups_are_lettered_like_columns_of_a_table():
    assert [letters(n) for n in (0, 1, 25, 26, 27, 702)] == ["A", "B", "Z", "AA", "AB", "AAA"]
