"""Many users at once, and uploads that nobody takes."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.hostile_results import make_result
from tests.support.pages import Page, User
from tests.support.small import write_song

from allin1_mlx.exports import NAMES, find_format

from .row import Row

DROPS = 8  # uploads at the same time


def crowd(page: Page, folder: Path, count: int) -> Row:
    """`count` users who all do everything at the same time. slowest: seconds of one request."""
    row = Row("users at once", inputs=count)
    songs = [write_song(folder / f"{n}.wav", seed=n, seconds=3.0) for n in range(count)]
    faults: list[str] = []
    slowest: list[float] = []
    barrier = threading.Barrier(count)

    def visit(number: int) -> bool:
        user = _Timed(page)
        barrier.wait()
        own = json.dumps(make_result(f"result {number}.wav")).encode()
        listed = user.add({"a.json": own, "b.wav": songs[number].read_bytes(), "c.wav": b"RIFF"})
        names = sorted((song["name"], song["state"]) for song in listed)
        if names != [("b.wav", "done"), ("c.wav", "failed"), (f"result {number}.wav", "done")]:
            faults.append(f"user {number} sees {names}")
        for song in [song for song in listed if song["state"] == "done"]:
            _use(user, song["id"], faults)
        status = user.ask("GET", f"/allin1/sessions/{user.session}/results").status
        if status != 200:
            faults.append(f"results: {status}")
        slowest.append(user.slowest)
        return True

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(visit, number) for number in range(count)]:
            try:
                row.accepted += future.result()
            except Exception as e:
                faults.append(repr(e))
    row.faults = faults
    row.slowest = max(slowest, default=0.0)
    row.memory = page.memory()
    return row


class _Timed(User):
    """Measures the requests, apart from the streams that wait for the analysis."""

    slowest = 0.0

    def ask(self, method: str, path: str, body: object = None):  # type: ignore[no-untyped-def]
        start = time.perf_counter()
        answer = super().ask(method, path, body)
        if "/queue/" not in path:
            self.slowest = max(self.slowest, time.perf_counter() - start)
        return answer


def _use(user: User, song: str, faults: list[str]) -> None:
    """See, correct, hear and save a song."""
    paths = [f"exports/{name}{file.suffix}" for name in NAMES for file in find_format(name).files]
    for path in (*paths, "sheet", "result", "click?count_in=2"):
        status = user.ask("GET", f"/allin1/songs/{song}/{path}").status
        if status != 200:
            faults.append(f"{path}: {status}")
    for ms in range(1, 6):
        corrected = user.correct(song, {"do": "nudge", "ms": ms})
        if corrected.status != 200:
            faults.append(f"correction: {corrected.status} {corrected.body!r}")


def drop(page: Page, count: int) -> Row:
    """`count` uploads that nobody takes. slowest: seconds of one upload."""
    row = Row("uploads that nobody takes")
    user = User(page)
    content = bytes(100_000)

    def send(_: int) -> tuple[int, float]:
        start = time.perf_counter()
        return user.send(content).status, time.perf_counter() - start

    with ThreadPoolExecutor(DROPS) as pool:
        answers = list(pool.map(send, range(count)))
    row.inputs = count
    row.accepted = sum(status == 200 for status, _ in answers)
    row.refused = sum(status == 413 for status, _ in answers)
    row.expect(row.accepted + row.refused == count, f"{sorted({s for s, _ in answers})}")
    left = sum(len(list(folder.iterdir())) for folder in page.temporary.glob("*/uploads"))
    row.expect(left <= 500, f"{left} files on the disk")
    row.slowest = max(seconds for _, seconds in answers)
    row.memory = page.memory()
    return row
