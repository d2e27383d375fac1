"""Notes and drum hits of a General MIDI soundfont, played by the program fluidsynth.

It is needed to make a bank, not for training, which reads the bank's file. Written for
FluidR3_GM.sf2 (Frank Wen, MIT licence; Debian's fluid-soundfont-gm). Times are seconds.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from allin1_mlx.errors import AllInOneError
from allin1_mlx.types import SAMPLE_RATE

from .voices import Sound

PROGRAMS = {
    **dict.fromkeys((0, 1, 2, 3), "piano"),
    **dict.fromkeys((4, 5), "epiano"),
    **dict.fromkeys((6, 7), "clav"),
    **dict.fromkeys((8, 11, 12, 13, 14), "bell"),
    **dict.fromkeys((16, 17, 18, 19, 21), "organ"),
    **dict.fromkeys((24, 25), "acoustic"),
    **dict.fromkeys((26, 27), "clean"),
    28: "muted",
    **dict.fromkeys((29, 30), "power"),
    32: "upright",
    **dict.fromkeys((33, 34, 35), "finger"),
    36: "slap",
    **dict.fromkeys((38, 39), "synthbass"),
    **dict.fromkeys((40, 44, 48, 49, 50), "strings"),
    **dict.fromkeys((45, 46, 104, 107), "pluck"),
    **dict.fromkeys((52, 53, 54), "choir"),
    **dict.fromkeys((56, 57, 60, 61, 62, 63), "brass"),
    **dict.fromkeys((65, 66, 68, 71), "reed"),
    **dict.fromkeys((73, 75), "flute"),
    80: "square",
    **dict.fromkeys((81, 82, 83), "lead"),
    **dict.fromkeys((84, 87), "saw"),
    90: "supersaw",
    **dict.fromkeys((88, 89, 91, 94, 95), "pad"),
}  # program -> family of patches.FAMILIES
KITS = (0, 8, 16, 24, 25, 32, 40, 48)
PIECE_NOTES = {
    "kick": (35, 36),
    "snare": (38, 40),
    "rim": (37,),
    "clap": (39,),
    "hat": (42, 44),
    "ohat": (46,),
    "ride": (51, 53, 59),
    "crash": (49, 57, 55),
    "tomh": (48, 50),
    "tomm": (45, 47),
    "toml": (41, 43),
    "tamb": (54,),
    "cowbell": (56,),
    "conga": (62, 63, 64),
    "shaker": (69, 70, 82),
    "block": (75, 76),
}
BASSES = ("upright", "finger", "slap", "synthbass")
GAP = 0.5  # seconds between the end of a note and the start of the next one

Event = tuple[float, float, int, int]  # start, end, MIDI note, velocity


def program_notes(path: str, program: int, *, seconds: float) -> tuple[int, list[Sound]]:
    """All notes in the useful range of a program: (lowest pitch, mono sounds of `seconds`).

    Programs of the family "power" are played as root, fifth and octave.
    """
    family = PROGRAMS[program]
    low, high = (28, 56) if family in BASSES else (40, 64) if family == "power" else (40, 89)
    step = seconds + GAP
    intervals = (0, 7, 12) if family == "power" else (0,)
    events = [
        (i * step, i * step + seconds, pitch + interval, 100)
        for i, pitch in enumerate(range(low, high))
        for interval in intervals
    ]
    sound = _render(path, events, program=program, channel=0)
    return low, [_cut(sound, i * step, seconds) for i in range(high - low)]


def kit_hits(path: str, kit: int) -> list[tuple[str, int, Sound, Sound]]:
    """(piece, MIDI note, soft hit, hard hit) for the pieces of a drum kit, mono, 2 s each."""
    wanted = [(piece, note) for piece, notes in PIECE_NOTES.items() for note in notes]
    step = 2.0 + GAP
    events = [
        ((2 * i + hard) * step, (2 * i + hard) * step + 1.0, note, (70, 115)[hard])
        for i, (_, note) in enumerate(wanted)
        for hard in (0, 1)
    ]
    sound = _render(path, events, program=kit, channel=9)
    return [
        (piece, note, _cut(sound, 2 * i * step, 2.0), _cut(sound, (2 * i + 1) * step, 2.0))
        for i, (piece, note) in enumerate(wanted)
    ]


def _cut(sound: Sound, start: float, seconds: float) -> Sound:
    first = round(start * SAMPLE_RATE)
    return sound[first : first + round(seconds * SAMPLE_RATE)]


def _render(path: str, events: list[Event], *, program: int, channel: int) -> Sound:
    """Dry mono sound of one program's notes."""
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder, "notes.mid"), Path(folder, "notes.wav")
        midi.write_bytes(_midi(events, program=program, channel=channel))
        command = ["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", "1.0"]
        command += ["-r", str(SAMPLE_RATE), "-O", "float", "-F", str(wav), path, str(midi)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except FileNotFoundError as e:
            raise AllInOneError("fluidsynth is not installed: a soundfont needs it") from e
        except subprocess.CalledProcessError as e:
            reason = e.stderr.decode(errors="replace").strip()
            raise AllInOneError(f"{Path(path).name}: fluidsynth failed: {reason}") from e
        sound: NDArray[np.float32] = soundfile.read(wav, dtype="float32", always_2d=True)[0]
    tail = np.zeros(5 * SAMPLE_RATE, np.float32)
    return np.concatenate([sound.mean(axis=1), tail])


def _midi(events: list[Event], *, program: int, channel: int) -> bytes:
    """A standard MIDI file with one track; a tick is 1 ms."""
    messages = [(0.0, bytes([0xC0 | channel, program]))]
    for start, end, note, velocity in events:
        messages.append((start, bytes([0x90 | channel, note, velocity])))
        messages.append((end, bytes([0x80 | channel, note, 0])))
    messages.sort(key=lambda message: message[0])
    track, now = b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big"), 0
    for time, message in messages:
        tick = round(time * 1000)
        track += _variable_length(tick - now) + message
        now = tick
    track += _variable_length(2000) + b"\xff\x2f\x00"
    return struct.pack(">4sIHHH4sI", b"MThd", 6, 0, 1, 1000, b"MTrk", len(track)) + track


def _variable_length(number: int) -> bytes:
    digits = [number & 127]
    while number := number >> 7:
        digits.insert(0, (number & 127) | 128)
    return bytes(digits)
