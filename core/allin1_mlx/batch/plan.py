"""Decide what a run has to make for one song. All such decisions are made here.

A result is reused if it records the same audio, model and stem method. Other files are reused if
their receipt records the same origin. This module does not import MLX, because it runs in the
processes that decode.
"""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from ..analysis import Analysis
from ..errors import ResultError
from ..files import DIGITS
from ..types import STEMS, Provenance
from .naming import InputSong, shorten
from .outputs import Outputs
from .receipts import Origin, is_made
from .results import read_activations, result_digest


class SpectrogramSource(Enum):
    """The source of a song's spectrograms."""

    NONE = "not needed"
    FILE = "a kept spectrogram"
    STEMS = "kept audio of stems"
    SONG = "the song, or user-supplied stems"


@dataclass(frozen=True)
class Plan:
    """The work for one song.

    song: with the final name of its results. provenance: of its results.
    finished: the reused result, with activations if the picture needs them; None if the network has
    to run. finished_name: the present name of its file.
    spectrograms: their source. keep_stems, keep_spectrograms: whether they are written to files, at
    least until the analysis is finished.
    picture, sonification: whether they are missing for a reused result.
    """

    song: InputSong
    provenance: Provenance
    finished: Analysis | None
    finished_name: str
    spectrograms: SpectrogramSource
    keep_stems: bool
    keep_spectrograms: bool
    picture: bool
    sonification: bool

    @property
    def needs_audio(self) -> bool:
        """Whether the song has to be decoded."""
        reads_song = self.spectrograms is not SpectrogramSource.NONE
        return reads_song or self.picture or self.sonification


def plan_song(song: InputSong, provenance: Provenance, outputs: Outputs) -> Plan:
    """Compare the existing files with the requested ones. Writes nothing."""
    finished, name = _find_finished(song, provenance, outputs)
    spectrograms, keep_stems = _plan_spectrograms(song, provenance, outputs)
    if finished is not None and not _lacks_byproducts(song, provenance, outputs):
        spectrograms, keep_stems = SpectrogramSource.NONE, False
    made_now = spectrograms in (SpectrogramSource.STEMS, SpectrogramSource.SONG)
    return Plan(
        song,
        provenance,
        finished,
        name,
        spectrograms,
        keep_stems,
        keep_spectrograms=made_now and (outputs.keep_byproducts or not outputs.in_memory),
        picture=finished is not None and needs_picture(song, outputs, name),
        sonification=finished is not None and needs_sonification(song, outputs, name),
    )


def may_be_finished(song: InputSong, outputs: Outputs) -> bool:
    """Whether a result file exists that could be the song's. No file is opened."""
    if outputs.overwrites("json"):
        return False
    stem = shorten(Path(song.path).stem)
    if any(outputs.result(name).exists() for name in (song.name, stem)):
        return True
    return any(outputs.out_dir.glob(f"{glob.escape(stem)}.*.json"))


def needs_picture(song: InputSong, outputs: Outputs, name: str = "") -> bool:
    """Whether a requested picture is missing. name: of the result, if it is not the song's."""
    if not outputs.visualize:
        return False
    origin = picture_origin(song, outputs, name)
    return outputs.overwrites("viz") or not is_made(outputs.picture(song.name), origin)


def needs_sonification(song: InputSong, outputs: Outputs, name: str = "") -> bool:
    """Whether a requested sonification is missing. name: as in `needs_picture`."""
    if not outputs.sonify:
        return False
    path, origin = outputs.sonification(song.name, song.path), result_origin(song, outputs, name)
    return outputs.overwrites("sonify") or not is_made(path, origin)


def result_origin(song: InputSong, outputs: Outputs, name: str = "") -> dict[str, str]:
    """The origin of a sonification; its result exists."""
    return {"result": result_digest(outputs.result(name or song.name))}


def picture_origin(song: InputSong, outputs: Outputs, name: str = "") -> dict[str, str]:
    """The origin of a picture; its result exists."""
    shown = "with activations" if outputs.activations else "without activations"
    sound = {"sound": "with sound"} if outputs.with_sound else {}
    return {**result_origin(song, outputs, name), "shown": shown, **sound}


def export_origin(song: InputSong, outputs: Outputs) -> Origin:
    """The origin of an exported file; its result exists."""
    return {**result_origin(song, outputs), "midi_simplify": outputs.midi_simplify}


def _find_finished(
    song: InputSong, provenance: Provenance, outputs: Outputs
) -> tuple[Analysis | None, str]:
    """The finished result of this song and its present name, or (None, "")."""
    if outputs.overwrites("json"):
        return None, ""
    for wanted, path in (
        (outputs.activations, outputs.activ(song.name)),
        (outputs.embeddings, outputs.embed(song.name)),
    ):
        if wanted and not is_made(path, provenance.of_arrays):
            return None, ""
    stem = shorten(Path(song.path).stem)
    for name in dict.fromkeys((song.name, stem, f"{stem}.{provenance.audio_sha256[:DIGITS]}")):
        try:
            found = Analysis.from_json(outputs.result(name))
        except (ResultError, OSError):
            continue
        if provenance.matches(found):
            if outputs.activations and outputs.visualize:
                found = replace(found, activations=read_activations(outputs.activ(song.name)))
            return found, name
    return None, ""


def _plan_spectrograms(
    song: InputSong, provenance: Provenance, outputs: Outputs
) -> tuple[SpectrogramSource, bool]:
    """The source of the spectrograms, and whether stems are written while they are made."""
    has_audio = provenance.stems.has_audio
    has_kept_stems = (
        has_audio and not outputs.overwrites("demix") and _are_stems_kept(song, provenance, outputs)
    )
    complete = has_kept_stems or not (has_audio and outputs.keep_byproducts)
    if (
        complete
        and not outputs.overwrites("spec")
        and _is_spectrogram_kept(song, provenance, outputs)
    ):
        return SpectrogramSource.FILE, False
    if has_kept_stems and provenance.stems.kind == "htdemucs":
        return SpectrogramSource.STEMS, False
    writes = outputs.keep_byproducts or not outputs.in_memory
    return SpectrogramSource.SONG, has_audio and not has_kept_stems and writes


def _lacks_byproducts(song: InputSong, provenance: Provenance, outputs: Outputs) -> bool:
    """Whether stems or spectrograms have to be made only because they were requested as files."""
    if not outputs.keep_byproducts:
        return False
    if outputs.overwrites("spec") or not _is_spectrogram_kept(song, provenance, outputs):
        return True
    return provenance.stems.has_audio and not _are_stems_kept(song, provenance, outputs)


def _is_spectrogram_kept(song: InputSong, provenance: Provenance, outputs: Outputs) -> bool:
    return is_made(outputs.spectrogram(song.name), provenance.of_spectrograms)


def _are_stems_kept(song: InputSong, provenance: Provenance, outputs: Outputs) -> bool:
    folder = outputs.stems(song.name, provenance.stems)
    return all(is_made(folder / f"{stem}.wav", provenance.of_stems) for stem in STEMS)
