"""Whole commands: long songs, a folder of songs, and madmom's beat tracker beside them.

    python tests/benchmarks/long_song.py [--minutes 4 60 180] [--songs 200]
        [--madmom-python PYTHON] [allin1-mlx's options ...]

Each command is a process of its own. Its wall time, its CPU time with that of its processes, and
the most memory of one process are those of the system. The songs are the example, over and over.
PYTHON is an interpreter that has madmom: its RNN and DBN find beats and downbeats in the first of
the songs. Unix only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from allin1_mlx.files import count_cores

EXAMPLE = Path(__file__).parents[2] / "assets" / "example.ogg"
COMMAND = (sys.executable, "-m", "allin1_mlx.cli.main")
STAGES = ("decode", "spectrogram", "network", "beats", "sections")
MADMOM = """
import sys
from madmom.features.downbeats import DBNDownBeatTrackingProcessor, RNNDownBeatProcessor
print(len(DBNDownBeatTrackingProcessor([3, 4], fps=100)(RNNDownBeatProcessor()(sys.argv[1]))))
"""


@dataclass(frozen=True)
class Usage:
    """What a command needed. wall, cpu: seconds. peak: bytes."""

    wall: float
    cpu: float
    peak: float

    def cells(self, minutes: float) -> str:
        each = self.cpu / minutes
        return f"{self.wall:.2f} | {self.cpu:.2f} | {each:.2f} | {self.peak / 1e6:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[4, 60])
    parser.add_argument("--songs", type=int, default=0, help="mp3 files of 3 minutes in a folder")
    parser.add_argument("--madmom-python", help="an interpreter that has madmom")
    options, passed_on = parser.parse_known_args()
    report(options.minutes, options.songs, options.madmom_python, passed_on)


def report(minutes: Sequence[float], songs: int, madmom: str | None, options: list[str]) -> None:
    """Measure and print tables. The first command is not measured: it compiles the modules."""
    with tempfile.TemporaryDirectory() as name:
        write_song(Path(name) / "song.flac", 5)
        run([*COMMAND, "song.flac", "-q", *options], Path(name))
    ends = "wall s | CPU s | CPU s a minute | peak MB |"
    print(f"| minutes | {' s | '.join(STAGES)} s | {ends}")
    print("|--:|" + "--:|" * (len(STAGES) + 4))
    for length in minutes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_song(folder / "song.flac", length * 60)
            usage = run([*COMMAND, "song.flac", "--timings-path", "t", *options], folder)
            lines = [json.loads(line) for line in (folder / "t").read_text().splitlines()]
            seconds = {line["stage"]: line["duration"] for line in lines}
            cells = " | ".join(f"{seconds.get(stage, 0):.2f}" for stage in STAGES)
            print(f"| {length:g} | {cells} | {usage.cells(length)}", flush=True)
            if madmom and length == minutes[0]:
                write_song(folder / "song.wav", length * 60)
                theirs = run([madmom, "-c", MADMOM, "song.wav"], folder)
                empty = " | " * (len(STAGES) - 1)
                print(f"| {length:g}, madmom | {empty} | {theirs.cells(length)}", flush=True)
    if songs:
        measure_folder(songs, options)


def measure_folder(songs: int, options: list[str]) -> None:
    """Print songs per second, and how busy the cores were."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "songs").mkdir()
        write_song(folder / "songs" / "0.mp3", 180)
        for number in range(1, songs):
            os.link(folder / "songs" / "0.mp3", folder / "songs" / f"{number}.mp3")
        usage = run([*COMMAND, "songs", "-q", *options], folder)
    busy = usage.cpu / usage.wall / count_cores()
    print("\n| songs | wall s | songs a second | CPU s | cores busy | peak MB |")
    print("|--:|--:|--:|--:|--:|--:|")
    print(f"| {songs} | {usage.wall:.1f} | {songs / usage.wall:.2f} | {usage.cpu:.1f} ", end="")
    print(f"| {busy:.0%} of {count_cores()} | {usage.peak / 1e6:.0f} |")


def write_song(path: Path, seconds: float) -> None:
    """The example as often as it takes."""
    samples, rate = soundfile.read(EXAMPLE, dtype="float32")
    whole = round(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, samples.shape[1]) as file:
        for start in range(0, whole, len(samples)):
            file.write(np.ascontiguousarray(samples[: whole - start]))


def run(command: Sequence[str], folder: Path) -> Usage:
    """Run a command in a folder; ends this program where the command fails.

    Its modules are compiled only once, as those of an installed program.
    """
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=sys.stderr, env=compiled)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(process.returncode)
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


if __name__ == "__main__":
    main()
