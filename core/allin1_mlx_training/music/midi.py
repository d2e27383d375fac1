"""Read compositions from MIDI files, with exact beats.

    python -m allin1_mlx_training.music.midi midi.tar.xz midi.json.gz

reads the pack (files and `index.json`) and writes all songs as plain notes, which
`midi_arrangement` turns into scores. Times are seconds. Beats are those that people tap: eighths if
a metre of eighths is slow enough, otherwise groups of three.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mido
import numpy as np

from allin1_mlx.types import LABELS

from .command import read_paths

INDEX = "index.json"
DRUM_CHANNEL, SUSTAIN, VOLUME = 9, 64, 7  # MIDI channel and controllers
FASTEST_EIGHTHS, SLOWEST = 215.0, 50.0  # BPM of the beats


@dataclass(frozen=True)
class MidiPart:
    """One instrument: program, and notes as (start, seconds, pitch, level)."""

    program: int
    notes: list[tuple[float, float, int, float]]


@dataclass(frozen=True)
class MidiSong:
    """A composition.

    drums: (time, MIDI note, level). known: the tasks for which its truth is reliable. sections:
    (start, end, label), empty without markers. performed: whether its beats are those of a
    performance without a fixed tempo. sung: index of the part that is always sung, -1 for none.
    """

    name: str
    duration: float
    parts: list[MidiPart]
    drums: list[tuple[float, int, float]]
    beats: list[float]
    positions: list[int]
    sections: list[tuple[float, float, str]]
    known: list[str]
    performed: bool
    sung: int = -1


def read_song(data: bytes, entry: dict[str, Any], annotations: str) -> MidiSong | None:
    """Read one file of the pack. Returns None if its beats are not known.

    annotations: for a performance, its beats as lines "time, time, b or db", else "".
    """
    midi = mido.MidiFile(file=io.BytesIO(data), clip=True)
    events, clock = _absolute(midi)
    parts, drums = _notes(events)
    if annotations:
        beats, positions = _annotated(annotations)
        known = ["beat", "downbeat", "tempo", "voice"]
    else:
        beats, positions = _metric(midi, clock, entry)
        known = ["beat", "tempo", "voice"] + ["downbeat"] * (entry.get("downbeat_rank") == 1)
    if len(beats) < 8 or not SLOWEST <= 60 / np.median(np.diff(beats)) <= FASTEST_EIGHTHS:
        return None
    duration = max(note[0] + note[1] for part in parts for note in part.notes)
    sections = _sections(entry["sections"], duration)
    return MidiSong(
        name=entry["path"],
        duration=duration + 1.0,
        parts=parts,
        drums=drums,
        beats=beats,
        positions=positions,
        sections=sections,
        known=known + (["section", "label"] if sections else []),
        performed=bool(annotations),
    )


class Clock:
    """Converts ticks to seconds through all changes of tempo."""

    def __init__(self, tempos: list[tuple[int, int]], ticks_per_beat: int) -> None:
        self.ticks_per_beat = ticks_per_beat
        self._ticks, self._seconds, self._tempos = [0], [0.0], [500_000]
        for tick, tempo in tempos:
            at = self.seconds(tick)
            self._ticks.append(tick)
            self._seconds.append(at)
            self._tempos.append(tempo)

    def seconds(self, tick: float) -> float:
        """The time of a tick."""
        i = int(np.searchsorted(self._ticks, tick, side="right")) - 1
        passed = (tick - self._ticks[i]) / self.ticks_per_beat * self._tempos[i] / 1e6
        return self._seconds[i] + passed


def _absolute(midi: Any) -> tuple[list[tuple[float, Any]], Clock]:
    """All messages of all tracks by time in seconds."""
    messages = []
    for number, track in enumerate(midi.tracks):
        tick = 0
        for message in track:
            tick += message.time
            messages.append((tick, number, message))
    messages.sort(key=lambda m: m[0])
    tempos = [(tick, m.tempo) for tick, _, m in messages if m.type == "set_tempo"]
    clock = Clock(tempos, midi.ticks_per_beat)
    return [(clock.seconds(tick), m) for tick, _, m in messages], clock


def _notes(
    events: list[tuple[float, Any]],
) -> tuple[list[MidiPart], list[tuple[float, int, float]]]:
    """Parts by channel and program, and drums."""
    program: dict[int, int] = defaultdict(int)
    volume: dict[int, float] = defaultdict(lambda: 1.0)
    pedal: dict[int, bool] = defaultdict(bool)
    open_notes: dict[tuple[int, int], tuple[float, float, int]] = {}
    held: dict[int, list[int]] = defaultdict(list)
    notes: dict[tuple[int, int], list[tuple[float, float, int, float]]] = defaultdict(list)
    drums = []

    def close(channel: int, pitch: int, time: float) -> None:
        if (channel, pitch) in open_notes:
            start, level, used = open_notes.pop((channel, pitch))
            notes[channel, used].append((start, max(0.03, time - start), pitch, level))

    for time, m in events:
        if m.type == "program_change":
            program[m.channel] = m.program
        elif m.type == "control_change" and m.control == VOLUME:
            volume[m.channel] = m.value / 100
        elif m.type == "control_change" and m.control == SUSTAIN:
            pedal[m.channel] = m.value >= 64
            if not pedal[m.channel]:
                for pitch in held.pop(m.channel, []):
                    close(m.channel, pitch, time)
        elif m.type == "note_on" and m.velocity > 0:
            level = m.velocity / 100 * volume[m.channel]
            if m.channel == DRUM_CHANNEL:
                drums.append((time, m.note, level))
                continue
            close(m.channel, m.note, time)
            open_notes[m.channel, m.note] = (time, level, program[m.channel])
        elif m.type in ("note_off", "note_on"):
            if pedal[m.channel]:
                held[m.channel].append(m.note)
            else:
                close(m.channel, m.note, time)
    end = events[-1][0]
    for channel, pitch in list(open_notes):
        close(channel, pitch, end)
    return [MidiPart(program, sorted(found)) for (_, program), found in notes.items()], drums


def read_notes(midi: mido.MidiFile) -> dict[str, list[tuple[float, float, int, float]]]:
    """The notes of each named track that has any; the first track contains the tempos."""
    named = {}
    for track in midi.tracks[1:]:
        alone = mido.MidiFile(ticks_per_beat=midi.ticks_per_beat)
        alone.tracks = [midi.tracks[0], track]
        parts, _ = _notes(_absolute(alone)[0])
        if parts:
            named[track.name] = parts[0].notes
    return named


def _annotated(text: str) -> tuple[list[float], list[int]]:
    """Beats of a performance; positions count from each downbeat."""
    beats: list[float] = []
    downbeats: list[int] = []
    for line in text.splitlines():
        time, _, kind = line.split("\t")[:3]
        if kind.startswith("db"):
            downbeats.append(len(beats))
        beats.append(float(time))
    if len(downbeats) < 2:
        return [], []
    bar = np.searchsorted(downbeats, np.arange(len(beats)), side="right") - 1
    first = downbeats[0]
    pickup = max(downbeats[1] - first, first)  # beats that count up to the first downbeat
    starts = np.array([*downbeats, first - pickup])[bar]  # bar -1 is the pickup's
    positions = (np.arange(len(beats)) - starts + 1).tolist()
    return beats, positions


def _metric(midi: Any, clock: Clock, entry: dict[str, Any]) -> tuple[list[float], list[int]]:
    """Beats of the tempo map and the time signatures."""
    signatures: dict[int, tuple[int, int]] = {0: (4, 4)}
    for track in midi.tracks:
        tick = 0
        for m in track:
            tick += m.time
            if m.type == "time_signature":
                signatures[tick] = (m.numerator, m.denominator)
    end = max(sum(m.time for m in track) for track in midi.tracks)
    ticks = sorted(signatures)
    quarter_bpm = float(np.mean(entry["tempo_range"]))
    beats, positions = [], []
    for start, stop in zip(ticks, [*ticks[1:], end], strict=True):
        count, quarters = _beats_of_bar(*signatures[start], quarter_bpm)
        if not count:
            return [], []
        step = midi.ticks_per_beat * quarters
        number = 0
        while start + number * step < stop - step / 2:
            beats.append(clock.seconds(start + number * step))
            positions.append(number % count + 1)
            number += 1
    return beats, positions


def _beats_of_bar(numerator: int, denominator: int, quarter_bpm: float) -> tuple[int, float]:
    """Number of beats per bar that people tap, and quarters per beat; (0, 0) if none fits."""
    quarters = 4 / denominator
    bpm = quarter_bpm / quarters
    if denominator >= 8 and numerator % 3 == 0 and numerator > 3 and bpm > FASTEST_EIGHTHS:
        numerator, quarters = numerator // 3, quarters * 3
    elif denominator <= 2 and quarter_bpm <= FASTEST_EIGHTHS:  # half notes are felt as quarters
        numerator, quarters = round(numerator * quarters), 1.0
    bpm = quarter_bpm / quarters
    if not SLOWEST <= bpm <= FASTEST_EIGHTHS or not 1 <= numerator <= 12:
        return 0, 0.0
    return numerator, quarters


def _sections(markers: list[list[Any]], duration: float) -> list[tuple[float, float, str]]:
    """The markers as sections from 0 to the marker "end" or the end of the song."""
    found: list[tuple[float, float, str]] = []
    for i, (time, label) in enumerate(markers):
        if label == "end" or label not in LABELS:
            continue
        stop = markers[i + 1][0] if i + 1 < len(markers) else duration
        found.append((float(time), float(stop), label))
    return found


def load_midi(path: str | Path) -> tuple[MidiSong, ...]:
    """Read a file that the command in the module's docstring wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        songs = json.load(file)
    return tuple(
        MidiSong(**{**song, "parts": [MidiPart(**part) for part in song["parts"]]})
        for song in songs
    )


def main() -> None:
    """Run the command in the module's docstring."""
    archive, out = read_paths(
        "Read a pack of MIDI files.",
        archive="midi.tar.xz",
        out="the .json.gz to write",
    )
    with tarfile.open(archive) as pack:
        members = {m.name.removeprefix("./"): m for m in pack.getmembers() if m.isfile()}

        def read(name: str) -> bytes:
            file = pack.extractfile(members[name])
            if file is None:
                raise KeyError(name)
            return file.read()

        songs = []
        for entry in json.loads(read(INDEX))["files"]:
            noted = read(entry["annotations"]).decode() if "annotations" in entry else ""
            song = read_song(read(entry["path"]), entry, noted)
            if song is not None:
                songs.append(asdict(song))
    with gzip.open(out, "wt", encoding="utf-8") as file:
        json.dump(songs, file)


if __name__ == "__main__":
    main()
