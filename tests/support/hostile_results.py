"""Result files that a stranger could send: known attacks, and random damage to a valid file."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from allin1_mlx.analysis import Analysis
from allin1_mlx.decoding.tempo import estimate_meter, estimate_tempo, round_tempo
from allin1_mlx.edits import Nudge, RelabelSection, ScaleTempo, apply
from allin1_mlx.result_file import to_values
from allin1_mlx.types import Segment

Values = dict[str, Any]

NUMBERS = (0, -1, 1e300, -1e-300, 10**18, -(10**18), 86_401, 33, 1e7, float("nan"), float("inf"))
OTHERS = (None, True, "x", "", [], {}, [[]], {"a": 1}, "a\ud800", "\x00", "x" * 2000, "1", [1] * 50)


def make_result(path: str = "song.wav", *, sha256: str = "0" * 64) -> Values:
    """The JSON object of a corrected song of 20 seconds."""
    times = np.arange(0.5, 20, 0.5)
    positions = np.arange(times.size) % 4 + 1
    song = Analysis(
        path=path,
        bpm=round_tempo(times),
        beats=tuple(times.tolist()),
        downbeats=tuple(times[positions == 1].tolist()),
        beat_positions=tuple(positions.tolist()),
        segments=(Segment(0.0, 8.5, "intro"), Segment(8.5, 20.0, "verse")),
        duration=20.0,
        tempo=estimate_tempo(times),
        meter=estimate_meter(positions),
        model="bundled",
        audio_sha256=sha256,
    )
    for edit in (ScaleTempo("1/2"), Nudge(7), RelabelSection(1.0, "my part")):
        song = apply(song, edit)
    return to_values(song)


def _changed(**changes: Any) -> Callable[[Values], str]:
    return lambda values: json.dumps(values | changes)


def _many_digits(values: Values) -> str:
    return json.dumps(values).replace('"bpm": ', '"bpm": ' + "9" * 5000, 1)


ATTACKS: dict[str, Callable[[Values], str]] = {
    "a duration of months": _changed(duration=1e7),
    "a duration without music": _changed(duration=86_000.0),
    "positions of 10**18": lambda v: json.dumps(v | {"beat_positions": [10**18] * len(v["beats"])}),
    "a number of 5000 digits": _many_digits,
    "a tempo that is text": _changed(tempo={"bpm": "x", "confidence": 1}),
    "a tempo that is a list": _changed(tempo={"bpm": [1], "confidence": 1}),
    "an infinite tempo": _changed(tempo={"bpm": float("inf"), "confidence": 1}),
    "a tempo of 1e300": _changed(tempo={"bpm": 1e300, "confidence": 1}),
    "half a character in the path": _changed(path="a\ud800.wav"),
    "too many edits": _changed(edits=[{"do": "nudge", "ms": 1}] * 10_001),
    "endless nesting": lambda values: "[" * 100_000,
    "not UTF-8": lambda values: "\xff\xfe",
    "half a file": lambda values: json.dumps(values)[:300],
    "a later format": _changed(schema_version=99),
}


def damage(values: Values, random: np.random.Generator) -> bytes:
    """The file with one to three random changes of its values or of its bytes."""
    changed = copy.deepcopy(values)
    for _ in range(random.integers(1, 4)):
        _change(changed, random)
    content = json.dumps(changed).encode("utf-8", "surrogatepass")
    if random.random() < 0.15:
        noisy = bytearray(content)
        for place in random.integers(0, len(noisy), random.integers(1, 5)):
            noisy[place] = random.integers(0, 256)
        return bytes(noisy)
    return content


def _change(values: Any, random: np.random.Generator) -> None:
    """Replace, remove, repeat or add something at a random depth."""
    while True:
        keys = list(values) if isinstance(values, dict) else list(range(len(values)))
        if not keys:
            return
        key = keys[random.integers(len(keys))]
        inner = values[key]
        if isinstance(inner, (dict, list)) and inner and random.random() < 0.7:
            values = inner
            continue
        action = random.integers(5)
        if action == 0:
            values[key] = NUMBERS[random.integers(len(NUMBERS))]
        elif action == 1:
            values[key] = OTHERS[random.integers(len(OTHERS))]
        elif action == 2:
            del values[key]
        elif isinstance(values, list):
            values.insert(random.integers(len(values) + 1), copy.deepcopy(inner))
        elif isinstance(inner, (int, float)) and not isinstance(inner, bool):
            values[key] = inner * random.choice([-1.0, 0.5, 2.0, 1000.0])
        else:
            values[str(random.integers(100))] = copy.deepcopy(inner)
        return
