"""`allin1-mlx weights ...`: list, download, verify and remove the published weights.

This module is part of the command line and prints. Exit codes: 0 success, 1 something failed, 2
wrong usage, 130 stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tqdm import tqdm

from ..errors import DownloadError, WeightsError
from ..weights import bundled_files, cache_dir
from ..weights.access import Access, fetch
from ..weights.registry import PUBLISHED, WeightFile

_SETS = [name for name in PUBLISHED if name != "harmonix-all"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `weights` with its arguments and return the exit code."""
    options = build_parser().parse_args(argv)
    try:
        return int(options.run(options))
    except WeightsError as e:
        print(f"allin1-mlx: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "allin1-mlx: stopped; the received part is kept and the next download resumes",
            file=sys.stderr,
        )
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The options of `allin1-mlx weights`."""
    parser = argparse.ArgumentParser(
        prog="allin1-mlx weights",
        description="List, download, verify and remove the published weights.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    names = f"{_SETS[0]} .. {_SETS[-2]}, harmonix-all, {_SETS[-1]}"

    def add(command: str, run: object, text: str, *, some: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(command, help=text, description=text)
        sub.set_defaults(run=run)
        if some:
            sub.add_argument("names", nargs=some, type=_set_name, metavar="NAME", help=names)
        return sub

    add("list", _list, "list all weights, their terms, and which are on this machine", some="")
    sub = add("download", _download, "download weights into the cache", some="+")
    sub.add_argument(
        "--weights-url", metavar="URL", help="folder of a mirror (ALLIN1_MLX_WEIGHTS_URL)"
    )
    add("verify", _verify, "verify the files in the cache by their SHA-256", some="*")
    add("path", _path, "print the folder of the cache, or the files of a set", some="*")
    add("remove", _remove, "delete weights from the cache", some="+")
    return parser


def _set_name(name: str) -> str:
    if name not in PUBLISHED:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PUBLISHED)}")
    return name


def _list(options: argparse.Namespace) -> int:
    """One line per set, then the terms of each publisher."""
    cache = cache_dir()
    for name in _SETS:
        files = PUBLISHED[name]
        here = sum((cache / file.name).is_file() for file in files)
        state = {0: "not here", len(files): "in the cache"}.get(here, "partly in the cache")
        print(f"{name:16} {sum(file.size for file in files) / 1e6:6.1f} MB  {state}")
    print(f"{'bundled':16} {_bundled_size() / 1e6:6.1f} MB  part of this package")
    print()
    for publisher in dict.fromkeys(file.publisher for file in _files(_SETS)):
        print(f"{publisher.title}\n  from {publisher.url}\n  terms: {publisher.terms}")
    print(
        "bundled, our own network\n  part of this package\n  terms: MIT License, like the program"
    )
    print(f"\ncache: {cache}")
    return 0


def _download(options: argparse.Namespace) -> int:
    files = _files(options.names)
    size = sum(file.size for file in files if not (cache_dir() / file.name).is_file())
    with tqdm(total=size, unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        access = Access(
            url=options.weights_url,
            on_notice=lambda text: bar.write(text, file=sys.stderr),
            on_progress=lambda _, fraction: bar.update(round(fraction * size) - bar.n) and None,
        )
        if access.is_offline:
            raise WeightsError("downloads are switched off (ALLIN1_MLX_OFFLINE)")
        paths = fetch(files, access)
    for path in paths:
        print(path)
    return 0


def _verify(options: argparse.Namespace) -> int:
    """Verify the files in the cache. The files of named sets must exist."""
    from ..weights.download import verify

    failed = 0
    for file in _files(options.names or _SETS):
        path = cache_dir() / file.name
        if not path.is_file():
            if options.names:
                print(f"missing  {path}")
                failed += 1
            continue
        try:
            verify(file, path)
            print(f"ok       {path}")
        except DownloadError as e:
            print(f"wrong    {e}")
            failed += 1
    return 1 if failed else 0


def _path(options: argparse.Namespace) -> int:
    if not options.names:
        print(cache_dir())
        return 0
    missing = 0
    for file in _files(options.names):
        path = cache_dir() / file.name
        if path.is_file():
            print(path)
        else:
            print(f"allin1-mlx: {file.name} is not in {cache_dir()}", file=sys.stderr)
            missing += 1
    return 1 if missing else 0


def _remove(options: argparse.Namespace) -> int:
    for file in _files(options.names):
        for path in (cache_dir() / file.name, cache_dir().parent / "partial" / file.sha256):
            if path.is_file():
                path.unlink()
                print(f"removed  {path}")
    return 0


def _files(names: Sequence[str]) -> list[WeightFile]:
    """The files of some sets, without repeats."""
    return list(dict.fromkeys(file for name in names for file in PUBLISHED[name]))


def _bundled_size() -> int:
    try:
        return bundled_files()[0].stat().st_size
    except WeightsError:
        return 0
