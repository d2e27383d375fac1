"""Many songs: what is finished is reused, names are unique, and what fails does so alone.

songs.py        `analyze_songs`: from songs to outcomes, to be read from top to bottom
work.py         a song on its way, and its outcome
prepare.py      the first step, in other processes: what is finished? decode
byproducts.py   the second: spectrograms, new or kept; stems.py: stems kept as sound
finishing.py    the last: pictures and sound
inputs.py       which songs are meant        naming.py    what their results are called
outputs.py      what is written, and where   results.py   how
receipts.py     what files were made from    faults.py    what went wrong, as one line
workers.py      processes on this machine    cluster.py   workers of a Ray cluster
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .naming import Song, name_songs
    from .songs import analyze_songs
    from .work import Outcome

__all__ = ["Outcome", "Song", "analyze_songs", "name_songs"]

_HOMES = {
    "Outcome": ".work",
    "Song": ".naming",
    "analyze_songs": ".songs",
    "name_songs": ".naming",
}  # loaded when first used: processes that decode and draw have no need of MLX


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
