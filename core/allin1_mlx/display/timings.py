"""The time that each stage of each song took.

One JSON object per line: stage, track, start, end, duration. start and end are seconds since 1970,
so that lines of several processes and machines fit into one picture; duration comes from a
monotonic clock. Each line is appended in one write, so several processes can use one file.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ResultError
from ..files import printable_name
from .pictures.figure import save_figure
from .pictures.palette import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class StageTime:
    """One stage of one song. start, end: seconds since 1970. duration: seconds."""

    stage: str
    track: str
    start: float
    end: float
    duration: float


class Timings:
    """Records stages, and appends each to a file when it ends.

    path: the file, which is created with its folder; with None the stages are in `stages` only. A
    stage that fails or is cancelled is not recorded.
    """

    def __init__(self, path: str | PathLike[str] | None = None) -> None:
        self.stages: list[StageTime] = []
        self._path = None if path is None else Path(path)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def stage(self, stage: str, *, track: str) -> Iterator[None]:
        """Measure the time of the block."""
        start, tick = time.time(), time.perf_counter()
        yield
        duration = time.perf_counter() - tick
        self.record(StageTime(stage, track, start, start + duration, duration))

    def record(self, stage: StageTime) -> None:
        """Record a stage that was measured elsewhere, for example in another process."""
        self.stages.append(stage)
        if self._path is not None:
            line = {
                "stage": stage.stage,
                "track": stage.track,
                "start": round(stage.start, 6),
                "end": round(stage.end, 6),
                "duration": round(stage.duration, 6),
            }
            _append(self._path, json.dumps(line, ensure_ascii=False) + "\n")


def read_timings(path: str | PathLike[str]) -> list[StageTime]:
    """Read the lines that `Timings` wrote. Lines cut off by a full disk are skipped.

    Raises ResultError at any other line that is not a timing, OSError if there is no file.
    """
    stages = []
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            stages += [_parse(json.loads(line))] if line.strip() else []
        except json.JSONDecodeError as e:
            if not line.startswith("{"):
                raise _not_a_timing(path, number) from e
        except (KeyError, TypeError, ValueError) as e:
            raise _not_a_timing(path, number) from e
    return stages


def plot_timings(stages: Sequence[StageTime], path: str | PathLike[str]) -> None:
    """Draw stages as bars over time, one row per track, as PNG, PDF or SVG by the suffix.

    Tracks are in the order of their start; with more than MAX_ROWS only the slowest are drawn.
    Raises UsageError at another suffix, OSError if the file cannot be written.
    """
    from matplotlib.figure import Figure  # loads slowly, and only this function needs it

    rows = _rows(stages)
    colours = _colours(stages)
    origin = min((s.start for own in rows.values() for s in own), default=0.0)
    figure = Figure(figsize=(11, 1.6 + 0.3 * max(len(rows), 2)), layout="constrained")
    axes = figure.add_subplot()
    for row, own in enumerate(rows.values()):
        for stage in own:
            axes.barh(
                row,
                stage.duration,
                left=stage.start - origin,
                height=0.66,
                color=colours[stage.stage],
                edgecolor=LIGHT.paper,
                linewidth=0.4,
            )
        end = max(s.end for s in own) - origin
        total = sum(s.duration for s in own)
        axes.text(end, row, f"  {total:.2f} s", va="center", fontsize=8, color=LIGHT.muted)
    _dress(axes, rows, stages)
    _add_legend(figure, stages, colours)
    save_figure(figure, path)


def _not_a_timing(path: str | PathLike[str], number: int) -> ResultError:
    return ResultError(
        f"{printable_name(path)}, line {number}: not the timing of a stage; "
        "expected a JSON object with stage, track, start, end and duration"
    )


def _parse(data: Any) -> StageTime:
    numbers = [float(data[key]) for key in ("start", "end", "duration")]
    if not np.isfinite(numbers).all() or numbers[2] < 0:
        raise ValueError(f"no times: {numbers}")
    return StageTime(str(data["stage"]), str(data["track"]), *numbers)


def _append(path: Path, line: str) -> None:
    """Append a line in one write, so that lines of several processes never mix."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(descriptor, line.encode("utf-8", "replace"))
    finally:
        os.close(descriptor)


def _rows(stages: Iterable[StageTime]) -> dict[str, list[StageTime]]:
    """Stages by track in the order of their start; only the MAX_ROWS slowest tracks."""
    rows: dict[str, list[StageTime]] = {}
    for stage in sorted(stages, key=lambda s: s.start):
        rows.setdefault(stage.track, []).append(stage)
    slowest = sorted(rows, key=lambda track: -sum(s.duration for s in rows[track]))[:MAX_ROWS]
    return {track: own for track, own in rows.items() if track in slowest}


def _colours(stages: Iterable[StageTime]) -> dict[str, str]:
    """A colour for each stage, in the order of first use."""
    names = dict.fromkeys(stage.stage for stage in sorted(stages, key=lambda s: s.start))
    return dict(zip(names, cycle(_PALETTE), strict=False))


def _dress(axes: Axes, rows: dict[str, list[StageTime]], stages: Sequence[StageTime]) -> None:
    """Add track names, title and axes."""
    axes.set_yticks(range(len(rows)), [_short(track) for track in rows], fontsize=8)
    axes.set_ylim(max(len(rows), 2) - 0.5, -0.5)
    axes.margins(x=0.1)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds", color=LIGHT.muted, fontsize=9)
    axes.tick_params(colors=LIGHT.muted, labelcolor=LIGHT.ink, length=0)
    axes.grid(axis="x", color=LIGHT.muted, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    tracks = len({stage.track for stage in stages})
    shown = f", the {len(rows)} slowest shown" if tracks > len(rows) else ""
    worked = sum(stage.duration for stage in stages)
    axes.set_title(
        f"{tracks} {'track' if tracks == 1 else 'tracks'}{shown}, {worked:.2f} s of work",
        loc="left",
        fontsize=11,
        color=LIGHT.ink,
    )


def _add_legend(figure: Figure, stages: Sequence[StageTime], colours: dict[str, str]) -> None:
    """Add the stages with their colours and total times below the picture."""
    from matplotlib.patches import Patch

    totals = dict.fromkeys(colours, 0.0)
    for stage in stages:
        totals[stage.stage] += stage.duration
    handles = [
        Patch(color=colour, label=f"{name}  {totals[name]:.2f} s")
        for name, colour in colours.items()
    ]
    if handles:
        figure.legend(
            handles=handles,
            loc="outside lower left",
            ncols=min(len(handles), 6),
            frameon=False,
            fontsize=9,
        )


def _short(track: str) -> str:
    name = printable_name(track)
    return name if len(name) <= _WIDEST else name[: _WIDEST - 1] + "…"


MAX_ROWS = 60
_WIDEST = 40  # characters of a track's name
# Paul Tol's scheme "muted", for colour-blind readers too.
_PALETTE = (
    *("#88CCEE", "#CC6677", "#DDCC77", "#117733", "#332288"),
    *("#AA4499", "#44AA99", "#999933", "#882255", "#BBBBBB"),
)
