"""The check of the machine that the page runs on."""

from __future__ import annotations

import subprocess
import sys
import threading

from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse

from allin1_mlx.batch.workers import deaf_to_interrupts

COMMAND = (sys.executable, "-m", "allin1_mlx.cli.main", "doctor")
SECONDS = 180.0  # after which a check is given up


class Checkup:
    """Checks the machine, one check at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._running: subprocess.Popen[str] | None = None
        self._closed = False

    def close(self) -> None:
        """End the running check."""
        self._closed = True
        if self._running is not None:
            self._running.kill()

    def run(self) -> str:
        """Return the table, or a description of the fault. Raises TimeoutExpired after SECONDS."""
        with self._turn, deaf_to_interrupts():
            if self._closed:
                return ""
            # A separate process, because the check changes the device that MLX computes on.
            self._running = subprocess.Popen(
                COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
            )
            with self._running as process:
                try:
                    table, faults = process.communicate(timeout=SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
            return table or faults


def add_doctor(router: APIRouter, checkup: Checkup) -> None:
    """Serve the table of `allin1-mlx doctor`."""

    @router.post("/doctor")
    def doctor() -> PlainTextResponse:
        try:
            table = checkup.run()
        except subprocess.TimeoutExpired:
            raise HTTPException(504, "The check takes too long.") from None
        return PlainTextResponse(table, headers={"cache-control": "no-store"})
