"""The command `allin1-mlx`: options to the API's arguments, results to text.

The only module that prints. Exit codes: 0 all songs done, 1 some failed, 2 wrong usage or weights
that are not to be had, 130 interrupted.
"""

from __future__ import annotations

import argparse
import glob
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from .errors import AllInOneError, UsageError, WeightsError

if TYPE_CHECKING:
    from .batch import Outcome, Song

STAGES = {"decode": 0.1, "stems": 0.15, "network": 0.7, "beats": 0.02, "sections": 0.03}  # of time


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    options = parser.parse_args(argv)
    try:
        return _run(options)
    except (UsageError, WeightsError) as e:
        print(f"allin1-mlx: {e}", file=sys.stderr)
        return 2
    except AllInOneError as e:
        print(f"allin1-mlx: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nallin1-mlx: interrupted; what was finished is kept", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The command line, as `--help` shows it."""
    parser = argparse.ArgumentParser(
        prog="allin1-mlx",
        description="Analyse the structure of songs: tempo, beats, downbeats, labelled sections.",
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="SONG", help="audio files; patterns such as '*.mp3' too")
    add("--version", action="version", version=f"allin1-mlx {version('allin1-mlx-ui')}")
    output = parser.add_argument_group("output")
    add = output.add_argument
    add(
        "-o",
        "--out-dir",
        type=Path,
        default=Path("struct"),
        metavar="DIR",
        help="results (%(default)s)",
    )
    add(
        "-a",
        "--activ",
        action="store_true",
        help="also write <name>.activ.npz: frame-wise probabilities",
    )
    add(
        "-e",
        "--embed",
        action="store_true",
        help="also write <name>.embed.npy: frame-wise embeddings",
    )
    model = parser.add_argument_group("model and stems")
    add = model.add_argument
    add("-m", "--model", default="auto", metavar="NAME",
        help="harmonix-fold0 .. 7, harmonix-all, bundled or auto (%(default)s)")  # fmt: skip
    add("--mlx-weights-dir", type=Path, metavar="DIR", help="folder with weights (./mlx-weights)")
    add("--mlx-weights-path", type=Path, metavar="FILE", help="one weights file")
    add("--mlx-config-path", type=Path, metavar="FILE", help="its configuration (beside it)")
    add("--demix", choices=("auto", "spectral"), default="auto",
        help="how a mix becomes four stems (%(default)s)")  # fmt: skip
    add(
        "--stems-dir",
        type=Path,
        metavar="DIR",
        help="folder with your own stems, instead of --demix",
    )
    add("--spec-backend", choices=("mlx_fast", "mlx"), default="mlx_fast",
        help="spectrogram: the fast path or the reference path (%(default)s)")  # fmt: skip
    return parser


def _run(options: argparse.Namespace) -> int:
    from .batch import analyze_songs, name_songs
    from .pipeline import Analyzer

    songs = name_songs(_expand(options.paths))
    analyzer = Analyzer(
        options.model,
        options.demix,
        weights_dir=options.mlx_weights_dir,
        weights_path=options.mlx_weights_path,
        config_path=options.mlx_config_path,
        stems_dir=options.stems_dir,
        stems_alone=len(songs) == 1,
        spec_backend=options.spec_backend,
    )
    if analyzer.notice:
        print(f"allin1-mlx: {analyzer.notice}", file=sys.stderr)
    failures = 0
    with Bar(len(songs)) as bar:
        for outcome in analyze_songs(
            songs,
            analyzer,
            out_dir=options.out_dir,
            activations=options.activ,
            embeddings=options.embed,
            on_progress=bar.advance,
        ):
            failures += bool(outcome.error)
            bar.finish(outcome)
    return 1 if failures else 0


def _expand(patterns: Sequence[str]) -> list[str]:
    """File names of all inputs; what no pattern matches stays, to fail by its own name."""
    paths: list[str] = []
    for pattern in patterns:
        matches = [] if Path(pattern).exists() else sorted(glob.glob(pattern, recursive=True))
        paths.extend(matches or [pattern])
    return paths


class Bar:
    """Progress over all songs: a bar with the time left, or lines alone where no terminal is."""

    def __init__(self, songs: int) -> None:
        self.tqdm = tqdm(
            total=songs,
            unit="song",
            disable=not sys.stderr.isatty(),
            bar_format="{l_bar}{bar}| {n:.1f}/{total_fmt} songs [{elapsed}<{remaining}]",
            leave=False,
        )
        self.finished = 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.tqdm.close()

    def advance(self, song: Song, stage: str, fraction: float) -> None:
        """Show where the current song is."""
        before = sum(list(STAGES.values())[: list(STAGES).index(stage)])
        self.tqdm.set_description(f"{song.name[:30]}: {stage}", refresh=False)
        self.tqdm.n = self.finished + before + STAGES[stage] * fraction
        self.tqdm.refresh()

    def finish(self, outcome: Outcome) -> None:
        """Count a song and say what became of it."""
        self.finished += 1
        self.tqdm.n = self.finished
        if outcome.analysis is None:
            self.tqdm.write(f"failed  {outcome.error}", file=sys.stderr)
        else:
            found = outcome.analysis
            for warning in found.warnings:
                self.tqdm.write(f"warning {warning}", file=sys.stderr)
            tempo = "no tempo" if found.bpm is None else f"{found.bpm} BPM"
            self.tqdm.write(
                f"done    {outcome.song.path} -> {outcome.result} "
                f"({tempo}, {len(found.beats)} beats, {len(found.segments)} sections)"
            )


if __name__ == "__main__":
    sys.exit(main())
