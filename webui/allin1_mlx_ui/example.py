"""The example song of the program."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

NAME = "example.ogg"


def find_example() -> Path | None:
    """Return the file of the example, or None if this installation has none.

    In a wheel the file is inside the packages; in a checkout it is in assets/.
    """
    places = [
        Path(str(files("allin1_mlx"))) / "assets",
        Path(str(files("allin1_mlx_ui"))) / "assets",
        Path(__file__).resolve().parents[2] / "assets",
    ]
    return next((place / NAME for place in places if (place / NAME).is_file()), None)
