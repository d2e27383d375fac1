"""Start a program so that Ctrl-C ends it quietly, even during its imports.

This module imports almost nothing, because Ctrl-C during its own import prints a traceback.
"""

from __future__ import annotations

import os
import signal
from importlib import import_module
from types import FrameType

INTERRUPTED = 130  # exit code


def main() -> int:
    """Run the command `allin1-mlx` and return the exit code."""
    return start("allin1_mlx.cli.main")


def start(module: str) -> int:
    """Import a module and run its function `main`. Returns the exit code.

    Ctrl-C ends the process at once during the import, and raises KeyboardInterrupt in `main`.
    """
    was_interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal was_interrupted
        was_interrupted = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, _leave)
    run = import_module(module).main
    signal.signal(signal.SIGINT, interrupt)
    try:
        return int(run())
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:  # a later import that is interrupted may raise any error
        if was_interrupted:
            return INTERRUPTED
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the rest is brief


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
