"""Write the files of one song, each completely or not at all."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..analysis import Analysis
from ..display.pictures.envelope import Envelope
from ..edits import carry_edits
from ..errors import ResultError
from ..files import printable_name, replacing
from ..schema import BEYOND
from ..types import Activations, find_duration
from .naming import InputSong
from .outputs import Outputs
from .receipts import Origin, is_made, make


def write_json(analysis: Analysis, path: Path) -> Path:
    """Write the result, and return its path."""
    with replacing(path) as temporary:
        temporary.write_text(analysis.to_json(), encoding="utf-8", newline="\n")
    return path


def replace_older(analysis: Analysis, path: Path, *, keep_edits: bool) -> Analysis:
    """The analysis with the corrections of an older result of the same audio.

    A file that is not a valid result of this audio is renamed to `<name>.json.broken`, and the
    analysis gets a warning.
    """
    try:
        old = Analysis.from_json(path)
        if not (
            keep_edits and (old.edits or old.loops) and old.audio_sha256 == analysis.audio_sha256
        ):
            return analysis
        return _carry_edits(old, analysis, path)
    except OSError:
        return analysis
    except ResultError as e:
        warning = f"{e}; it was renamed to {_set_aside(path)}"
        return replace(analysis, warnings=(*analysis.warnings, warning))


def _carry_edits(old: Analysis, analysis: Analysis, path: Path) -> Analysis:
    """Raises ResultError if the older result cannot belong to the same audio."""
    before, now = find_duration(old), find_duration(analysis)
    if abs(before - now) > BEYOND:
        raise ResultError(
            f"{printable_name(path)}: belongs to a song of {before:.1f} s, this one has {now:.1f} s"
        )
    return carry_edits(old, analysis)


def _set_aside(path: Path) -> str:
    """Rename a file to `<name>.broken`, or `<name>.broken-2`, ... Returns the new name."""
    numbers = chain([""], (f"-{number}" for number in count(2)))
    names = (path.with_name(f"{path.name}.broken{number}") for number in numbers)
    broken = next(name for name in names if not name.exists())
    with suppress(FileNotFoundError):  # another process may have renamed it first
        path.rename(broken)
    return printable_name(broken)


def write_exports(analysis: Analysis, song: InputSong, outputs: Outputs, origin: Origin) -> None:
    """Write the exports of a song, except files that were already made from `origin`."""
    from ..exports import render

    simplify, audio = outputs.midi_simplify, Path(os.path.abspath(song.file))
    for format in outputs.exports:
        for suffix, content in render(analysis, format, simplify=simplify, audio=audio).items():
            path = outputs.export(song.name, suffix)
            if not is_made(path, origin):
                make(path, origin, partial(_save_bytes, content))


def write_arrays(analysis: Analysis, name: str, outputs: Outputs, origin: Origin) -> None:
    """Write <name>.activ.npz and <name>.embed.npy if the analysis has these arrays."""
    if analysis.activations is not None:
        make(outputs.activ(name), origin, partial(_save_activations, analysis.activations))
    if analysis.embeddings is not None:
        make(outputs.embed(name), origin, partial(save_array, analysis.embeddings))


def read_activations(path: Path) -> Activations:
    """Read the activations that `write_arrays` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return Activations(*(arrays[key] for key in ("beat", "downbeat", "segment", "label")))


def result_digest(path: Path) -> str:
    """The SHA-256 of a result's text, the origin of pictures and sonifications."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draw_picture(
    analysis: Analysis,
    envelope: Envelope | None,
    path: Path,
    origin: Mapping[str, str],
    samples: NDArray[np.float32] | None = None,
) -> None:
    """Draw the song: an interactive page for .html, else a static picture.

    samples: (2, S), the song that the page plays.
    """

    def write(temporary: Path) -> None:
        if path.suffix == ".html":
            from ..display.pages.saved import write_saved_page
            from ..display.pages.sound import cut, pack_sound

            sound = None if samples is None else pack_sound(cut(samples))
            text = write_saved_page(analysis, envelope=envelope, sound=sound)
            temporary.write_text(text, encoding="utf-8", errors="replace")
        else:
            from ..display.plot import plot_analysis  # brings Matplotlib

            plot_analysis(analysis, temporary, envelope=envelope)

    make(path, origin, write)


def write_sonification(
    samples: NDArray[np.float32], analysis: Analysis, path: Path, origin: Mapping[str, str]
) -> None:
    """Write the song, samples (2, S), with audible beats and section boundaries."""
    from ..audio import write_audio
    from ..display.click import sonify

    make(path, origin, lambda temporary: write_audio(temporary, sonify(samples, analysis)))


def save_array(array: NDArray[np.float32], path: Path) -> None:
    """Write one C-contiguous array as .npy, whatever the path's suffix."""
    buffer = io.BytesIO()  # np.save to a path hides the reason if writing fails
    np.lib.format.write_array_header_1_0(buffer, np.lib.format.header_data_from_array_1_0(array))
    with path.open("wb") as file:
        file.write(buffer.getvalue())
        file.write(array.data)


def _save_bytes(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _save_activations(kept: Activations, path: Path) -> None:
    with path.open("wb") as file:
        np.savez(
            file,
            beat=kept.beat,
            downbeat=kept.downbeat,
            segment=kept.segment,
            label=kept.label,
        )
