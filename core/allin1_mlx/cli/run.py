"""One run of the command: analyse the songs that the options name, and print the results."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..batch.inputs import check_input, find_inputs
from ..batch.naming import InputSong, name_songs, take_shard
from ..batch.outputs import Outputs
from ..batch.receipts import FOLDER
from ..display.timings import Timings, plot_timings
from ..errors import AllInOneError, AudioError, UsageError
from ..files import count_cores, printable, remove_partial, replacing
from ..options import ComputeOptions, DecodingOptions, StemOptions
from ..weights import Access, find_missing
from ..weights.registry import PUBLISHED
from .progress import Display

if TYPE_CHECKING:
    from ..batch import Outcome

TOLERANCE = 1e-4  # largest difference between the two spectrogram paths
MAX_PROCESSES = 4  # more processes would decode faster than the network computes


def run(options: argparse.Namespace) -> int:
    """Analyse the songs that the options name."""
    outputs = _outputs(options)
    paths = find_inputs(
        options.paths,
        recursive=options.recursive,
        outside=(outputs.demix_dir, outputs.sonif_dir),
    )
    songs = name_songs(paths)
    alone = len(songs) == 1
    if options.shard is not None:
        songs = take_shard(songs, *options.shard)
    present, absent = sort_out(songs)
    if present:
        check_folders(outputs)
    timings = open_timings(options)
    with Display(len(songs), quiet=options.quiet) as display:

        def work() -> Iterator[Outcome]:
            yield from absent  # reported before weights are searched
            if present and options.spec_check:
                display.write(check_spectrogram(present))
            if present or not needs_download(options):  # wrong options are always reported
                yield from start(options, present, outputs, timings, display, alone=alone)

        failed = display.show(work())
    draw_timings(options, timings)
    return 1 if failed else 0


def sort_out(songs: Iterable[InputSong]) -> tuple[list[InputSong], list[Outcome]]:
    """The songs that exist, and the outcomes of those that do not exist."""
    from ..batch import Outcome

    present, absent = [], []
    for song in songs:
        try:
            check_input(song.path)
            present.append(song)
        except AudioError as e:
            absent.append(Outcome(song, error=f"{e}{hint_at_options(e)}"))
    return present, absent


def needs_download(options: argparse.Namespace) -> bool:
    """Whether weights would have to be downloaded first. Raises the errors of `find_missing`."""
    access = _access(options)
    asked = ["htdemucs"] if options.demix == "htdemucs" else []
    if options.model in PUBLISHED and options.mlx_weights_path is None:
        asked.append(options.model)
    return not access.is_offline and any(find_missing(name, access) for name in asked)


def start(
    options: argparse.Namespace,
    songs: Sequence[InputSong],
    outputs: Outputs,
    timings: Timings,
    display: Display,
    *,
    alone: bool,
) -> Iterator[Outcome]:
    """Start the analysis, on this machine or on a cluster."""
    from ..batch import analyze_songs
    from ..pipeline import Analyzer

    access, stems = _access(options), _stems(options, alone=alone)
    compute, decoding = _compute(options), DecodingOptions(options.beats, options.sections)
    build = partial(Analyzer, options.model, options.demix, decoding=decoding, compute=compute)
    reporting = replace(access, on_progress=display.download)
    analyzer = build(weights=reporting, stems=stems, timings=timings)
    if not songs or options.engine == "ray":
        analyzer.load()  # reports its errors even without songs, and before a cluster starts
    if not songs:
        return iter(())
    if analyzer.notice:
        display.note(analyzer.notice)
    stems_made = analyzer.provenance.stems
    if outputs.keep_byproducts and not stems_made.has_audio:
        display.note(
            f"only spectrograms are kept: without a separator (demix {stems_made}) there is "
            "no sound of the stems"
        )
    if options.engine == "ray":
        from ..batch.cluster import analyze_on_ray

        make_analyzer = partial(build, weights=access.absolute(), stems=stems.absolute())
        return analyze_on_ray(songs, make_analyzer, outputs, workers=options.jobs)
    return analyze_songs(
        songs,
        analyzer,
        outputs,
        processes=count_processes(options, len(songs)),
        batch_size=options.mlx_batch_size,
        timings=timings,
        on_progress=display.advance,
    )


def count_processes(options: argparse.Namespace, songs: int) -> int:
    """Number of processes that decode and draw; 0 for one song, because nothing can overlap."""
    if not options.multiprocess or songs < 2:
        return 0
    return int(options.jobs or min(max(count_cores() - 1, 1), MAX_PROCESSES))


def check_folders(outputs: Outputs) -> None:
    """Raise UsageError if results cannot be written, before the work starts.

    Also removes the unfinished files of killed runs.
    """
    for folder in outputs.used_folders():
        remove_partial(folder)
        remove_partial(folder / FOLDER)
        try:
            with replacing(folder / ".writable") as temporary:
                temporary.touch()
            (folder / ".writable").unlink()
        except OSError as e:
            raise UsageError(
                f"{folder}: nothing can be written there ({e.strerror}); choose another folder"
            ) from e


def check_spectrogram(songs: Iterable[InputSong]) -> str:
    """Compare both spectrogram paths on the first song that can be decoded."""
    import numpy as np

    from ..audio import load_audio
    from ..log_spectrogram import spectrogram

    for song in songs:
        try:
            mix = load_audio(song.path).samples.mean(axis=0, keepdims=True)
        except AudioError:
            continue  # its analysis will report why
        fast = np.asarray(spectrogram(mix, backend="mlx_fast"))
        reference = np.asarray(spectrogram(mix, backend="mlx"))
        difference = np.abs(fast - reference)
        verdict = "equal enough" if difference.max() <= TOLERANCE else "NOT equal enough"
        return (
            f"spectrogram check: {printable(song.path)}: mlx_fast and mlx differ by at most "
            f"{difference.max():.2e} and by {difference.mean():.2e} on average ({verdict})"
        )
    return "spectrogram check: no song can be decoded"


def open_timings(options: argparse.Namespace) -> Timings:
    """The recorder of stages. Raises UsageError if their file cannot be written."""
    try:
        if options.timings_path is not None:
            options.timings_path.parent.mkdir(parents=True, exist_ok=True)
            options.timings_path.open("a").close()
        return Timings(options.timings_path)
    except OSError as e:
        raise UsageError(f"{options.timings_path}: cannot be written ({e.strerror})") from e


def draw_timings(options: argparse.Namespace, timings: Timings) -> None:
    """Draw the stages of this run, if requested."""
    if options.timings_viz_path is None:
        return
    try:
        plot_timings(timings.stages, options.timings_viz_path)
    except OSError as e:
        raise AllInOneError(f"{options.timings_viz_path}: cannot be written ({e.strerror})") from e


def hint_at_options(error: AllInOneError) -> str:
    """The options or commands that help with an error; empty if there are none."""
    if error.about == "recursive":
        return " (-r also searches its subfolders)"
    if error.about == "stems":
        return " (leave out --stems-dir and --demix)"
    if error.about == "ray":
        return " (needed by --engine ray)"
    command, _, name = error.about.partition(" ")
    if command == "download":
        return (
            f" (`allin1-mlx weights download {name}`; --mlx-weights-dir names another folder, "
            "--weights-url a mirror)"
        )
    return ""


def _outputs(options: argparse.Namespace) -> Outputs:
    """The files to write."""
    return Outputs(
        out_dir=options.out_dir,
        array_dir=options.array_dir,
        activations=options.activ,
        embeddings=options.embed,
        visualize=options.visualize,
        viz_dir=options.viz_dir,
        viz_format=options.viz_format,
        with_sound=options.with_sound,
        sonify=options.sonify,
        sonif_dir=options.sonif_dir,
        exports=options.export,
        export_dir=options.export_dir,
        midi_simplify=options.midi_simplify,
        keep_byproducts=options.keep_byproducts,
        demix_dir=options.demix_dir,
        spec_dir=options.spec_dir,
        in_memory=options.mlx_in_memory,
        overwrite=options.overwrite,
    )


def _access(options: argparse.Namespace) -> Access:
    """The places from which weights may come."""
    return Access(
        weights_dir=options.mlx_weights_dir,
        offline=options.offline,
        url=options.weights_url,
        weights_path=options.mlx_weights_path,
        config_path=options.mlx_config_path,
    )


def _stems(options: argparse.Namespace, *, alone: bool) -> StemOptions:
    """The options of stems. alone: whether there is only one song."""
    return StemOptions(folder=options.stems_dir, single_song=alone, seed=options.demix_seed or 0)


def _compute(options: argparse.Namespace) -> ComputeOptions:
    """The options of the computation."""
    return ComputeOptions(
        spec_backend=options.spec_backend,
        compiled=options.mlx_compile,
        ensemble_parallel=options.ensemble_parallel,
    )
