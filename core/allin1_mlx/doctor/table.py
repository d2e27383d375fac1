"""All findings about this machine, and their table. Nothing is downloaded.

Folders are not named, so that the table can be shown to others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..files import printable
from .machine import (
    Finding,
    find_devices,
    find_ffmpeg,
    find_folders,
    find_port,
    find_software,
    find_weights,
)
from .trial import Trial, compare, find_example, read_stored, run_apart


def examine() -> Iterator[Finding]:
    """All findings, one after the other. The trials come last and take seconds."""
    from ..network.backend import has_gpu

    yield from find_software()
    yield from _guarded("devices", find_devices)
    yield from _guarded("ffmpeg", lambda: [find_ffmpeg()])
    yield from _guarded("weights", find_weights)
    yield from _guarded("folders", find_folders)
    yield find_port()
    song = find_example()
    if song is None:
        yield Finding("example song", "missing; install the package again", "FAULT")
        return
    yield from _try_out(song, gpu=has_gpu())


def format_table(findings: Iterable[Finding]) -> str:
    """The findings as lines of text with aligned columns."""
    rows = [(finding.state, finding.subject, printable(finding.found)) for finding in findings]
    width = max((len(subject) for _, subject, _ in rows), default=0)
    return "".join(f"{state:<6} {subject:<{width}}  {found}\n" for state, subject, found in rows)


def _guarded(subject: str, find: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of a function, or a fault if it fails, so that the table is always complete."""
    try:
        yield from find()
    except Exception as e:  # any fault of this machine belongs in the table
        yield Finding(subject, f"{type(e).__name__}: {e}", "FAULT")


def _try_out(song: Path, *, gpu: bool) -> Iterator[Finding]:
    """Analyse the example song on the CPU, then on the GPU; compare with the stored result."""
    stored = read_stored()
    on_cpu = run_apart(song, "CPU")
    yield _judge("example on the CPU", on_cpu, stored)
    if not gpu:
        return
    on_gpu = run_apart(song, "GPU")
    yield _judge("example on the GPU", on_gpu, stored)
    if isinstance(on_cpu, Trial) and isinstance(on_gpu, Trial):
        between = compare(on_gpu, on_cpu)
        yield Finding("GPU beside CPU", str(between), "ok" if between.agrees else "FAULT")


def _judge(subject: str, trial: Trial | str, stored: Trial) -> Finding:
    """Compare a trial with the stored result. trial: a result, or one line about its fault."""
    if isinstance(trial, str):
        return Finding(subject, trial, "FAULT")
    if trial.sha256 != stored.sha256:
        return Finding(subject, "the bundled weights are not those of the stored result", "FAULT")
    found = compare(trial, stored)
    took = f"{found} as stored, {trial.seconds:.1f} s{trial.note and '; ' + trial.note}"
    return Finding(subject, took, "ok" if found.agrees else "FAULT")
