"""Convert real compositions from MIDI files to scores with exact beats, played by a bank.

    python -m allin1_mlx_training.music.midi midi.tar.xz midi.json.gz

reads the pack (files and `index.json`) and writes all songs as plain notes. `arrange` turns one
into a Score with random instruments. Times are seconds. Beats are those that people tap: eighths if
a metre of eighths is slow enough, otherwise groups of three.
"""

from __future__ import annotations

import argparse
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

from allin1_mlx.types import LABELS, Segment

from ..instruments.soundfont import PIECE_NOTES, PROGRAMS
from .score import BASS, OTHER, VOCALS, DrumTrack, Hit, Note, Score, Track

Rng = np.random.Generator

INDEX = "index.json"
DRUM_CHANNEL, SUSTAIN, VOLUME = 9, 64, 7  # MIDI channel and controllers
BASS_PROGRAMS = range(32, 40)
PIECES = {note: piece for piece, notes in PIECE_NOTES.items() for note in notes}
MOST_SECONDS = 200.0  # seconds of a rendered song; longer songs are cut differently each time
FASTEST_EIGHTHS, SLOWEST = 215.0, 50.0  # BPM of the beats
SUNG = 0.35  # chance that the highest melody is sung
REPLACED = 0.3  # chance that a track is played by a family of another kind
SYNTHETIC = 0.25  # chance that a whole song is played by synthesisers, as on old computers
SYNTHS = ("square", "saw", "pluck", "lead", "square", "bell")
ANY = ("piano", "epiano", "organ", "strings", "pluck", "saw", "clean", "brass", "square", "lead")
DRUM_LEVELS = {"kick": 1.2, "snare": 1.0, "crash": 0.6, "hat": 0.3, "ride": 0.3}
LEVELS = {BASS: 1.0, OTHER: 0.5, VOCALS: 0.75}


@dataclass(frozen=True)
class Part:
    """One instrument: program, and notes as (start, seconds, pitch, level)."""

    program: int
    notes: list[tuple[float, float, int, float]]


@dataclass(frozen=True)
class MidiSong:
    """A composition.

    drums: (time, MIDI note, level). known: the tasks for which its truth is reliable. sections:
    (start, end, label), empty without markers. performed: whether its beats are those of a
    performance without a fixed tempo.
    """

    name: str
    duration: float
    parts: list[Part]
    drums: list[tuple[float, int, float]]
    beats: list[float]
    positions: list[int]
    sections: list[tuple[float, float, str]]
    known: list[str]
    performed: bool


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

    def __init__(self, tempi: list[tuple[int, int]], ticks_per_beat: int) -> None:
        self.ticks_per_beat = ticks_per_beat
        self._ticks, self._seconds, self._tempi = [0], [0.0], [500_000]
        for tick, tempo in tempi:
            at = self.seconds(tick)
            self._ticks.append(tick)
            self._seconds.append(at)
            self._tempi.append(tempo)

    def seconds(self, tick: float) -> float:
        """The time of a tick."""
        i = int(np.searchsorted(self._ticks, tick, side="right")) - 1
        passed = (tick - self._ticks[i]) / self.ticks_per_beat * self._tempi[i] / 1e6
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
    tempi = [(tick, m.tempo) for tick, _, m in messages if m.type == "set_tempo"]
    clock = Clock(tempi, midi.ticks_per_beat)
    return [(clock.seconds(tick), m) for tick, _, m in messages], clock


def _notes(
    events: list[tuple[float, Any]],
) -> tuple[list[Part], list[tuple[float, int, float]]]:
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
    return [Part(program, sorted(found)) for (_, program), found in notes.items()], drums


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


def arrange(song: MidiSong, rng: Rng, *, seed: int) -> Score:
    """A Score with random instruments, key and register; long songs are cut."""
    first, last = _window(song, rng)
    shift = int(rng.integers(-4, 5))
    synthetic = rng.random() < SYNTHETIC
    singer = _melody(song) if rng.random() < SUNG else -1
    tracks = []
    for number, part in enumerate(song.parts):
        stem, family = _choose(rng, part, sung=number == singer, synthetic=synthetic)
        level = LEVELS[stem] * float(10 ** (rng.normal(0, 3) / 20))
        track = Track(stem, family, int(rng.integers(1 << 16)), 0.08, level)
        for start, seconds, pitch, loud in part.notes:
            if first <= start < last:
                variant = int(start * 3) % 3 if stem == VOCALS else 0
                track.notes.append(Note(start - first, seconds, (pitch + shift,), loud, variant))
        if track.notes:
            tracks.append(track)
    inside = [i for i, beat in enumerate(song.beats) if first - 0.01 <= beat < last]
    beats = [max(0.0, song.beats[i] - first) for i in inside]
    return Score(
        seed=seed,
        style=f"midi {song.name}",
        meter=max(song.positions),
        bpm=float(60 / np.median(np.diff(song.beats))),
        duration=last - first,
        beats=tuple(beats),
        positions=tuple(song.positions[i] for i in inside),
        segments=tuple(
            Segment(max(a, first) - first, min(b, last) - first, label)
            for a, b, label in song.sections
            if b > first and a < last
        ),
        tracks=tuple(tracks),
        drums=_kit(song, rng, first, last),
        electronic=bool(synthetic or rng.random() < 0.3),
        known=tuple(song.known),
    )


def _window(song: MidiSong, rng: Rng) -> tuple[float, float]:
    """The range to render: the whole song, or MOST_SECONDS from a random beat."""
    if song.duration <= MOST_SECONDS:
        return 0.0, song.duration
    starts = [beat for beat in song.beats if beat + MOST_SECONDS < song.duration] or [0.0]
    first = starts[int(rng.integers(len(starts)))] if rng.random() < 0.7 else 0.0
    first = max(0.0, first - float(rng.uniform(0, 0.4)))
    return first, first + MOST_SECONDS


def _melody(song: MidiSong) -> int:
    """The part that is most probably the melody: high, usually one note at a time; -1 for none."""
    best, found = 0.0, -1
    for number, part in enumerate(song.parts):
        starts = np.array([note[0] for note in part.notes])
        ends = np.array([note[0] + note[1] for note in part.notes])
        pitches = np.array([note[2] for note in part.notes])
        if len(starts) < 20 or not 50 <= np.median(pitches) <= 84:
            continue
        alone = float(np.mean(starts[1:] >= ends[:-1] - 0.05))
        value = alone * float(np.median(pitches))
        if alone > 0.8 and value > best:
            best, found = value, number
    return found


def _choose(rng: Rng, part: Part, *, sung: bool, synthetic: bool) -> tuple[int, str]:
    """Stem and family of a part."""
    if sung:
        return VOCALS, str(rng.choice(["male", "female"]))
    if part.program in BASS_PROGRAMS:
        if synthetic:
            return BASS, str(rng.choice(["square", "synthbass"]))
        replaced = rng.random() < REPLACED
        bass = ["finger", "upright", "synthbass", "slap", "sub"]
        return BASS, str(rng.choice(bass)) if replaced else _family(part.program, "finger")
    if synthetic:
        return OTHER, str(rng.choice(SYNTHS))
    if rng.random() < REPLACED:
        return OTHER, str(rng.choice(ANY))
    return OTHER, _family(part.program, "piano")


def _family(program: int, default: str) -> str:
    """The family of a program, or of its nearest neighbour in the same group of eight."""
    near = [p for p in PROGRAMS if p // 8 == program // 8]
    family = PROGRAMS[min(near, key=lambda p: abs(p - program))] if near else default
    return "distlead" if family == "power" else family


def _kit(song: MidiSong, rng: Rng, first: float, last: float) -> tuple[DrumTrack, ...]:
    """The drums, each piece with a random sound."""
    kit: dict[str, DrumTrack] = {}
    for time, note, level in song.drums:
        piece = PIECES.get(note, "")
        if not piece or not first <= time < last:
            continue
        if piece not in kit:
            loud = DRUM_LEVELS.get(piece, 0.5) * float(rng.uniform(0.7, 1.4))
            kit[piece] = DrumTrack(piece, int(rng.integers(1 << 16)), loud)
        kit[piece].hits.append(Hit(time - first, min(1.2, level)))
    return tuple(kit.values())


def load_midi(path: str | Path) -> tuple[MidiSong, ...]:
    """Read a file that the command in the module's docstring wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        songs = json.load(file)
    return tuple(
        MidiSong(**{**song, "parts": [Part(**part) for part in song["parts"]]}) for song in songs
    )


def main() -> None:
    """Run the command in the module's docstring."""
    parser = argparse.ArgumentParser(description="Read a pack of MIDI files.")
    parser.add_argument("pack", type=Path, help="midi.tar.xz")
    parser.add_argument("out", type=Path, help="the .json.gz to write")
    options = parser.parse_args()
    with tarfile.open(options.pack) as pack:
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
    with gzip.open(options.out, "wt", encoding="utf-8") as file:
        json.dump(songs, file)


if __name__ == "__main__":
    main()
