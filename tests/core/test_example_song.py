"""The example song, analysed with only the package, as a new user does it."""

import json
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from allin1_mlx.pipeline import Analyzer

ASSETS = Path(__file__).parents[2] / "assets"


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((ASSETS / "example.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def analysis():
    return Analyzer("bundled")(ASSETS / "example.ogg")


def test_its_beats_are_found(analysis, truth):
    assert mir_eval.beat.f_measure(np.array(truth["beats"]), np.array(analysis.beats)) >= 0.98


def test_its_downbeats_are_found(analysis, truth):
    beats = zip(truth["beats"], truth["positions"], strict=True)
    downbeats = np.array([time for time, position in beats if position == 1])
    assert mir_eval.beat.f_measure(downbeats, np.array(analysis.downbeats)) >= 0.95


def test_its_sections_are_found(analysis, truth):
    edges = [np.array([start for start, _, _ in truth["segments"]] + [truth["duration"]])]
    edges.append(np.array([s.start for s in analysis.segments] + [analysis.duration]))
    reference, found = (np.column_stack([e[:-1], e[1:]]) for e in edges)
    _, _, f = mir_eval.segment.detection(reference, found, window=0.5, trim=True)
    assert f >= 0.8
