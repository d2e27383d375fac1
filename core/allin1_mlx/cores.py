"""The processor's cores."""

from __future__ import annotations

import os


def count_cores() -> int:
    """Those that this process may use, which may be fewer than the machine has."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return len(allowed) or os.cpu_count() or 1
