"""Arrangements by people with known phrases: the MIDI files of the POP909 songs.

POP909 (Wang et al., ISMIR 2020, MIT licence) with the phrases of Dai et al. (2020). This command
writes a file that `midi.load_midi` reads:

    python -m allin1_mlx_training.music.pop909_midi pop909.tar.xz phrases.json.gz

A section is one phrase, or several equal ones in a row. The functions of the phrases are not
annotated, so labels are not among the known tasks. All songs are in 4/4; they have no drums.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections import defaultdict
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from .command import read_paths
from .midi import MidiPart, MidiSong, read_notes
from .pop909 import BEATS, PART_OF_PHRASE, STEPS, read_phrases

PIANO = 0  # program of all tracks
KNOWN = ["beat", "downbeat", "tempo", "voice", "section"]
MATCHED = 0.97  # least share of melody notes that lie where the annotators' grid has them
NEAR = 0.3  # beats between two places that count as the same
FIRST_BARS = 40  # beats before the annotators' first bar, at most
STEADY = 0.3  # greatest standard deviation of the number of beats in a bar


def pack(archive: str | Path, out: str | Path) -> int:
    """Write the songs whose annotations agree with their notes. Returns their number."""
    files: dict[str, dict[str, bytes]] = defaultdict(dict)
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member) if member.isfile() else None
            if content is not None:
                path = Path(member.name)
                files[path.parent.name][path.name] = content.read()
    songs = [
        song
        for name in sorted(files)
        if "human_label1.txt" in files[name]
        if (song := read_song(name, files[name])) is not None
    ]
    with open(out, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.write(json.dumps([asdict(song) for song in songs]).encode())
    return len(songs)


def read_song(name: str, files: dict[str, bytes]) -> MidiSong | None:
    """One song of the archive; None if the phrases can't be placed on its beats."""
    named = read_notes(mido.MidiFile(file=io.BytesIO(files[f"{name}.mid"])))
    melody = named.pop("MELODY", [])
    others = [MidiPart(PIANO, notes) for notes in named.values()]
    beats, _, downbeats = np.loadtxt(io.BytesIO(files["beat_midi.txt"])).T
    first = find_first_bar(melody, beats, files["melody.txt"].decode())
    bars = np.flatnonzero(downbeats)
    if first is None or not others or np.std(np.diff(bars)) > STEADY or (first - bars[0]) % BEATS:
        return None
    edges, labels = _sections(files["human_label1.txt"].decode())
    frames = [beats[min(first + BEATS * bar, len(beats) - 1)] for bar in edges]
    duration = max(note[0] + note[1] for part in others for note in part.notes) + 1.0
    return MidiSong(
        name=f"pop909/{name}",
        duration=duration,
        parts=[MidiPart(PIANO, melody), *others],
        drums=[],
        beats=beats.tolist(),
        positions=((np.arange(len(beats)) - first) % BEATS + 1).tolist(),
        sections=[
            (float(a), float(b), label)
            for (a, b), label in zip(pairwise(frames), labels, strict=True)
        ],
        known=KNOWN,
        performed=False,
        sung=0,
    )


def find_first_bar(
    melody: list[tuple[float, float, int, float]], beats: NDArray[np.float64], text: str
) -> int | None:
    """The beat at which the annotators' first bar begins; None if no place fits the melody.

    text: the melody on their grid, lines "pitch sixteenths" with pitch 0 for rests.
    """
    written, step = [], 0
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 2:
            if int(fields[0]) > 0:
                written.append(step / STEPS)
            step += int(float(fields[1]))
    if not melody or not written:
        return None
    played = np.interp([note[0] for note in melody], beats, np.arange(len(beats)))
    shifts = np.arange(FIRST_BARS)
    distances = np.abs(np.array(written)[:, None] + shifts[:, None, None] - played).min(axis=2)
    matched = (distances < NEAR).mean(axis=1)
    return int(shifts[matched.argmax()]) if matched.max() >= MATCHED else None


def _sections(text: str) -> tuple[list[int], list[str]]:
    """The bars at which sections begin and the last one ends; a label for each section."""
    edges, letters = [0], [""]
    for letter, bars in read_phrases(text):
        if letter == letters[-1] or (bars < 2 and letters[-1]):
            edges[-1] += bars
        else:
            edges.append(edges[-1] + bars)
            letters.append(letter)
    labels = [PART_OF_PHRASE.get(x, "bridge" if x.isupper() else "inst") for x in letters[1:]]
    return edges, ["verse" if label == "prechorus" else label for label in labels]


def main() -> None:
    """Run the command in the module's docstring."""
    archive, out = read_paths(
        "Pack the arrangements of POP909.",
        archive="pop909.tar.xz",
        out="the .json.gz to write",
    )
    pack(archive, out)


if __name__ == "__main__":
    main()
