"""Attacks on the program, bounded and on this computer only; prints a table.

    python -m tests.benchmarks.attack [--count 1000] [--seed 0]

Result files: `count` randomly damaged files and the known attacks go to the reader (and what it
accepts to all exports, a click track and the page's sheet), to the page's intake, and to one run of
the command line over a folder in which each song has such a file as its older result.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tests.support.hostile_results import ATTACKS, damage, make_result
from tests.support.small import write_network, write_song

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import file_digest
from allin1_mlx.errors import ResultError
from allin1_mlx.exports import NAMES, render
from allin1_mlx_ui.clicks import write_clicks
from allin1_mlx_ui.jobs import Worker
from allin1_mlx_ui.routes.downloads import pack_results
from allin1_mlx_ui.sheet import write_sheet
from allin1_mlx_ui.songs import Session, Song
from allin1_mlx_ui.uploads import Upload, receive

SLOW = 10.0  # seconds: longer is a hang


@dataclass
class Row:
    """One line of the table."""

    name: str
    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def attack(self, attempt: Callable[[], bool]) -> None:
        """Run one attempt; it returns whether the input was accepted."""
        start = time.perf_counter()
        self.inputs += 1
        try:
            accepted = attempt()
        except Exception:
            self.faults.append(traceback.format_exc())
        else:
            self.accepted += accepted
            self.refused += not accepted
        self.slowest = max(self.slowest, time.perf_counter() - start)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows = attack_results(Path(folder), options.count, options.seed)
    print("| attack | inputs | refused | accepted | faults | slowest s |")
    print("|---|--:|--:|--:|--:|--:|")
    for row in rows:
        cells = (row.inputs, row.refused, row.accepted, len(row.faults), f"{row.slowest:.2f}")
        print(f"| {row.name} | {' | '.join(map(str, cells))} |")
    # Linux counts KiB, macOS bytes.
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    print(f"\nmost memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:.0f} MB")
    for fault in [fault for row in rows for fault in row.faults][:5]:
        print(fault, file=sys.stderr)
    return int(any(row.faults or row.slowest > SLOW for row in rows))


def attack_results(folder: Path, count: int, seed: int) -> list[Row]:
    """Hostile result files for the reader, the page and the command line."""
    random = np.random.default_rng(seed)
    known = [make(make_result()).encode("latin-1") for make in ATTACKS.values()]
    contents = [*known, *(damage(make_result(), random) for _ in range(count))]
    reader, page = Row("reader, exports, sheet, click"), Row("page: intake and results.zip")
    path = folder / "odd.json"
    for content in contents:
        path.write_bytes(content)
        reader.attack(lambda: _read(path, folder))
        page.attack(lambda content=content: _take_in(content, folder))
    return [reader, page, _attack_command(folder, count, random)]


def _read(path: Path, folder: Path) -> bool:
    """Read one file and make everything that the page can make of it."""
    try:
        analysis = Analysis.from_json(path)
    except ResultError as e:
        if not (str(e).startswith("odd.json: ") and str(e).isprintable()):
            raise AssertionError(f"not one plain line: {e!r}") from e
        return False
    song = Song("odd.json", folder, analysis=analysis)
    for name in NAMES:
        render(analysis, name)
    write_sheet(song, analysis, dark=False, activations=False)
    write_clicks(song, analysis, bars=2).unlink()
    return True


class _Idle(Worker):
    """No song is analysed."""

    def __init__(self) -> None:
        pass


def _take_in(content: bytes, folder: Path) -> bool:
    """Upload the file beside a good one."""
    session = Session(folder / "session")
    uploads = []
    for name, text in (("odd.json", content), ("good.json", json.dumps(make_result()).encode())):
        uploads.append(Upload(folder / f"upload-{name}", name))
        uploads[-1].path.write_bytes(text)
    odd, good = receive(session, uploads, _Idle())
    json.dumps(session.to_dict(), ensure_ascii=False).encode()
    with zipfile.ZipFile(io.BytesIO(pack_results(session.songs()))) as archive:
        if len(archive.namelist()) != 1 + (odd.state == "done") or good.state != "done":
            raise AssertionError("the good song suffered")
    return odd.state == "done"


def _attack_command(folder: Path, count: int, random: np.random.Generator) -> Row:
    """One run over songs whose older results are damaged. slowest: the mean time per song."""
    row = Row("command line, one run")
    network = write_network(folder / "network")
    results = folder / "struct"
    results.mkdir()
    older: list[Path] = []
    for number in range(count):
        song = write_song(folder / "music" / f"{number}.wav", seed=number, seconds=1.0)
        content = damage(make_result(sha256=file_digest(song)), random)
        older.append(folder / "older" / f"{number}.json")
        older[-1].parent.mkdir(exist_ok=True)
        for path in (older[-1], results / older[-1].name):
            path.write_bytes(content)
    command = [sys.executable, "-m", "allin1_mlx.cli.main", "music", "--quiet", *network]
    start = time.perf_counter()
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    each = (time.perf_counter() - start) / max(count, 1)
    if run.returncode or "Traceback" in run.stderr or "unexpected" in run.stderr:
        row.faults.append(run.stderr[-3000:])
    kept = {path.read_bytes() for path in results.iterdir()}
    for path in older:
        row.attack(lambda path=path: _is_kept(path, results, kept))
    row.slowest = each
    return row


def _is_kept(older: Path, results: Path, kept: set[bytes]) -> bool:
    """Whether an older file was a result; then its corrections, else its bytes must still exist."""
    try:
        edits = Analysis.from_json(older).edits
    except ResultError:
        if older.read_bytes() not in kept:
            raise AssertionError(f"lost: {older.read_bytes()[:300]!r}") from None
        return False
    if older.read_bytes() not in kept and Analysis.from_json(results / older.name).edits != edits:
        raise AssertionError(f"corrections lost: {older.read_bytes()[:300]!r}")
    return True


if __name__ == "__main__":
    sys.exit(main())
