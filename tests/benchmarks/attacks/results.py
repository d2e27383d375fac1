"""Hostile result files for the reader, the page and the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from tests.support.hostile_results import ATTACKS, damage, make_result
from tests.support.pages import Page, User
from tests.support.small import write_network, write_song

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import file_digest
from allin1_mlx.errors import ResultError
from allin1_mlx.exports import NAMES, render

from .row import Captive, Row, is_plain

TOGETHER = 20  # files that are dropped on the page at once


def make_files(count: int, random: np.random.Generator) -> list[bytes]:
    """The known attacks, then `count` randomly damaged files."""
    known = [make(make_result()).encode("latin-1") for make in ATTACKS.values()]
    return [*known, *(damage(make_result(), random) for _ in range(count))]


def attack_reader(folder: Path, contents: list[bytes]) -> Row:
    """The reader, and all exports of what it accepts."""
    row = Row("results: reader, exports")
    captive = Captive(read)
    path = folder / "odd.json"
    for content in contents:
        path.write_bytes(content)
        row.attack(lambda: captive(path))
    captive.close()
    row.memory = captive.memory
    return row


def read(path: Path) -> bool:
    """Read one file and write it in all formats."""
    try:
        analysis = Analysis.from_json(path)
    except ResultError as e:
        if not is_plain(str(e), path.name):
            raise AssertionError(f"not one plain line: {e!r}") from e
        return False
    for name in NAMES:
        render(analysis, name)
    return True


def attack_page(page: Page, contents: list[bytes]) -> Row:
    """The page: the list, sheets, exports and the archive, each time with a good file."""
    row = Row("results: page")
    good = json.dumps(make_result("good.wav")).encode()
    for first in range(0, len(contents), TOGETHER):
        part = contents[first : first + TOGETHER]
        start = time.perf_counter()
        user = User(page)
        songs = user.add({f"{n}.json": content for n, content in enumerate([*part, good])})
        row.inputs += len(part)
        row.refused += sum(song["state"] == "failed" for song in songs)
        done = [song for song in songs if song["state"] == "done"]
        row.accepted += len(done) - 1
        row.expect(any(song["name"] == "good.wav" for song in done), f"{first}: the good song")
        paths = [f"songs/{song['id']}/{what}" for song in done for what in ("sheet", "result")]
        paths += [f"songs/{song['id']}/exports/midi.mid" for song in done]
        for path in [*paths, f"sessions/{user.session}/results"]:
            status = user.ask("GET", f"/allin1/{path}").status
            row.expect(status == 200, f"{path}: {status}")
        row.slowest = max(row.slowest, (time.perf_counter() - start) / len(part))
    row.memory = page.memory()
    return row


def attack_command(folder: Path, count: int, random: np.random.Generator) -> Row:
    """One run over songs whose older results are damaged. slowest: the mean time per song."""
    row = Row("results: command line, one run")
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
    start = time.perf_counter()
    run_command(folder, network, row, codes=(0,))
    each = (time.perf_counter() - start) / max(count, 1)
    kept = {path.read_bytes() for path in results.iterdir()}
    for path in older:
        row.attack(lambda path=path: _is_kept(path, results, kept))
    row.slowest = each
    return row


def run_command(folder: Path, network: list[str], row: Row, *, codes: tuple[int, ...]) -> None:
    """Run the command line over the folder's music; it must end with one of these exit codes."""
    command = [sys.executable, "-m", "allin1_mlx.cli.main", "music", "--quiet", *network]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    row.expect(run.returncode in codes, f"exit code {run.returncode}: {run.stderr[-3000:]}")
    for word in ("Traceback", "unexpected fault", "Warning"):
        at = run.stderr.find(word)
        row.expect(at < 0, run.stderr[max(at - 1000, 0) : at + 3000])


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
