"""One long song: seconds of each stage, the whole command's CPU time, and the most memory.

    python tests/benchmarks/long_song.py [--minutes 4 60] [allin1-mlx's options ...]

The song is the example, over and over. Unix only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

EXAMPLE = Path(__file__).parents[2] / "assets" / "example.ogg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[4, 60])
    options, passed_on = parser.parse_known_args()
    print(
        "| minutes | decode s | spectrogram s | network s | beats s | all s "
        "| CPU s | CPU s a minute | peak MB |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for minutes in options.minutes:
        with tempfile.TemporaryDirectory() as folder:
            write_long_song(Path(folder) / "song.flac", minutes * 60)
            print(measure(Path(folder), minutes, passed_on), flush=True)


def write_long_song(path: Path, seconds: float) -> None:
    """The example as often as it takes."""
    samples, rate = soundfile.read(EXAMPLE, dtype="float32")
    whole = round(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, samples.shape[1]) as file:
        for start in range(0, whole, len(samples)):
            file.write(np.ascontiguousarray(samples[: whole - start]))


def measure(folder: Path, minutes: float, options: list[str]) -> str:
    """Run the command in the folder; a row of the table."""
    command = [sys.executable, "-m", "allin1_mlx.cli.main", "song.flac", "--timings-path", "t"]
    process = subprocess.Popen([*command, *options], cwd=folder, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(process.returncode)
    lines = [json.loads(line) for line in (folder / "t").read_text().splitlines()]
    seconds = {line["stage"]: line["duration"] for line in lines}
    stages = ("decode", "spectrogram", "network", "beats")
    # Linux counts KiB, macOS bytes.
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)
    cells = [f"{seconds.get(stage, 0):.2f}" for stage in stages]
    cpu = usage.ru_utime + usage.ru_stime
    cells += [f"{s:.2f}" for s in (sum(seconds.values()), cpu, cpu / minutes)]
    return f"| {minutes:g} | {' | '.join(cells)} | {peak:.0f} |"


if __name__ == "__main__":
    main()
