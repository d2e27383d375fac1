"""Attacks on the program, bounded and on this computer only; prints a table.

    python -m tests.benchmarks.attack [--only NAME ...] [--count 1000] [--seed 0]

results: damaged result files for the reader, the page, and one run of the command line over songs
whose older results are damaged. sounds: damaged sound files for the decoder, one run of the command
line, and the page (every tenth). networks: damaged checkpoints and configurations. batch-kills,
page-kills: SIGKILL at random moments; afterwards nothing may be half-written or lost. users: many
at once. uploads: files that nobody takes.

--count: of result files, sound files and uploads. The other numbers are shares of it: networks
30 %, kills of a batch 10 %, kills of the page 5 %, users 2 %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tests.support.pages import Page, start_page

from .attacks import crowd, kills, networks, results, sounds
from .attacks.row import SLOW, Row

Attack = Callable[[Path, int, np.random.Generator], Iterator[Row]]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=ATTACKS, default=list(ATTACKS))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    print("| attack | inputs | refused | accepted | faults | slowest s | memory MB |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            random = np.random.default_rng(options.seed)
            for row in ATTACKS[name](Path(folder), options.count, random):
                rows.append(row)
                print(_line(row), flush=True)
    for fault in [fault for row in rows for fault in row.faults][:5]:
        print(fault, file=sys.stderr)
    return int(any(row.faults or row.slowest > SLOW for row in rows))


def _line(row: Row) -> str:
    memory = f"{row.memory / 1e6:.0f}" if row.memory else ""
    counts = (row.inputs, row.refused, row.accepted, len(row.faults))
    return f"| {row.name} | {' | '.join(map(str, counts))} | {row.slowest:.2f} | {memory} |"


def attack_results(folder: Path, count: int, random: np.random.Generator) -> Iterator[Row]:
    """Hostile result files."""
    contents = results.make_files(count, random)
    yield results.attack_reader(folder, contents)
    with serve(folder) as (page, faults):
        row = results.attack_page(page, contents)
    row.faults += faults
    yield row
    yield results.attack_command(folder, count, random)


def attack_sounds(folder: Path, count: int, random: np.random.Generator) -> Iterator[Row]:
    """Hostile sound files."""
    paths = sounds.make_files(folder, count, random)
    yield sounds.attack_decoder(paths)
    yield sounds.attack_command(folder, paths)
    with serve(folder) as (page, faults):
        row = sounds.attack_page(page, paths[:: 10 if count > 100 else 1])
    row.faults += faults
    yield row


def attack_networks(folder: Path, count: int, random: np.random.Generator) -> Iterator[Row]:
    """Hostile checkpoints and configurations."""
    yield networks.attack_networks(folder, max(count * 3 // 10, 1), random)


def kill_batch(folder: Path, count: int, random: np.random.Generator) -> Iterator[Row]:
    """A batch that is killed."""
    yield kills.kill_batch(folder, max(count // 10, 1), random)


def kill_page(folder: Path, count: int, random: np.random.Generator) -> Iterator[Row]:
    """A server that is killed."""
    yield kills.kill_page(folder, max(count // 20, 1), random)


def crowd_page(folder: Path, count: int, random: np.random.Generator) -> Iterator[Row]:
    """Many users."""
    with serve(folder) as (page, faults):
        row = crowd.crowd(page, folder, max(count // 50, 2))
    row.faults += faults
    yield row


def fill_page(folder: Path, count: int, random: np.random.Generator) -> Iterator[Row]:
    """Many uploads."""
    with serve(folder) as (page, faults):
        row = crowd.drop(page, count)
    row.faults += faults
    yield row


ATTACKS: dict[str, Attack] = {
    "results": attack_results,
    "sounds": attack_sounds,
    "networks": attack_networks,
    "batch-kills": kill_batch,
    "page-kills": kill_page,
    "users": crowd_page,
    "uploads": fill_page,
}


@contextmanager
def serve(folder: Path) -> Iterator[tuple[Page, list[str]]]:
    """Yields a running page, and a list that gets what it printed and left behind."""
    temporary = folder / "server"
    temporary.mkdir()
    faults: list[str] = []
    page = start_page(temporary, "--model", "bundled", "--offline")
    try:
        yield page, faults
    finally:
        words = page.stop()
    if words or page.process.returncode:
        faults.append(f"the server ended with {page.process.returncode}: {words[-3000:]}")
    left = [path.name for path in temporary.glob("allin1-mlx-ui-*")]
    if left:
        faults.append(f"left behind: {left}")


if __name__ == "__main__":
    sys.exit(main())
