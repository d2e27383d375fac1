"""The options of `allin1-mlx`: names, defaults, and combinations that are errors.

Imports nothing heavy, so that `--help` is fast.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ..exports import NAMES as EXPORTS

TYPE_CHECKING = False  # as in `typing`, which loads slowly

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, NoReturn

STAGES = ("demix", "spec", "json", "viz", "sonify")  # for --overwrite; "all" means all of these
EDITS = "edits"  # corrections made by hand; not part of "all", because they are a person's work
PICTURES = ("pdf", "png", "svg")  # written by Matplotlib
MODEL_NAMES = "harmonix-fold0 .. harmonix-fold7, harmonix-all, bundled or auto"


class Parser(argparse.ArgumentParser):
    """Adds a hint if a song's name begins with a dash."""

    def error(self, message: str) -> NoReturn:
        """Print usage and the message, and exit with code 2."""
        files = [argument for argument in sys.argv[1:] if argument[:1] == "-" and _exists(argument)]
        hint = f"; for the file {files[0]} write ./{files[0]} or put -- before it" if files else ""
        super().error(message + hint)


class ShowVersion(argparse.Action):
    """Prints the version, which is read only when it is requested."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the version and exit."""
        from importlib.metadata import version

        sys.stdout.write(f"allin1-mlx {version('allin1-mlx-ui')}\n")
        parser.exit()


def parse_options(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check a command line. Wrong usage prints a message and exits with code 2."""
    parser = build_parser()
    arguments = list(sys.argv[1:] if argv is None else argv)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_intermixed_args(_spell_overwrite(arguments[:end]))
    options.paths += arguments[end + 1 :]
    if complaint := find_contradiction(options):
        parser.error(complaint)
    return options


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line, as `--help` prints it."""
    parser = Parser(
        prog="allin1-mlx",
        usage="%(prog)s [options] SONG [SONG ...]\n       %(prog)s weights COMMAND ...\n"
        "       %(prog)s doctor",
        description="Analyse the structure of songs: tempo, beats, downbeats, labelled sections.",
        epilog="`allin1-mlx doctor`: check this machine. "
        "`allin1-mlx weights --help`: list, download and verify the published weights. "
        "Exit codes: 0 all songs done, 1 some failed, 2 wrong usage, 130 interrupted.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("paths", nargs="*", metavar="SONG",
        help="sound files, folders, or patterns such as '*.mp3'")  # fmt: skip
    _add_inputs(parser.add_argument_group("inputs"))
    _add_outputs(parser.add_argument_group("results"))
    _add_reuse(parser.add_argument_group("reuse of finished work"))
    _add_model(parser.add_argument_group("model and weights"))
    _add_stems(parser.add_argument_group("stems and spectrogram"))
    _add_running(parser.add_argument_group("running"))
    return parser


def _add_inputs(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("-r", "--recursive", action="store_true", help="also search the subfolders of folders")
    add("--shard", type=_shard, metavar="I/N",
        help="do only the I-th of N parts of the songs (1/4 .. 4/4 on four machines)")  # fmt: skip


def _add_outputs(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    _folder(group, "-o", "--out-dir", default="struct", help="results: <name>.json")
    add("--array-dir", type=_path, metavar="DIR",
        help="folder of the arrays of -a and -e (that of the results)")  # fmt: skip
    add("--beats", choices=("grid", "raw"), default="grid",
        help="grid: beats to the millisecond, sections on bar lines; raw: the network's own "
        "times, in frames of 10 ms (%(default)s)")  # fmt: skip
    add("--sections", choices=("auto", "joint", "reference"), default="auto",
        help="decide sections over the whole song (joint), or take the peaks of the network as the "
        "reference does; auto: joint for bundled (%(default)s)")  # fmt: skip
    add("-a", "--activ", action="store_true",
        help="write <name>.activ.npz: frame-wise probabilities")  # fmt: skip
    add("-e", "--embed", action="store_true",
        help="write <name>.embed.npy: frame-wise embeddings")  # fmt: skip
    add("-v", "--visualize", action="store_true", help="draw a picture of each song")
    _folder(group, "--viz-dir", default="viz", help="pictures")
    add("--viz-format", choices=(*PICTURES, "html"), default="pdf",
        help="kind of picture; html is the interactive timeline (%(default)s)")  # fmt: skip
    add("--with-sound", action="store_true",
        help="HTML pages hold the song too, as MP3, and play it with a click")  # fmt: skip
    add("-s", "--sonify", action="store_true",
        help="write <name>.sonif.<wav, flac or mp3>: the song with clicks")  # fmt: skip
    _folder(group, "--sonif-dir", default="sonif", help="sonifications")
    add("--export", type=_exports, default=(), metavar="FORMATS",
        help=f"also write for other programs: some of {','.join(EXPORTS)}")  # fmt: skip
    _folder(group, "--export-dir", default="export", help="exports")
    add("--midi-simplify", action="store_true",
        help="MIDI with the fewest tempo changes that keep beats within 10 ms")  # fmt: skip
    add("-k", "--keep-byproducts", action="store_true",
        help="keep stems and spectrograms; later runs reuse them")  # fmt: skip
    _folder(
        group, "--demix-dir", default="demix", help="kept stems: <separator>/<name>/bass.wav ..."
    )
    _folder(group, "--spec-dir", default="spec", help="kept spectrograms: <name>.npy")


def _add_reuse(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--overwrite", nargs="?", const=frozenset(STAGES), default=frozenset(), type=_stages,
        metavar="STAGES",
        help=f"repeat finished work: all or some of {','.join(STAGES)}, and everything made from "
        "it (default: all); corrections by hand are kept unless edits is named",
    )  # fmt: skip


def _add_model(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("-m", "--model", default="auto", metavar="NAME",
        help=f"{MODEL_NAMES}; auto is bundled, unless all of harmonix-all is in the weights "
        "folder (%(default)s)")  # fmt: skip
    add("--mlx-weights-dir", type=_path, metavar="DIR", help="folder with weights (mlx-weights)")
    add("--mlx-weights-path", type=_path, metavar="FILE", help="one weights file")
    add(
        "--mlx-config-path",
        type=_path,
        metavar="FILE",
        help="configuration of that file (the one beside it)",
    )
    add("--weights-url", metavar="URL", help="download from this mirror (ALLIN1_MLX_WEIGHTS_URL)")
    add("--offline", action="store_true", help="never use the network (ALLIN1_MLX_OFFLINE=1)")
    add("--no-ensemble-parallel", dest="ensemble_parallel", action="store_false",
        help="run folds one after the other on a GPU too: slower, less memory")  # fmt: skip
    add("--no-mlx-compile", dest="mlx_compile", action="store_false",
        help="no fused kernels: the separator on a GPU starts sooner and runs slower")  # fmt: skip


def _add_stems(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--demix", choices=("auto", "htdemucs", "spectral"), default="auto",
        help="how four stems are made; auto is htdemucs on a GPU if its weights are there, "
        "else spectral (%(default)s)")  # fmt: skip
    add("--demix-seed", type=int, metavar="N", help="seed of the random delays of htdemucs (0)")
    add("--stems-dir", type=_path, metavar="DIR",
        help="your own stems: <song>/bass.wav ... or <song>_bass.wav ...")  # fmt: skip
    add("--spec-backend", choices=("mlx_fast", "mlx"), default="mlx_fast",
        help="spectrogram: the fast path or the reference path (%(default)s)")  # fmt: skip
    add("--spec-check", action="store_true",
        help="compare both paths on the first song: maximum and mean difference")  # fmt: skip
    add("--no-mlx-in-memory", dest="mlx_in_memory", action="store_false",
        help="stems and spectrograms go through files in --demix-dir and --spec-dir")  # fmt: skip


def _add_running(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--mlx-batch-size", type=_count, default=1, metavar="N",
        help="most songs of equal length in one forward pass (%(default)s)")  # fmt: skip
    add("--jobs", type=_count, metavar="N",
        help="processes that decode and draw (by the number of cores), or Ray workers")  # fmt: skip
    add("--no-multiprocess", dest="multiprocess", action="store_false",
        help="decode and draw in this process, one thing after the other")  # fmt: skip
    add("--engine", choices=("local", "ray"), default="local",
        help="ray: workers of a Ray cluster, each with the network (%(default)s)")  # fmt: skip
    add("--timings-path", type=_path, metavar="FILE",
        help="append the time of each stage, as JSON lines")  # fmt: skip
    add("--timings-viz-path", type=_path, metavar="FILE",
        help=f"draw the times of all stages: {', '.join(PICTURES)}")  # fmt: skip
    add("-q", "--quiet", action="store_true", help="print failures only")
    add("--version", action=ShowVersion, nargs=0, help="print the version")


def find_contradiction(options: argparse.Namespace) -> str:
    """The error message for contradictory options; empty if there are none."""
    separates = options.stems_dir is None and options.demix != "spectral"
    viz_kind = options.timings_viz_path and options.timings_viz_path.suffix.lower()[1:]
    complaints = {
        "the following arguments are required: SONG": not options.paths,
        "--stems-dir takes the place of --demix: leave one of them out":
            options.stems_dir is not None and options.demix != "auto",
        "--demix-seed is for --demix htdemucs": options.demix_seed is not None and not separates,
        "--mlx-weights-path names a file, --mlx-weights-dir a folder: leave one of them out":
            options.mlx_weights_path is not None
            and options.mlx_weights_dir is not None
            and options.demix != "htdemucs",  # weights are searched for it
        "--mlx-config-path needs --mlx-weights-path, which it belongs to":
            options.mlx_config_path is not None and options.mlx_weights_path is None,
        "--offline forbids downloads, also from --weights-url":
            options.offline and options.weights_url,
        "--with-sound is for --visualize --viz-format html":
            options.with_sound and not (options.visualize and options.viz_format == "html"),
        "--midi-simplify is for --export midi":
            options.midi_simplify and "midi" not in options.export,
        "--jobs counts processes, which --no-multiprocess forbids":
            options.jobs is not None and not options.multiprocess,
        "--engine ray runs in processes, which --no-multiprocess forbids":
            options.engine == "ray" and not options.multiprocess,
        "--engine ray gives each worker one song at a time: leave --mlx-batch-size out":
            options.engine == "ray" and options.mlx_batch_size > 1,
        "--engine ray cannot measure its workers: leave --timings-path and "
        "--timings-viz-path out": options.engine == "ray"
            and (options.timings_path or options.timings_viz_path),
        f"--timings-viz-path: pictures are written as {', '.join(PICTURES)}, not as {viz_kind}":
            viz_kind is not None and viz_kind not in PICTURES,
    }  # fmt: skip
    return next((text for text, holds in complaints.items() if holds), "")


def _folder(group: argparse._ArgumentGroup, *names: str, default: str, help: str) -> None:
    """An option for a folder. Its help states the default."""
    group.add_argument(
        *names, type=_path, default=default, metavar="DIR", help=f"{help} (./{default})"
    )


def _spell_overwrite(arguments: Sequence[str]) -> list[str]:
    """Prevent `--overwrite SONG` from reading the song as the name of a stage."""
    spelled = list(arguments)
    for place in range(len(spelled)):
        if spelled[place] == "--overwrite":
            following = spelled[place + 1 : place + 2]
            if following and not set(following[0].split(",")) <= {"all", EDITS, *STAGES}:
                if following[0][:1] != "-" and not _looks_like_song(following[0]):
                    continue  # an unknown stage, which the parser reports
                spelled[place] = "--overwrite=all"
    return spelled


def _looks_like_song(argument: str) -> bool:
    """Whether this is probably a path or a pattern, not a misspelt stage."""
    return _exists(argument) or any(sign in argument for sign in "./\\*?[")


def _exists(argument: str) -> bool:
    try:
        return os.path.lexists(argument)
    except ValueError:  # a null character
        return False


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)


def _stages(text: str) -> frozenset[str]:
    return frozenset(
        stage
        for name in _names(text, ("all", *STAGES, EDITS), "stage")
        for stage in (STAGES if name == "all" else (name,))
    )


def _exports(text: str) -> tuple[str, ...]:
    return _names(text, EXPORTS, "format")


def _names(text: str, known: Sequence[str], kind: str) -> tuple[str, ...]:
    """Names separated by commas, without repeats."""
    names = tuple(dict.fromkeys(text.split(",")))
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is not a {kind}; known are {', '.join(known)}"
        )
    return names


def _shard(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part; expected 1/4, 2/4, 3/4 or 4/4")
    return int(part), int(parts)


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)
