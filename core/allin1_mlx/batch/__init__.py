"""Analyse many songs: finished work is reused, names are unique, one failure stops no other song.

songs.py        `analyze_songs`: from songs to outcomes, to be read from top to bottom
stages.py       the types between the stages: Ready, Analysed, Outcome
plan.py         decides what has to be made for a song
prepare.py      first stage, in other processes: plan and decode
byproducts.py   second stage: spectrograms, new or stored
stems.py        stored audio of stems
finishing.py    last stage: exports, pictures, sonifications
inputs.py       finds the songs of a command line
naming.py       names their results
outputs.py      the files and their folders
results.py      writes the files of one song
receipts.py     records what files were made from
workers.py      processes on this machine
cluster.py      workers of a Ray cluster
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .naming import InputSong, name_songs
    from .songs import analyze_songs
    from .stages import Outcome

__all__ = ["InputSong", "Outcome", "analyze_songs", "name_songs"]

_HOMES = {
    "Outcome": ".stages",
    "InputSong": ".naming",
    "analyze_songs": ".songs",
    "name_songs": ".naming",
}  # loaded on first use: processes that decode and draw do not need MLX


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
