"""What has to be done for a song, and its sound where something has: the work of other processes.

Knows nothing of MLX, so that the processes start at once and stay small.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..analysis import Analysis
from ..audio import Audio, file_digest, load_audio
from ..demix.external import FOLDED, find_stems
from ..display.pictures.envelope import Envelope, measure_envelope
from ..display.timings import StageTime, Timings
from ..files import DIGITS, replacing
from ..types import STEMS
from .inputs import check_input
from .naming import Song, settle_name, shorten
from .outputs import Outputs
from .receipts import is_made
from .results import Method, array_origin, read_activations, read_finished, result_digest


@dataclass(frozen=True)
class Prepared:
    """A song that was looked at.

    song: with the name that its results get. sha256: of its file. demix: as its result tells it.
    analysis: the finished one, with activations where the picture wants them; None where the
    network has to be asked. spectrogram: whether one has to be made or read. audio, envelope: None
    where nothing needs them; the audio mono, (1, S), where that is enough.
    """

    song: Song
    sha256: str
    demix: str
    analysis: Analysis | None
    spectrogram: bool
    audio: Audio | None
    envelope: Envelope | None
    stages: tuple[StageTime, ...]


def prepare_song(song: Song, outputs: Outputs, method: Method) -> Prepared:
    """Find out what is finished, and decode the song unless everything is.

    Raises AudioError or StemsError where the song or its stems cannot be read, OSError where an
    older result cannot be copied.
    """
    check_input(song.file)
    timings = Timings()
    sha256 = file_digest(song.file)
    settled = replace(song, name=settle_name(song, sha256, outputs.out_dir))
    demix = method.demix
    if method.stems_dir is not None:
        demix = f"{demix} {_stems_digest(song.file, method.stems_dir, alone=method.stems_alone)}"
    analysis = _find_finished(settled, sha256, demix, outputs, method)
    spectrogram = analysis is None or _lacks_byproducts(
        settled.name, sha256, demix, outputs, method.spec_backend
    )
    audio = envelope = None
    if spectrogram or _lacks_pictures_or_sound(settled, outputs):
        with timings.stage("decode", track=song.path):
            audio = load_audio(song.file, sha256=sha256)
        if outputs.visualize:
            envelope = measure_envelope(audio.samples)
        if not (spectrogram or outputs.sonify):
            audio = None  # the picture has what it needs
        elif not (outputs.sonify or demix.startswith("htdemucs")):
            mono = audio.samples.mean(axis=0, keepdims=True, dtype=np.float32)
            audio = replace(audio, samples=mono)  # half the memory, half to hand over
    return Prepared(
        settled, sha256, demix, analysis, spectrogram, audio, envelope, tuple(timings.stages)
    )


def spectrogram_origin(sha256: str, demix: str, spec_backend: str) -> dict[str, str]:
    """What a spectrogram is made from."""
    return {"audio_sha256": sha256, "demix": demix, "spec_backend": spec_backend}


def stems_origin(sha256: str, demix: str) -> dict[str, str]:
    """What stems are made from."""
    return {"audio_sha256": sha256, "demix": demix}


def picture_origin(song: Song, outputs: Outputs) -> dict[str, str]:
    """What a picture is made from, once the result is there."""
    shown = "with activations" if outputs.activations else "without activations"
    return {"result": result_digest(outputs.result(song.name)), "shown": shown}


def sonification_origin(song: Song, outputs: Outputs) -> dict[str, str]:
    """What a sonification is made from, once the result is there."""
    return {"result": result_digest(outputs.result(song.name))}


def needs_picture(song: Song, outputs: Outputs) -> bool:
    """Whether a picture was asked for that is not there yet."""
    return outputs.visualize and (
        outputs.overwrites("viz")
        or not is_made(outputs.picture(song.name), picture_origin(song, outputs))
    )


def needs_sonification(song: Song, outputs: Outputs) -> bool:
    """Whether a sonification was asked for that is not there yet."""
    path = outputs.sonification(song.name, song.path)
    return outputs.sonify and (
        outputs.overwrites("sonify") or not is_made(path, sonification_origin(song, outputs))
    )


def _lacks_pictures_or_sound(song: Song, outputs: Outputs) -> bool:
    return needs_picture(song, outputs) or needs_sonification(song, outputs)


def _lacks_byproducts(
    name: str, sha256: str, demix: str, outputs: Outputs, spec_backend: str
) -> bool:
    """Whether stems or a spectrogram have to be made only to be kept."""
    if not outputs.keep_byproducts:
        return False
    if outputs.overwrites("spec"):
        return True
    spectrogram = spectrogram_origin(sha256, demix, spec_backend)
    if not is_made(outputs.spectrogram(name), spectrogram):
        return True
    folder, origin = outputs.stems(name, demix), stems_origin(sha256, demix)
    return has_sound(demix) and not all(is_made(folder / f"{s}.wav", origin) for s in STEMS)


def has_sound(demix: str) -> bool:
    """Whether stems made this way are sound, and not only spectrograms."""
    return demix.split()[0] in ("htdemucs", "external")


def _find_finished(
    song: Song, sha256: str, demix: str, outputs: Outputs, method: Method
) -> Analysis | None:
    """The finished result of this song, from whichever name it has; None if there is none."""
    if outputs.overwrites("json"):
        return None
    origin = array_origin(sha256, method.model, demix, method.spec_backend)
    for wanted, path in (
        (outputs.activations, outputs.activ(song.name)),
        (outputs.embeddings, outputs.embed(song.name)),
    ):
        if wanted and not is_made(path, origin):
            return None
    stem = shorten(Path(song.path).stem)
    for name in dict.fromkeys((song.name, stem, f"{stem}.{sha256[:DIGITS]}")):
        found = read_finished(outputs.result(name), sha256, demix, method)
        if found is not None:
            if name != song.name:  # other songs of this stem have come or gone
                with replacing(outputs.result(song.name)) as temporary:
                    shutil.copyfile(outputs.result(name), temporary)
            if outputs.activations and outputs.visualize:
                found = replace(found, activations=read_activations(outputs.activ(song.name)))
            return found
    return None


def _stems_digest(path: str, folder: Path, *, alone: bool) -> str:
    """The first digits of `Stems.sha256`, without decoding anything."""
    paths = find_stems(path, folder, alone=alone).paths
    names = [*STEMS, *(name for name in FOLDED if name in paths)]
    text = "".join(f"{name} {file_digest(paths[name])}\n" for name in names)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
