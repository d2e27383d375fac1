"""The JSON of an analysis: written, validated, read, and refused if it is not valid."""

import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import allin1_mlx
from allin1_mlx.analysis import Analysis
from allin1_mlx.edits import RelabelSection, apply
from allin1_mlx.errors import ResultError
from allin1_mlx.result_file import to_values
from allin1_mlx.schema import LARGEST_FILE
from allin1_mlx.types import LONGEST_BAR, LONGEST_SONG, MOST_BEATS, MOST_EDITS, Segment, Tempo

SCHEMA = json.loads(
    (Path(allin1_mlx.__file__).parent / "analysis.schema.json").read_text(encoding="utf-8")
)
SONG = Analysis(
    path="Mañana – 朝.mp3",
    bpm=120,
    beats=(0.33, 0.83, 1.33),
    downbeats=(0.33,),
    beat_positions=(1, 2, 3),
    segments=(Segment(0.0, 0.33, "start"), Segment(0.33, 2.0, "verse")),
    duration=2.0,
    tempo=Tempo(120.02, 0.97),
    meter=3,
    model="bundled",
    demix="none",
    program="allin1-mlx 0",
    audio_sha256="0" * 64,
)


def section(start: float, end: float, label: str = "verse") -> dict[str, object]:
    return {"start": start, "end": end, "label": label}


def written(analysis: Analysis, folder: Path) -> Path:
    path = folder / "song.json"
    path.write_text(analysis.to_json(), encoding="utf-8")
    return path


def test_the_schema_is_a_schema_and_results_are_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(SONG.to_json()), SCHEMA)


def test_a_result_is_the_same_after_writing_and_reading(tmp_path):
    assert Analysis.from_json(written(SONG, tmp_path)) == SONG


def test_groups_and_confidence_are_written_only_if_known(tmp_path):
    lettered = replace(SONG.segments[1], group="A", confidence=0.85)
    path = written(replace(SONG, segments=(SONG.segments[0], lettered)), tmp_path)
    data = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(data, SCHEMA)
    assert [list(segment) for segment in data["segments"]] == [
        ["start", "end", "label"],
        ["start", "end", "label", "group", "confidence"],
    ]
    assert Analysis.from_json(path).segments == (SONG.segments[0], lettered)


@pytest.mark.parametrize(("key", "value"), [("confidence", 1.5), ("group", ""), ("group", 3)])
def test_impossible_groups_and_confidence_are_refused(tmp_path, key, value):
    data = to_values(SONG)
    data["segments"][1][key] = value
    path = tmp_path / "song.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ResultError, match=rf"segments\[1\]\.{key}"):
        Analysis.from_json(path)


def test_a_corrected_song_keeps_what_was_detected_of_its_groups(tmp_path):
    lettered = replace(SONG.segments[1], group="A", confidence=0.85)
    song = replace(SONG, segments=(SONG.segments[0], lettered))
    corrected = apply(song, RelabelSection(1.0, "chorus"))
    read = Analysis.from_json(written(corrected, tmp_path))
    assert read == corrected
    assert read.segments[1] == replace(lettered, label="chorus", confidence=None)
    assert read.detection.segments[1] == lettered


def test_the_reference_programs_keys_come_first_and_arrays_keep_one_line():
    text = SONG.to_json()
    keys = list(json.loads(text))
    assert keys[:6] == ["path", "bpm", "beats", "downbeats", "beat_positions", "segments"]
    assert '  "beats": [0.33, 0.83, 1.33],\n' in text
    assert "Mañana – 朝" in text


def test_a_song_without_beats_is_valid():
    empty = Analysis("a.wav", None, (), (), (), (), duration=0.2, tempo=Tempo(None, 0.0))
    jsonschema.validate(json.loads(empty.to_json()), SCHEMA)


def test_a_result_of_the_reference_programs_loads(tmp_path):
    reference = {key: json.loads(SONG.to_json())[key] for key in SCHEMA["required"]}
    path = tmp_path / "reference.json"
    path.write_text(json.dumps(reference), encoding="utf-8")
    loaded = Analysis.from_json(path)
    assert loaded.beats == SONG.beats
    assert loaded.duration is None
    assert loaded.model is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beats": [1.0, 0.5, 2.0]}, r"beats must increase, but beats\[1\] is 0.5 after 1.0"),
        ({"beats": [1.0]}, "beats: 1, but beat_positions: 3"),
        ({"beats": "abc"}, "beats must be a list, found 'abc'"),
        ({"beats": [math.nan, 1.0, 2.0]}, r"beats\[0\] must be a number, found NaN"),
        ({"beats": [0.5, 1.0, 1e300]}, r"beats\[2\] must be at most 86400, found 1e\+300"),
        ({"beats": [0.5, 1.0, 9.0]}, "beats must not lie after the duration, found 9.0"),
        ({"downbeats": [-1.0]}, r"downbeats\[0\] must be at least 0, found -1.0"),
        ({"beat_positions": [1, 2, 10**18]}, r"beat_positions\[2\] must be at most 32"),
        ({"beat_positions": [1, 2, 0]}, r"beat_positions\[2\] must be at least 1"),
        ({"segments": [section(0.0, -1.0)]}, r"segments\[0\].end must be at least 0"),
        ({"segments": [section(0, 2), section(2, 1)]}, r"segments\[1\].end must not lie before"),
        ({"segments": [section(0, 1), section(1.5, 2)]}, r"segments\[1\].start must be 1.0"),
        ({"segments": [section(0.5, 2)]}, r"segments\[0\].start must be 0.0, found 0.5"),
        ({"segments": [section(0, 9)]}, "segments must reach the duration 2.0, found 9.0"),
        ({"segments": [{"start": 2.0}]}, r"segments\[0\].end is missing"),
        ({"segments": [section(0, 2) | {"x": 1}]}, r"segments\[0\] has an unknown key"),
        ({"segments": [section(0, 2, "a\ud800")]}, r"segments\[0\].label must be text without"),
        ({"segments": [section(0, 2, "")]}, r"segments\[0\].label must have at least 1 char"),
        ({"schema_version": 99}, "written in format 99.* update it"),
        ({"schema_version": "1"}, r"schema_version must be one of \[1, 2\], found '1'"),
        ({"bpm": math.inf}, "bpm must be a whole number or null, found Infinity"),
        ({"bpm": [1]}, "bpm must be a whole number or null, found a list of 1"),
        ({"bpm": -1}, "bpm must be at least 0"),
        ({"duration": 1e7}, "duration must be at most 86400, found 10000000.0"),
        ({"duration": 86_000.0}, "segments must reach the duration 86000.0, found 2.0"),
        ({"tempo": {"bpm": "x", "confidence": 1}}, "tempo.bpm must be a number or null, found 'x'"),
        (
            {"tempo": {"bpm": [1], "confidence": 1}},
            "tempo.bpm must be a number or null, found a l",
        ),
        ({"tempo": {"bpm": math.inf, "confidence": 1}}, "tempo.bpm must be a number or null"),
        ({"tempo": {"bpm": 1e300, "confidence": 1}}, "tempo.bpm must be at most 6000"),
        ({"tempo": {"bpm": 0, "confidence": 1}}, "tempo.bpm must be more than 0"),
        ({"tempo": {"bpm": 60, "confidence": 2}}, "tempo.confidence must be at most 1"),
        ({"tempo": 120}, "tempo must be an object or null, found 120"),
        ({"meter": 10**18}, "meter must be at most 32"),
        ({"path": "a\ud800.wav"}, "path must be text without lone surrogates"),
        ({"path": "a" * 5000}, "path must have at most 4096 characters"),
        ({"path": None}, "path must be text, found None"),
        ({"model": "x\udc80"}, "model must be text without lone surrogates"),
        ({"program": 7}, "program must be text or null, found 7"),
        ({"audio_sha256": "xyz"}, "audio_sha256 must match"),
        ({"beats": [0.1] * 200_001}, "beats must have at most 200000 entries"),
        ({"edits": [{}] * 10_001}, "edits must have at most 10000 entries"),
        ({"edits": [{"do": "nudge", "ms": 1}]}, "detection is missing, which edits need"),
    ],
)
def test_an_invalid_result_is_refused_with_its_name_and_the_reason(tmp_path, change, message):
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(to_values(SONG) | change), encoding="utf-8")
    with pytest.raises(ResultError, match=rf"^odd\.json: .*{message}") as caught:
        Analysis.from_json(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_json_file_of_another_kind_is_refused_with_all_missing_keys(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"volume": 11, "beats": []}', encoding="utf-8")
    with pytest.raises(
        ResultError, match=r": path, bpm, downbeats, beat_positions, segments is missing"
    ):
        Analysis.from_json(path)


def test_a_number_of_5000_digits_is_refused_at_its_field(tmp_path):
    path = tmp_path / "odd.json"
    text = SONG.to_json().replace('"bpm": 120,', f'"bpm": {"9" * 5000},', 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ResultError, match=r"bpm must be a whole number.*, found a number of 5000"):
        Analysis.from_json(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "odd.json"
    path.write_text(SONG.to_json() + " " * LARGEST_FILE, encoding="utf-8")
    with pytest.raises(ResultError, match=r"^odd\.json: larger than 20 MB"):
        Analysis.from_json(path)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "song.json"
    path.write_text(SONG.to_json(), encoding="utf-8-sig")
    assert Analysis.from_json(path) == SONG


def test_undecodable_bytes_of_a_file_name_are_not_written(tmp_path):
    odd = replace(SONG, path="Ma\udcf1ana.mp3")
    path = written(odd, tmp_path)
    assert Analysis.from_json(path).path == "Ma\ufffdana.mp3"
    # Version 0.1 wrote the bytes as they were.
    path.write_text(json.dumps(to_values(SONG) | {"path": odd.path}), encoding="utf-8")
    assert Analysis.from_json(path).path == "Ma\ufffdana.mp3"


def test_the_limits_of_the_schema_are_those_of_the_program():
    own = SCHEMA["properties"]
    assert SCHEMA["$defs"]["time"]["maximum"] == own["duration"]["maximum"] == LONGEST_SONG
    assert own["beats"]["maxItems"] == own["beat_positions"]["maxItems"] == MOST_BEATS
    assert own["beat_positions"]["items"]["maximum"] == own["meter"]["maximum"] == LONGEST_BAR
    assert own["edits"]["maxItems"] == MOST_EDITS


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", '"beats"', "\x00\xff", "[" * 100_000])
def test_a_file_without_a_json_object_is_refused(tmp_path, text):
    path = tmp_path / "odd.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ResultError, match=r"^odd\.json: "):
        Analysis.from_json(path)
