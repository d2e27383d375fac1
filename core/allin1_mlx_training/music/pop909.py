"""Tunes by people: melody, chords and phrases of the POP909 songs, for our own arrangements.

POP909 (Wang et al., ISMIR 2020, MIT licence) with the phrases of Dai et al. (2020). This command
packs the needed part of the archive into one small file:

    python -m allin1_mlx_training.music.pop909 pop909.tar.xz tunes.json.gz

All tunes are in 4/4. Times within a bar are beats.
"""

from __future__ import annotations

import gzip
import json
import re
import tarfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .command import read_paths
from .forms import Part
from .harmony import Chord

BEATS = 4  # of a bar
STEPS = 4  # of a beat: melodies are given in sixteenths
# Phrase letters: capitals are sung, X is not repeated, small letters are played.
PART_OF_PHRASE = {"i": "intro", "o": "outro", "A": "verse", "B": "chorus", "C": "prechorus"}
LEAST_BARS, MOST_BARS = 24, 120


@dataclass(frozen=True)
class Tune:
    """A song's melody and harmony, bar by bar.

    chords: for each bar (beat, chord), the first at beat 0; melody: (beat, beats, MIDI pitch).
    """

    bpm: float
    parts: tuple[Part, ...]
    chords: tuple[tuple[tuple[float, Chord], ...], ...]
    melody: tuple[tuple[tuple[float, float, int], ...], ...]

    def chord(self, bar: int, beat: float) -> Chord:
        """The chord at a beat of a bar."""
        changes = self.chords[bar % len(self.chords)]
        return [chord for at, chord in changes if at <= beat + 1e-6][-1]


def load_tunes(path: str | Path) -> tuple[Tune, ...]:
    """Read a packed file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        packed = json.load(file)
    return tuple(
        Tune(
            bpm=one["bpm"],
            parts=tuple(Part(name, bars) for name, bars in one["parts"]),
            chords=tuple(tuple((at, tuple(c)) for at, c in bar) for bar in one["chords"]),
            melody=tuple(tuple((a, n, p) for a, n, p in bar) for bar in one["melody"]),
        )
        for one in packed
    )


def pack(archive: str | Path, out: str | Path) -> int:
    """Pack the archive's songs into one file. Returns their number."""
    files: dict[str, dict[str, str]] = defaultdict(dict)
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member) if member.name.endswith(".txt") else None
            if content is not None:
                path = Path(member.name)
                files[path.parent.name][path.name] = content.read().decode()
    songs = [_song(files[name]) for name in sorted(files) if "human_label1.txt" in files[name]]
    fitting = [s for s in songs if LEAST_BARS <= sum(bars for _, bars in s["parts"]) <= MOST_BARS]
    # The header has no time stamp, so the same songs give the same bytes.
    with open(out, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.write(json.dumps(fitting, separators=(",", ":")).encode())
    return len(fitting)


def _song(texts: dict[str, str]) -> dict[str, Any]:
    parts = _parts(texts["human_label1.txt"])
    bars = sum(count for _, count in parts)
    return {
        "bpm": float(texts["tempo.txt"]),
        "parts": parts,
        "chords": _chords(texts["finalized_chord.txt"], bars),
        "melody": _melody(texts["melody.txt"], bars),
    }


def _parts(text: str) -> list[tuple[str, int]]:
    """Phrases as parts of a form. Equal neighbours are joined; short ones belong to the part
    before.
    """
    parts: list[tuple[str, int]] = []
    for letter, bars in read_phrases(text):
        name = PART_OF_PHRASE.get(letter, "bridge" if letter.isupper() else "inst")
        if parts and (parts[-1][0] == name or bars < 2):
            parts[-1] = (parts[-1][0], parts[-1][1] + bars)
        else:
            parts.append((name, bars))
    return parts


def read_phrases(text: str) -> list[tuple[str, int]]:
    """The letters of phrases with their bars, as in "i4A8B8"."""
    return [(letter, int(bars)) for letter, bars in re.findall(r"([A-Za-z])(\d+)", text)]


def _chords(text: str, bars: int) -> list[list[tuple[float, list[int]]]]:
    """Lines "name [pitch classes] bass beats" -> chord changes of each bar, bass first."""
    changes: list[list[tuple[float, list[int]]]] = [[] for _ in range(bars)]
    beat, chord = 0.0, [0, 4, 7]
    for classes, bass, length in re.findall(r"\[([\d, ]*)\]\s*(-?\d+|\S+)\s+([\d.]+)", text):
        found = [int(x) for x in classes.split(",") if x.strip()]
        if found:
            lowest = int(bass) if bass.isdigit() else found[0]
            chord = [lowest, *(x for x in found if x != lowest)]
        if int(beat // BEATS) < bars:
            changes[int(beat // BEATS)].append((beat % BEATS, chord))
        beat += float(length)
    last = next((bar[0][1] for bar in changes if bar), chord)
    for bar in changes:
        if not bar or bar[0][0] > 0:
            bar.insert(0, (0.0, last))
        last = bar[-1][1]
    return changes


def _melody(text: str, bars: int) -> list[list[tuple[float, float, int]]]:
    """Lines "pitch sixteenths", pitch 0 for rests -> the notes of each bar."""
    notes: list[list[tuple[float, float, int]]] = [[] for _ in range(bars)]
    step = 0
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 2:
            continue
        pitch, length = int(fields[0]), int(float(fields[1]))
        bar, within = divmod(step, BEATS * STEPS)
        if pitch > 0 and bar < bars:
            notes[bar].append((within / STEPS, length / STEPS, pitch))
        step += length
    return notes


def main() -> None:
    """Run the command in the module's docstring."""
    archive, out = read_paths(
        "Pack the POP909 tunes for the composer.",
        archive="pop909.tar.xz",
        out="the .json.gz to write",
    )
    pack(archive, out)


if __name__ == "__main__":
    main()
