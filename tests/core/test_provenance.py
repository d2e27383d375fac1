"""Provenance is written to results and compared with them in one place."""

from dataclasses import replace

import pytest

from allin1_mlx.types import Provenance, Result, StemMethod

RESULT = Result("song.wav", None, (), (), (), ())
BUNDLED = Provenance("bundled", StemMethod("none"), "mlx_fast", "allin1-mlx 1", "a" * 64)


@pytest.mark.parametrize(
    ("method", "text", "has_audio"),
    [
        (StemMethod("none"), "none", False),
        (StemMethod("spectral"), "spectral", False),
        (StemMethod("htdemucs"), "htdemucs", True),
        (StemMethod("htdemucs", seed=5), "htdemucs seed 5", True),
        (StemMethod("external", digest="01ab23cd"), "external 01ab23cd", True),
    ],
)
def test_a_stem_method_has_the_text_of_result_files(method, text, has_audio):
    assert str(method) == text
    assert method.has_audio == has_audio


def test_a_result_matches_what_was_written_to_it():
    written = BUNDLED.write_to(RESULT)
    assert (written.model, written.demix, written.program) == ("bundled", "none", "allin1-mlx 1")
    assert written.audio_sha256 == "a" * 64
    assert BUNDLED.matches(written)
    assert not BUNDLED.matches(RESULT)


@pytest.mark.parametrize(
    "other",
    [
        replace(BUNDLED, audio_sha256="b" * 64),
        replace(BUNDLED, model="harmonix-all"),
        replace(BUNDLED, stems=StemMethod("spectral")),
        replace(BUNDLED, section_method="joint"),
        replace(BUNDLED, program="allin1-mlx 2"),
    ],
)
def test_a_result_of_another_analysis_does_not_match(other):
    assert not other.matches(BUNDLED.write_to(RESULT))


def test_only_the_bundled_model_depends_on_the_version_of_the_program():
    first = replace(BUNDLED, model="harmonix-all")
    assert replace(first, program="allin1-mlx 2").matches(first.write_to(RESULT))


def test_a_song_adds_its_digests():
    external = replace(BUNDLED, stems=StemMethod("external"), audio_sha256="")
    assert external.of_song("c" * 64, "01ab23cd").of_spectrograms == {
        "audio_sha256": "c" * 64,
        "demix": "external 01ab23cd",
        "spec_backend": "mlx_fast",
    }
