"""The example song that comes with the program."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

NAME = "example.ogg"


def find_example() -> Path | None:
    """Returns the example's file, or None if this installation has none.

    A wheel carries it inside the packages; in a checkout it lies in assets/.
    """
    places = [
        Path(str(files("allin1_mlx"))) / "assets",
        Path(str(files("allin1_mlx_ui"))) / "assets",
        Path(__file__).resolve().parents[2] / "assets",
    ]
    return next((place / NAME for place in places if (place / NAME).is_file()), None)
