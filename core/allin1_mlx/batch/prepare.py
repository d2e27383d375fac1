"""The first stage: plan the work for a song, and decode the song if needed.

It runs in other processes. It does not import MLX, so these start quickly and stay small.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

import numpy as np

from ..audio import Audio, file_digest, load_audio
from ..demix.external import find_stems, stems_digest
from ..demix.options import StemOptions
from ..display.pictures.envelope import Envelope, measure_envelope
from ..display.timings import StageTime, Timings
from ..files import replacing
from ..types import Provenance
from .inputs import check_input
from .naming import Song, settle_name
from .outputs import Outputs
from .plan import Plan, SpectrogramSource, plan_song


@dataclass(frozen=True)
class Prepared:
    """A song whose work is planned.

    audio, envelope: None if they are not needed. The audio is mono, (1, S), if that is enough.
    stages: the time that decoding took.
    """

    plan: Plan
    audio: Audio | None
    envelope: Envelope | None
    stages: tuple[StageTime, ...]


def prepare_song(
    song: Song, outputs: Outputs, provenance: Provenance, options: StemOptions
) -> Prepared:
    """Plan a song, and decode it unless everything is finished.

    provenance: of the analyzer. options: the place of user-supplied stems.
    Raises AudioError or StemsError if the song or its stems cannot be read, OSError if an older
    result cannot be copied.
    """
    check_input(song.file)
    sha256 = file_digest(song.file)
    settled = replace(song, name=settle_name(song, sha256, outputs.out_dir))
    digest = ""
    if provenance.stems.kind == "external" and options.folder is not None:
        found = find_stems(song.file, options.folder, alone=options.single_song)
        digest = stems_digest(found)
    plan = plan_song(settled, provenance.of_song(sha256, digest), outputs)
    if plan.finished is not None and plan.finished_name != settled.name:
        # Other songs with the same stem were added or removed.
        with replacing(outputs.result(settled.name)) as temporary:
            shutil.copyfile(outputs.result(plan.finished_name), temporary)
    if not plan.needs_audio:
        return Prepared(plan, None, None, ())
    timings = Timings()
    with timings.stage("decode", track=song.path):
        audio = load_audio(song.file, sha256=sha256)
    envelope = measure_envelope(audio.samples) if outputs.visualize else None
    return Prepared(plan, _reduce(audio, plan, outputs), envelope, tuple(timings.stages))


def _reduce(audio: Audio, plan: Plan, outputs: Outputs) -> Audio | None:
    """The part of the audio that the next stages need: less memory, and less data to send."""
    if outputs.hold_sound:
        return audio
    if plan.spectrograms is SpectrogramSource.NONE:
        return None  # the picture needs the envelope only
    if plan.provenance.stems.kind == "htdemucs":
        return audio
    return replace(audio, samples=audio.samples.mean(axis=0, keepdims=True, dtype=np.float32))
