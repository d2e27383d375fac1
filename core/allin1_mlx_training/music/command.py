"""The arguments of the commands that convert an archive to one file."""

from __future__ import annotations

import argparse
from pathlib import Path


def read_paths(description: str, *, archive: str, out: str) -> tuple[Path, Path]:
    """The paths of the archive and of the file to write. archive, out: help for the user."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("archive", type=Path, help=archive)
    parser.add_argument("out", type=Path, help=out)
    options = parser.parse_args()
    return options.archive, options.out
