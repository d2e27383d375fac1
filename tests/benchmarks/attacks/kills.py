"""Processes that are killed while they work: nothing half-written, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from tests.support.hostile_results import make_result
from tests.support.pages import User, start_page
from tests.support.small import write_network, write_song

from .row import Row

SONGS = 6
AFRESH = 10  # kills after which the batch starts without results


def kill_batch(folder: Path, count: int, random: np.random.Generator) -> Row:
    """Kill a batch `count` times, each time at another moment; then let it finish.

    accepted: kills after which some results were there. slowest: seconds of the last run.
    """
    row = Row("SIGKILLs of a batch", inputs=count)
    network = write_network(folder / "network")
    for number in range(SONGS):
        write_song(folder / "music" / f"{number}.wav", seed=number, seconds=4.0)
    command = [sys.executable, "-m", "allin1_mlx.cli.main", "music", "--quiet", *network]
    start = time.perf_counter()
    subprocess.run([*command, "-o", "whole"], cwd=folder, check=True)
    duration = time.perf_counter() - start
    whole = {path.name: path.read_bytes() for path in (folder / "whole").glob("*.json")}
    row.expect(len(whole) == SONGS, f"{len(whole)} results without a kill")
    for kill in range(count):
        if kill % AFRESH == 0:
            shutil.rmtree(folder / "killed", ignore_errors=True)
        process = subprocess.Popen([*command, "-o", "killed"], cwd=folder, start_new_session=True)
        time.sleep(random.uniform(0.1, 1.1) * duration)
        if kill % 2:
            os.killpg(process.pid, signal.SIGKILL)  # as a computer that is switched off
        else:
            process.kill()  # its helpers find out by themselves
        process.wait()
        row.accepted += _is_sound(folder / "killed", whole, row, f"kill {kill}") > 0
    start = time.perf_counter()
    last = subprocess.run([*command, "-o", "killed"], cwd=folder, capture_output=True, text=True)
    row.slowest = time.perf_counter() - start
    row.expect(last.returncode == 0 and not last.stderr, f"{last.returncode}: {last.stderr}")
    row.expect(_is_sound(folder / "killed", whole, row, "at last") == SONGS, "songs are missing")
    left = [path.name for path in (folder / "killed").rglob(".partial-*")]
    row.expect(not left, f"left over: {left}")
    return row


def _is_sound(folder: Path, whole: dict[str, bytes], row: Row, when: str) -> int:
    """Returns the number of results; each must be what a run without a kill writes."""
    found = list(folder.glob("[!.]*.json"))
    for path in found:
        row.expect(path.read_bytes() == whole.get(path.name), f"{when}: {path.name} is not whole")
    return len(found)


def kill_page(folder: Path, count: int, random: np.random.Generator) -> Row:
    """Kill the server `count` times while it analyses and while a song is corrected.

    What the server has confirmed must be there after the next start. accepted: corrections that it
    confirmed. slowest: seconds of a correction.
    """
    row = Row("SIGKILLs of the page", inputs=count)
    options = ("--model", "bundled", "--offline", "--library", str(folder / "library"))
    confirmed = -1
    for kill in range(count + 1):
        temporary = folder / f"server-{kill}"
        temporary.mkdir()
        page = start_page(temporary, *options)
        user = User(page)
        if kill == 0:
            user.add({"kept.json": json.dumps(make_result("kept.wav")).encode()})
        song = next((s for s in user.songs() if s["name"] == "kept.wav"), None)
        if song is None:
            row.faults.append(f"kill {kill}: the song is lost")
            page.stop(signal.SIGKILL)
            break
        result = user.ask("GET", f"/allin1/songs/{song['id']}/result").json()
        label = result["segments"][0]["label"]
        number = int(label) if label.isdecimal() else -1
        row.expect(number >= confirmed, f"kill {kill}: corrections {number} of {confirmed}")
        if kill == count:
            words = page.stop()
            row.expect(words == "", words)
            break
        names = {s["name"] for s in user.songs()}
        missing = [f"{n}.wav" for n in range(kill) if f"{n}.wav" not in names]
        row.expect(not missing, f"kill {kill}: lost {missing}")
        music = write_song(folder / f"{kill}.wav", seed=kill, seconds=20.0)
        sent = user.send(music.read_bytes()).json()["id"]
        user.act("dropzone", "take", {"parts": [{"files": [{"id": sent, "name": music.name}]}]})
        killer = threading.Timer(random.uniform(0.05, 2.0), page.process.kill)
        killer.start()
        confirmed = _correct(user, song["id"], max(confirmed, number), row)
        killer.join()
        page.wait()
    return row


def _correct(user: User, song: str, number: int, row: Row) -> int:
    """Correct a song until the server is gone. Returns the last number that it confirmed."""
    while True:
        edit = {"do": "relabel_section", "at": 1.0, "label": str(number + 1)}
        start = time.perf_counter()
        try:
            answer = user.correct(song, edit)
        except OSError:
            return number
        row.slowest = max(row.slowest, time.perf_counter() - start)
        if answer.status != 200:
            row.faults.append(f"{answer.status} {answer.body!r}")
            return number
        row.accepted += 1
        number += 1
