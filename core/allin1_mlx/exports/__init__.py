"""The beats and sections of a song in the formats of other programs.

    export(analysis, "midi", "out/song")        # writes out/song.mid
    render(analysis, "audacity")                # the same as bytes, for each suffix

Each module in formats/ defines one format completely. The command line, the page's menu and the
README use these definitions. Corrections made by hand are included. Songs without beats or sections
give valid files without them.
"""

from __future__ import annotations

from importlib import import_module

from .formats import NAMES

TYPE_CHECKING = False  # as in `typing`, which loads slowly

if TYPE_CHECKING:
    from .rendering import export, find_format, render

__all__ = ["NAMES", "export", "find_format", "render"]


def __getattr__(name: str) -> object:
    """The functions, loaded on first use: `allin1-mlx --help` needs the names only."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.rendering"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
