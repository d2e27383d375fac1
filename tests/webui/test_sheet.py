"""The sheet: everything that the page draws and plays, as JSON."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pictures.envelope import Envelope
from allin1_mlx.types import Activations, Segment, Steady, Tempo, TempoLevel
from allin1_mlx_ui.sheet import write_sheet
from allin1_mlx_ui.song import Song
from allin1_mlx_ui.song_file import write_activations
from allin1_mlx_ui.songs import Session

from ..support.small import RESULT

ANALYSIS = replace(
    RESULT,
    path="/hidden/folder/song.wav",
    segments=(Segment(0.0, 2.5, "verse"), Segment(2.5, 3.0, "<i>own</i>")),
    tempo=Tempo(120.0, 0.9),
)


@pytest.fixture
def song(tmp_path: Path) -> Song:
    song = Session(tmp_path).add("song.wav")
    song.envelope = Envelope(
        np.arange(300, dtype=np.uint8), *(np.zeros(300, np.uint8) for _ in range(4))
    )
    song.frames = 3 * 44_100
    return song


def read(song: Song, analysis: Analysis = ANALYSIS, **options: bool) -> dict[str, Any]:
    settings = {"dark": False, "activations": False, **options}
    return json.loads(write_sheet(song, analysis, **settings))


def test_the_sheet_has_beats_sections_and_figure(song: Song) -> None:
    sheet = read(song)
    assert sheet["beats"] == list(ANALYSIS.beats)
    assert [s["label"] for s in sheet["sections"]] == ["verse", "<i>own</i>"]
    assert sheet["sections"][0]["bars"] == "1 bar"
    assert sheet["tempo"] == {
        "bpm": 120.0,
        "confidence": 0.9,
        "steady": [],
        "alternatives": [],
        "jitter": None,
        "constant": False,
        "range": [120, 120],
    }
    assert sheet["figure"]["layout"]["meta"]["duration"] == 3.0


def test_the_sheet_has_steady_passages_and_other_tempos(song: Song) -> None:
    tempo = Tempo(120.0, 0.9, (Steady(0.5, 2.5, 120.0),), (TempoLevel(60.0, "1/2", 0.2),), 0.001)
    sheet = read(song, replace(ANALYSIS, tempo=tempo))
    assert sheet["tempo"]["steady"] == [{"start": 0.5, "end": 2.5, "bpm": 120.0}]
    assert sheet["tempo"]["alternatives"] == [{"bpm": 60.0, "change": "1/2", "confidence": 0.2}]


def test_layers_are_one_byte_a_frame(song: Song) -> None:
    assert song.envelope is not None
    peak = np.frombuffer(base64.b64decode(read(song)["layers"]["peak"]), np.uint8)
    assert (peak == song.envelope.peak).all()


def test_the_sheet_has_no_path(song: Song) -> None:
    assert "/hidden/folder" not in json.dumps(read(song))


def test_activations_are_sent_on_request(song: Song) -> None:
    half = np.full(300, 0.5, np.float32)
    assert not read(song)["hasActivations"]
    write_activations(song, Activations(half, half, half, np.zeros((10, 300), np.float32)))
    plain = read(song)
    assert plain["hasActivations"]
    assert set(plain["layers"]) == {"peak", "mid", "high"}
    asked = read(song, activations=True)
    assert "downbeat activation" in asked["layers"]
    names = [trace["name"] for trace in asked["figure"]["data"]]
    assert "section activation" in names


def test_a_result_alone_has_a_sheet_too(tmp_path: Path) -> None:
    song = Session(tmp_path).add("song.json")
    empty = Analysis("", None, (), (), (), ())
    sheet = read(song, empty)
    assert sheet["frames"] == 0
    assert sheet["layers"] == {}
