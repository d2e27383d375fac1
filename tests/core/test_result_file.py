"""The JSON of an analysis: written, validated, read back, and refused where it is none."""

import json
from pathlib import Path

import jsonschema
import pytest

import allin1_mlx
from allin1_mlx.analysis import Analysis
from allin1_mlx.errors import ResultError
from allin1_mlx.result_file import to_values
from allin1_mlx.types import Segment, Tempo

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


def written(analysis: Analysis, folder: Path) -> Path:
    path = folder / "song.json"
    path.write_text(analysis.to_json(), encoding="utf-8")
    return path


def test_the_schema_is_a_schema_and_results_are_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(SONG.to_json()), SCHEMA)


def test_a_result_survives_its_file(tmp_path):
    assert Analysis.from_json(written(SONG, tmp_path)) == SONG


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
        ({"beats": [1.0, 0.5, 2.0]}, "beats must increase"),
        ({"beats": [1.0]}, "1 beats but 3 beat positions"),
        ({"beats": "abc"}, "not a result"),
        ({"beats": [float("nan"), 1.0, 2.0]}, "finite"),
        ({"downbeats": [-1.0]}, "finite times from 0 on"),
        ({"segments": [{"start": 2.0, "end": 1.0, "label": "verse"}]}, "end after they start"),
        ({"segments": [{"start": 2.0}]}, "the key 'end' is missing"),
        ({"schema_version": 99}, "update it"),
        ({"bpm": float("inf")}, "not a result"),
        ({"bpm": [1]}, "not a result"),
    ],
)
def test_what_is_no_result_is_refused_with_its_name_and_the_reason(tmp_path, change, message):
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(to_values(SONG) | change), encoding="utf-8")
    with pytest.raises(ResultError, match=rf"^odd\.json: .*{message}"):
        Analysis.from_json(path)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", '"beats"', "\x00\xff", "[" * 100_000])
def test_what_is_no_json_object_is_refused(tmp_path, text):
    path = tmp_path / "odd.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ResultError, match=r"^odd\.json: "):
        Analysis.from_json(path)
