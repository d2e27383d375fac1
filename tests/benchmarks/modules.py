"""Count the modules of the package that one song passes through, by the Python API and by the CLI.

    python -m tests.benchmarks.modules [--song SONG] [--package FOLDER]

Run from the root of the repository. A module counts if one of its functions is called after
the package was imported and before the result was written.
The network is the bundled one. Without --song the first seconds of the demo song are used, as FLAC.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any

import soundfile

ROOT = Path(__file__).parents[2]
SECONDS = 60  # of the demo song
WAYS = ("API", "CLI")


def load_way(way: str) -> Callable[[str, str], object]:
    """Return a function that analyses a song and writes its result to a folder."""
    if way == "API":
        from allin1_mlx import Analyzer

        def analyse(song: str, folder: str) -> None:
            analysis = Analyzer(model="bundled")(song)
            Path(folder, "result.json").write_text(analysis.to_json(), encoding="utf-8")

        return analyse
    from allin1_mlx.cli.main import main

    return lambda song, folder: main([song, "--model", "bundled", "--out-dir", folder, "--quiet"])


def record_modules(way: str, song: str, folder: str) -> dict[str, set[str]]:
    """The functions that are called, by module, in the order of the first call."""
    analyse = load_way(way)
    called: dict[str, set[str]] = {}

    def record(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        # Bodies of modules and classes are not optimised code, and generated methods have no file.
        if event == "call" and code.co_flags & CO_OPTIMIZED and code.co_filename.endswith(".py"):
            module = str(frame.f_globals.get("__name__", ""))
            if module.partition(".")[0] == "allin1_mlx":
                called.setdefault(module, set()).add(code.co_name)

    threading.setprofile(record)
    sys.setprofile(record)
    try:
        analyse(song, folder)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return called


def main() -> None:
    """Run each way in a process of its own and print the modules."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--song")
    parser.add_argument("--package", default=str(ROOT / "core"), help="the folder of allin1_mlx")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.way:
            called = record_modules(options.way, options.song, folder)
            print(json.dumps({module: sorted(names) for module, names in called.items()}))
            return
        song = options.song or f"{folder}/song.flac"
        if not options.song:
            samples, rate = soundfile.read(ROOT / "assets/example.ogg", frames=SECONDS * 44_100)
            soundfile.write(song, samples, rate)
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--song", song]
            environment = os.environ | {"PYTHONPATH": options.package}
            output = subprocess.run(
                command, env=environment, check=True, capture_output=True, text=True
            )
            called = json.loads(output.stdout.splitlines()[-1])
            print(f"{way}: {len(called)} modules")
            for module, names in called.items():
                print(f"  {module.removeprefix('allin1_mlx.'):32} {', '.join(names)}")


if __name__ == "__main__":
    main()
