"""The two methods that find sections, and how one of them is chosen."""

from dataclasses import replace

import numpy as np
import pytest

from allin1_mlx import Analyzer, DecodingOptions, measure_onsets
from allin1_mlx.decoding.section_peaks import pick_sections
from allin1_mlx.decoding.sections import find_sections, join_sections
from allin1_mlx.demix.network_input import Spectrograms
from allin1_mlx.result_file import to_values
from allin1_mlx.tags import Tags
from allin1_mlx.types import LABELS, Activations, Result, StemMethod
from allin1_mlx.weights import Access

from ..support.small import write_network, write_song

BAR = 200  # frames


def a_song(*, bars):
    """Spectrum (T, 81), downbeats in seconds and activations of random music."""
    rng = np.random.default_rng(bars)
    T = bars * BAR
    mix = rng.uniform(0, 1, (T, 81)).astype(np.float32)
    label = rng.dirichlet(np.ones(len(LABELS)), T).T.astype(np.float32)
    likely = rng.uniform(0, 1, (3, T)).astype(np.float32)
    return mix, np.arange(bars) * BAR / 100, Activations(*likely, label)


def test_with_a_mix_sections_are_those_of_the_whole_song():
    mix, downbeats, found = a_song(bars=24)
    sections = find_sections(found, downbeats, mix=mix, strict_ends=True, on_bars=True)
    assert sections == join_sections(mix, downbeats, found)


def test_without_a_mix_sections_are_peaks_of_the_network():
    _, downbeats, found = a_song(bars=24)
    sections = find_sections(found, downbeats, mix=None, strict_ends=False, on_bars=False)
    assert sections == pick_sections(found.segment, found.label)


def test_a_short_song_gets_peaks_with_both_methods():
    mix, downbeats, found = a_song(bars=6)
    one, other = (
        find_sections(found, downbeats, mix=given, strict_ends=True, on_bars=True)
        for given in (mix, None)
    )
    assert one == other
    assert len(one) > 0


def test_the_mix_of_stems_is_the_sum_of_their_powers():
    rng = np.random.default_rng(3)
    magnitudes = rng.uniform(0, 30, (4, 50, 81))
    onsets = measure_onsets([np.zeros((2, 44100), np.float32)])
    stems = Spectrograms(np.log10(1 + magnitudes), onsets, StemMethod("spectral"), 0.5, "", Tags())
    expected = np.log10(1 + np.sqrt((magnitudes**2).sum(axis=0)))
    assert np.allclose(stems.mix, expected)
    alone = replace(stems, values=magnitudes[:1])
    assert np.array_equal(alone.mix, magnitudes[0])


@pytest.mark.parametrize(
    ("asked", "method"), [("auto", "joint"), ("joint", "joint"), ("reference", "reference")]
)
def test_the_bundled_network_decides_over_the_whole_song_unless_asked_otherwise(asked, method):
    analyzer = Analyzer("bundled", decoding=DecodingOptions(sections=asked))
    assert analyzer.provenance.section_method == method


@pytest.mark.parametrize(("asked", "method"), [("auto", "reference"), ("joint", "joint")])
def test_networks_of_four_stems_do_as_the_reference_unless_asked_otherwise(tmp_path, asked, method):
    write_network(tmp_path, steady=True)
    access = Access(weights_path=tmp_path / "small.npz")
    analyzer = Analyzer("auto", weights=access, decoding=DecodingOptions(sections=asked))
    assert analyzer.provenance.section_method == method
    song = write_song(tmp_path / "song.wav", seconds=24.0)
    analysis = analyzer(song)
    assert analysis.section_method == (None if method == "reference" else "joint")
    in_groups = [section.group is not None for section in analysis.segments]
    assert any(in_groups) == (method == "joint")


def test_a_result_file_says_when_sections_were_decided_over_the_whole_song():
    result = Result("song.wav", None, (), (), (), ())
    joint = Analyzer("bundled").provenance.write_to(result)
    reference = Analyzer(
        "bundled", decoding=DecodingOptions(sections="reference")
    ).provenance.write_to(result)
    assert to_values(joint)["section_method"] == "joint"
    assert "section_method" not in to_values(reference)
