"""The first stage: plan the work for a song, and extract its features if needed.

It runs in other processes, which return spectrograms instead of sound. They import MLX only if
there are spectrograms to make.
"""

from __future__ import annotations

import multiprocessing
import shutil
from dataclasses import dataclass, replace

from ..audio import check_length, file_digest, unchanged
from ..demix.external import find_stems, stems_digest
from ..demix.features import FeatureOptions, Features, extract_features
from ..files import replacing
from ..options import StemOptions
from ..types import Provenance
from .inputs import check_input
from .naming import InputSong, settle_name
from .outputs import Outputs
from .plan import Plan, SpectrogramSource, plan_song


@dataclass(frozen=True)
class Prepared:
    """A song whose work is planned.

    features: None if the song was not decoded.
    """

    plan: Plan
    features: Features | None


def prepare_song(
    song: InputSong,
    outputs: Outputs,
    provenance: Provenance,
    options: StemOptions,
    needed: FeatureOptions,
) -> Prepared:
    """Plan a song, and extract its features unless everything is finished.

    provenance: of the analyzer. options: the place of user-supplied stems. needed: the features
    that the analyzer needs.
    Raises AudioError or StemsError if the song or its stems cannot be read, OSError if an older
    result cannot be copied.
    """
    check_input(song.file)
    with unchanged(song.file):
        check_length(song.file)
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
            return Prepared(plan, None)
        extracted = _choose_features(needed, plan, outputs)
        if extracted.inputs and multiprocessing.parent_process() is not None:
            from ..network.backend import leave_gpu

            leave_gpu()  # which belongs to the process with the network
        features = extract_features(song.file, extracted, sha256=sha256)
        stages = tuple(replace(stage, track=song.path) for stage in features.stages)
        return Prepared(plan, replace(features, stages=stages))


def _choose_features(needed: FeatureOptions, plan: Plan, outputs: Outputs) -> FeatureOptions:
    """The features that this run needs. needed: those that an analysis needs."""
    from_song = plan.spectrograms is SpectrogramSource.SONG
    return replace(
        needed,
        inputs=needed.inputs if from_song else 0,
        samples=(needed.samples and from_song) or outputs.hold_sound,
        envelope=outputs.visualize,
    )
