"""One line of the table, and a process in which an attack may do what it likes."""

from __future__ import annotations

import multiprocessing
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

SLOW = 10.0  # seconds: longer is a hang
LAST = 60.0  # seconds after which a hanging attempt is ended


@dataclass
class Row:
    """What became of the inputs of one attack.

    faults: crashes, tracebacks, answers of 500 and more, and whatever was lost. slowest: seconds.
    memory: the most bytes of the process that was attacked.
    """

    name: str
    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    memory: int = 0

    def attack(self, attempt: Callable[[], bool]) -> None:
        """Run one attempt; it returns whether the input was accepted.

        One that takes longer than SLOW is run once more and the shorter time counts, because other
        programs use the computer too.
        """
        self.inputs += 1
        took = self._time(attempt)
        if took > SLOW:
            took = min(took, self._time(attempt, again=True))
        self.slowest = max(self.slowest, took)

    def _time(self, attempt: Callable[[], bool], *, again: bool = False) -> float:
        """Run one attempt, and return its seconds. again: it was counted before."""
        start = time.perf_counter()
        try:
            accepted = attempt()
        except Exception:
            self.faults.append(traceback.format_exc())
        else:
            if not again:
                self.accepted += accepted
                self.refused += not accepted
        return time.perf_counter() - start

    def expect(self, condition: bool, fault: str) -> None:
        """Record a fault unless a condition holds."""
        if not condition:
            self.faults.append(fault)


class Captive:
    """Calls a function for one file after the other in a process that may crash or hang."""

    def __init__(self, attempt: Callable[[Path], bool]) -> None:
        """attempt: returns whether a file was accepted; importable by name."""
        self._attempt = attempt
        self._context = multiprocessing.get_context("spawn")
        self.memory = 0
        self._start()

    def __call__(self, path: Path) -> bool:
        """Returns whether a file was accepted. Raises AssertionError with what went wrong."""
        self._pipe.send(path)
        if not self._pipe.poll(LAST):
            self.close()
            self._start()
            raise AssertionError(f"{path.name}: hangs")
        try:
            accepted, fault, memory = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self._start()
            raise AssertionError(f"{path.name}: the process ended with {code}") from None
        self.memory = max(self.memory, memory)
        if fault:
            raise AssertionError(f"{path.name}: {fault}")
        return bool(accepted)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=_serve, args=(theirs, self._attempt), daemon=True
        )
        self._process.start()
        theirs.close()


def _serve(pipe: Connection, attempt: Callable[[Path], bool]) -> None:
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        accepted, fault = False, ""
        try:
            accepted = attempt(path)
        except Exception:
            fault = traceback.format_exc()
        pipe.send((accepted, fault, peak_memory()))


def peak_memory() -> int:
    """The most bytes that this process has had; 0 where Linux's /proc is missing."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    return 1024 * int(found[1]) if found else 0


def is_plain(message: str, name: str) -> bool:
    """Whether an error is one line about the file of that name."""
    return message.startswith(f"{name}: ") and message.isprintable() and len(message) < 600
