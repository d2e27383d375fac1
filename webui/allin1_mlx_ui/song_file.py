"""The file `song.json`: the library's record of one song, with its result and corrections.

One file contains all of it, so the record is always consistent. It is written under another name,
flushed to the disk and renamed. It is validated like any other input: the result by the package's
reader, the other fields by their limits.
"""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import numpy as np

from allin1_mlx.analysis import Analysis
from allin1_mlx.edits import parse_edit
from allin1_mlx.errors import ResultError
from allin1_mlx.files import replacing, storable
from allin1_mlx.result_file import parse_result, to_values
from allin1_mlx.schema import load_json
from allin1_mlx.types import MOST_EDITS, Activations

from .song import Song, State, Summary

FORMAT = 1
FILE = "song.json"
UPLOAD = "upload"  # folder of the audio
ACTIVATIONS = "activations.npz"
ACTIVATION_NAMES = ("beat", "downbeat", "segment", "label")
LONGEST = 1000  # characters of a text
MOST_WARNINGS = 100
RESTART = 1000  # more revisions than can go unsaved, so that pages that stayed open redraw


def write_song(song: Song) -> None:
    """Write the song's file. Raises OSError, for example if the disk is full."""
    found = song.analysis
    summary = song.summarize()
    values = {
        "format": FORMAT,
        "name": song.name,
        "added": song.added,
        "digest": song.digest,
        "source": None if song.source is None else song.source.name,
        "state": "queued" if song.state == "working" else song.state,
        "begun": song.begun,
        "revision": song.revision,
        "message": song.message,
        "hopeless": song.hopeless,
        "warnings": list(song.warnings[:MOST_WARNINGS]),
        "notice": song.notice,
        "undone": [edit.to_dict() for edit in song.undone],
        "summary": None if summary is None else vars(summary),
        "result": None if found is None else to_values(found),
    }
    text = storable(json.dumps(values, ensure_ascii=False, allow_nan=False))
    with replacing(song.home / FILE) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    song.size = measure(song.home)


def read_song(home: Path, folder: Path) -> Song:
    """Return the song whose permanent files are in `home`. folder: for its temporary files.

    If the file is damaged, it is kept under another name, and the song can be analysed again from
    its audio.
    """
    for unfinished in home.glob(".partial-*"):  # left by a server that was killed
        with suppress(OSError):
            unfinished.unlink()
    song = Song(name="", folder=folder, home=home, id=home.name, size=measure(home))
    try:
        _fill(song, load_json(home / FILE))
    except (ResultError, OSError) as e:
        _salvage(song, f"its file in the library is damaged: {_explain(e)}")
    return song


def write_activations(song: Song, found: Activations) -> None:
    """Store the network's probabilities that the page shows, one byte per value.

    Raises OSError.
    """
    arrays = {name: getattr(found, name) for name in ACTIVATION_NAMES}
    values = {name: np.rint(array * 255).astype(np.uint8) for name, array in arrays.items()}
    with replacing(song.home / ACTIVATIONS) as partial:
        np.savez_compressed(partial, allow_pickle=False, **values)


def read_activations(song: Song) -> Activations | None:
    """Return the stored probabilities; None if there are none, or if they are not valid."""
    try:
        with np.load(song.home / ACTIVATIONS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ACTIVATION_NAMES}
    except FileNotFoundError:
        return None
    except Exception:  # zipfile and numpy raise errors of many kinds for a damaged file
        return None
    frames = arrays["beat"].shape
    shapes = [frames, frames, frames, (10, *frames)]
    if len(frames) != 1 or [c.shape for c in arrays.values()] != shapes:
        return None
    return Activations(**{name: c.astype(np.float32) / 255 for name, c in arrays.items()})


def measure(home: Path) -> int:
    """Return the size of all files of a song in bytes."""
    return sum(file.stat().st_size for file in home.rglob("*") if file.is_file())


def _fill(song: Song, data: Any) -> None:
    """Set the fields of a song. Raises ResultError if the data are not valid."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ResultError(f"not a song of format {FORMAT}")
    song.name = _text(data, "name")
    song.added = _number(data, "added")
    song.digest = _text(data, "digest")
    song.message = _text(data, "message")
    song.notice = _text(data, "notice")
    song.begun = int(_number(data, "begun"))
    song.revision = int(_number(data, "revision")) + RESTART
    song.hopeless = data.get("hopeless") is True
    song.source = _find_source(song, data.get("source"))
    if data.get("state") not in get_args(State):
        raise ResultError("state is not a state of a song")
    song.state = data["state"]
    warnings = _list(data, "warnings", MOST_WARNINGS)
    song.warnings = tuple(_text({"warnings": text}, "warnings") for text in warnings)
    song.undone = tuple(parse_edit(edit) for edit in _list(data, "undone", MOST_EDITS))
    if data.get("result") is not None:
        song.state = "done"
        song.postpone(_read_result, _read_summary(data.get("summary")))


def _read_result(song: Song) -> Analysis | None:
    """Read the result in a song's file. If it is not valid, the song becomes a failed one."""
    try:
        data = load_json(song.home / FILE)
        return parse_result(data.get("result"), Analysis, name=song.name)
    except (ResultError, OSError) as e:
        _salvage(song, f"its result in the library is damaged: {_explain(e)}")
        return None


def _explain(error: ResultError | OSError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _salvage(song: Song, message: str) -> None:
    """Prepare a song whose file is damaged for a new analysis."""
    damaged = song.home / FILE
    if damaged.is_file():
        with suppress(OSError):  # it stays where it is
            damaged.replace(damaged.with_name(f"{FILE}.broken"))
    song.source = song.source or _find_source(song, None)
    song.name = song.name or (song.source.name if song.source else "Damaged song")
    song.state = "failed"
    song.message = f"{song.name}: {message}"


def _find_source(song: Song, name: Any) -> Path | None:
    """Return the audio of a song in its folder. name: as recorded; None if unknown."""
    folder = song.home / UPLOAD
    files = [file for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    named = [file for file in files if name is None or file.name == name]
    return named[0] if named else None


def _read_summary(data: Any) -> Summary:
    if not isinstance(data, dict):
        raise ResultError("summary is missing")
    bpm = None if data.get("bpm") is None else round(_number(data, "bpm"))
    duration = None if data.get("duration") is None else _number(data, "duration")
    name = _text({"name": data.get("name", "")}, "name")
    return Summary(bpm, int(_number(data, "sections")), duration, name)


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ResultError(f"{key} must be a text of at most {LONGEST} characters")
    return storable(value)


def _number(data: dict[str, Any], key: str) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ResultError(f"{key} must be a number")
    if not (math.isfinite(value) and 0 <= value <= 1e12):
        raise ResultError(f"{key} must be between 0 and 1e12")
    return value


def _list(data: dict[str, Any], key: str, most: int) -> list[Any]:
    value = data.get(key)
    if not isinstance(value, list) or len(value) > most:
        raise ResultError(f"{key} must be a list of at most {most}")
    return value
