"""Output of the command line: results to standard output, everything else to standard error.

A terminal gets a progress bar with the remaining time; files and pipes get lines only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from ..files import printable
from ..types import find_bpm

if TYPE_CHECKING:
    from ..analysis import Analysis
    from ..batch import Outcome
    from ..batch.naming import InputSong

# Share of each stage in the time of a song, for the progress bar.
SHARES_OF_TIME = {"decode": 0.1, "stems": 0.15, "network": 0.7, "beats": 0.02, "sections": 0.03}

FEW = 5  # a longer list of failures is repeated at the end


class Display:
    """Prints progress and results."""

    def __init__(self, songs: int, *, quiet: bool) -> None:
        self._bar: Any = None  # a bar of tqdm, which loads slowly
        if not quiet and sys.stderr.isatty():
            from tqdm import tqdm

            form = "{l_bar}{bar}| {n:.1f}/{total_fmt} songs [{elapsed}<{remaining}]"
            self._bar = tqdm(total=songs, unit="song", bar_format=form, leave=False)
        self._quiet = quiet
        self._songs = songs
        self._finished = 0
        self._shares: dict[str, float] = {}  # of songs in progress

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, song: InputSong, stage: str, fraction: float) -> None:
        """Show the stage of a song."""
        before = sum(list(SHARES_OF_TIME.values())[: list(SHARES_OF_TIME).index(stage)])
        self._shares[song.path] = before + SHARES_OF_TIME[stage] * fraction
        if self._bar is not None:
            self._bar.set_description(f"{printable(song.name[:30])}: {stage}", refresh=False)
        self._refresh()

    def download(self, _: str, fraction: float) -> None:
        """Show the progress of a download."""
        if self._bar is not None:
            self._bar.set_description(f"downloading weights: {fraction:.0%}")

    def show(self, outcomes: Iterable[Outcome]) -> int:
        """Print the outcome of each song, then a summary. Returns the number of failures."""
        failures: list[str] = []
        reused = 0
        for outcome in outcomes:
            self._finished += 1
            self._shares.pop(outcome.song.path, None)
            self._refresh()
            reused += outcome.reused
            if outcome.error:
                failures.append(outcome.error)
            self._print_outcome(outcome)
        done = self._finished - reused - len(failures)
        if self._songs != 1:
            self.write(f"{done} done, {reused} reused, {len(failures)} failed")
        if len(failures) > FEW:  # a few failures are still visible above
            self._print("\n".join(["failed:", *(f"  {text}" for text in failures)]), sys.stderr)
        return len(failures)

    def write(self, text: str) -> None:
        """Print a result to the standard output."""
        if not self._quiet:
            self._print(text, sys.stdout)

    def note(self, text: str) -> None:
        """Print a remark to standard error."""
        if not self._quiet:
            self._print(f"allin1-mlx: {text}", sys.stderr)

    def _print(self, text: str, stream: TextIO) -> None:
        """Print above the bar."""
        if self._bar is None:
            print(_encodable(text, stream), file=stream)
        else:
            self._bar.write(_encodable(text, stream), file=stream)

    def _print_outcome(self, outcome: Outcome) -> None:
        found = outcome.analysis
        for warning in found.warnings if found else ():
            self.note(warning)
        if outcome.error:
            self._print(f"failed  {outcome.error}", sys.stderr)
        elif found is not None:
            tempo = _write_tempo(found)
            self.write(
                f"{'reused' if outcome.reused else 'done':7} {printable(outcome.song.path)} -> "
                f"{printable(str(outcome.result))} ({tempo}, "
                f"{_count(len(found.beats), 'beat')}, {_count(len(found.segments), 'section')})"
            )

    def _refresh(self) -> None:
        if self._bar is not None:
            self._bar.n = self._finished + sum(self._shares.values())
            self._bar.refresh()


def complain(text: str) -> None:
    """Print to standard error; characters that its encoding lacks are escaped."""
    print(_encodable(text, sys.stderr), file=sys.stderr)


def _write_tempo(analysis: Analysis) -> str:
    bpm = find_bpm(analysis)
    return "no tempo" if bpm is None else f"{bpm:.2f} BPM"


def _count(number: int, noun: str) -> str:
    """A number with its noun: "1 section", "2 sections"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
