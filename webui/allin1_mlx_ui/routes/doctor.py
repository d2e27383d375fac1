"""The check of the machine that the page runs on."""

from __future__ import annotations

import subprocess
import sys
import threading

from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse

COMMAND = (sys.executable, "-m", "allin1_mlx.cli.main", "doctor")
SECONDS = 180.0  # after which a check is given up


def add_doctor(router: APIRouter) -> None:
    """Serve the table of `allin1-mlx doctor`, one check at a time."""
    turn = threading.Lock()

    @router.post("/doctor")
    def doctor() -> PlainTextResponse:
        # A separate process, because the check changes the device that MLX computes on.
        with turn:
            try:
                run = subprocess.run(
                    COMMAND, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False
                )
            except subprocess.TimeoutExpired:
                raise HTTPException(504, "The check takes too long.") from None
        return PlainTextResponse(run.stdout or run.stderr, headers={"cache-control": "no-store"})
