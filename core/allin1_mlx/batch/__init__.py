"""Many songs: finished work is reused, names are unique, and a song that fails fails alone.

songs.py        `analyze_songs`: from songs to outcomes, to be read from top to bottom
stages.py       the types between the stages: Ready, Analysed, Outcome
plan.py         what has to be made for a song
prepare.py      first stage, in other processes: plan and decode
byproducts.py   second stage: spectrograms, new or kept; stems.py: kept audio of stems
finishing.py    last stage: exports, pictures, sonifications
inputs.py       the songs of a command line      naming.py    the names of their results
outputs.py      the files and their folders      results.py   how they are written
receipts.py     what files were made from
workers.py      processes on this machine        cluster.py   workers of a Ray cluster
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .naming import Song, name_songs
    from .songs import analyze_songs
    from .stages import Outcome

__all__ = ["Outcome", "Song", "analyze_songs", "name_songs"]

_HOMES = {
    "Outcome": ".stages",
    "Song": ".naming",
    "analyze_songs": ".songs",
    "name_songs": ".naming",
}  # loaded on first use: processes that decode and draw do not need MLX


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
