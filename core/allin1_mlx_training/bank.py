"""The bank: notes and drum hits as short templates of 81-band spectrograms.

A template is (L, 81) at 100 frames/s. It starts PRE frames before its onset, because a frame's
window covers that much time before its centre. Templates are stored as power, because power adds up
when sounds are mixed: 255 logarithmic steps over 80 dB below the loudest value of the array, 0 for
silence. The gain that brings a template to unit loudness is stored with it.

    python -m allin1_mlx_training.bank --out bank.npz [--soundfont FluidR3_GM.sf2]
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.errors import AllInOneError
from allin1_mlx.files import count_cores
from allin1_mlx.log_spectrogram import FRAME, filterbank
from allin1_mlx.types import HOP

from .instruments.drums import LONG, PIECES, strike
from .instruments.patches import FAMILIES, draw_patch
from .instruments.soundfont import KITS, PROGRAMS, kit_hits, program_notes
from .instruments.voices import Sound, play

PRE = 3  # frames of a template before its onset
LENGTH = 105  # frames of a note's template
NOTE_SECONDS = 1.2
LOUD_BANDS = slice(2, 12)  # frames after the start of a hit in which its peak is measured
LOUD_SPAN = 20  # frames over which a note's loudness is averaged; the loudest such span counts
DECIBELS = 80.0
# Power of each of the 256 steps, relative to the loudest.
POWERS = (10.0 ** (DECIBELS / 10 * (np.arange(256) / 255 - 1))).astype(np.float32)
POWERS[0] = 0

# Number of instruments of each family, if it differs from PATCHES.
PATCHES = 8
MORE_PATCHES = {"male": 14, "female": 14, "synthbass": 12, "supersaw": 12, "power": 12, "pad": 12}
HITS = 24
MORE_HITS = {"kick": 60, "snare": 60, "clap": 36, "hat": 48, "ohat": 36, "crash": 30}
SYLLABLES = 3  # variants of each pitch of a singer


@dataclass(frozen=True)
class Instrument:
    """The notes of one instrument: templates (P, V, L, 81) uint8, from pitch `low` upwards in
    semitones.

    gain: (P, V) float32, the power factor for unit loudness.
    """

    name: str
    family: str
    low: int
    templates: NDArray[np.uint8]
    gain: NDArray[np.float32]

    def power(self, pitch: int, variant: int) -> NDArray[np.float32]:
        """The note nearest to `pitch`, moved by octaves if needed, at unit loudness: (L, 81)
        float32.
        """
        P, V = self.gain.shape
        index = pitch - self.low
        while index >= P:
            index -= 12
        while index < 0:
            index += 12
        index, voice = min(index, P - 1), variant % V
        return POWERS[self.templates[index, voice]] * self.gain[index, voice]


@dataclass(frozen=True)
class Drum:
    """One drum, soft and hard: templates (2, L, 81) uint8; gain: float32, the same for both."""

    name: str
    piece: str
    templates: NDArray[np.uint8]
    gain: np.float32

    def power(self, *, hard: bool) -> NDArray[np.float32]:
        """A hit, with unit peak if hard: (L, 81) float32."""
        return POWERS[self.templates[int(hard)]] * self.gain


@dataclass(frozen=True)
class Bank:
    """All instruments by family, and all drums by name."""

    instruments: dict[str, tuple[Instrument, ...]]
    drums: dict[str, tuple[Drum, ...]]


def analyse(sound: Sound) -> NDArray[np.float32]:
    """Linear band magnitudes of mono sound: (S,) -> (T, 81), as in the network's input."""
    T = -(-len(sound) // HOP)
    padded = np.zeros(T * HOP + FRAME, np.float32)
    padded[FRAME // 2 : FRAME // 2 + len(sound)] = sound
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:T]
    spectrum = np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32), axis=1)
    magnitude: NDArray[np.float32] = np.abs(spectrum[:, : FRAME // 2]).astype(np.float32)
    return magnitude @ filterbank()


def template(sound: Sound, *, frames: int) -> NDArray[np.float32]:
    """The power of a sound that starts at sample 0: (frames, 81), PRE frames early."""
    shifted = np.concatenate([np.zeros(PRE * HOP, np.float32), sound])
    power = analyse(shifted)[:frames] ** 2
    return np.pad(power, ((0, frames - len(power)), (0, 0)))


def quantise(power: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Convert power to steps of POWERS below the peak of the array; same shape."""
    level = np.log10(np.maximum(power / max(float(power.max()), 1e-20), 1e-12))
    return np.round(255 * np.clip(1 + 10 * level / DECIBELS, 0, 1)).astype(np.uint8)


def note_loudness(power: NDArray[np.float32]) -> float:
    """Mean power of a note's template (L, 81) over its loudest LOUD_SPAN frames."""
    sounding = power[PRE:].sum(axis=1)
    spans = [sounding[i : i + LOUD_SPAN].mean() for i in range(0, len(sounding), LOUD_SPAN)]
    return float(max(spans))


def note_gain(templates: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The gains for unit power at the loudest part of each note: (P, V, L, 81) -> (P, V)."""
    P, V = templates.shape[:2]
    loudness = np.empty((P, V), np.float32)
    for p in range(P):
        for v in range(V):
            loudness[p, v] = note_loudness(POWERS[templates[p, v]])
    floor = 0.1 * loudness.mean()  # a nearly silent note stays soft
    return np.asarray(1 / np.maximum(loudness, floor), np.float32)


def load_bank(*paths: str | Path) -> Bank:
    """Read bank files and join them. Raises AllInOneError if a file is not a bank."""
    instruments: dict[str, list[Instrument]] = {}
    drums: dict[str, list[Drum]] = {}
    for path in paths:
        with np.load(path) as archive:
            for key in archive.files:
                kind, family, name, low = [*key.split("|"), "", "", ""][:4]
                templates = archive[key]
                if kind == "note":
                    instrument = Instrument(name, family, int(low), templates, note_gain(templates))
                    instruments.setdefault(family, []).append(instrument)
                elif kind == "drum":
                    peak = POWERS[templates[1, LOUD_BANDS]].sum(axis=1).max()
                    gain = np.float32(1 / max(float(peak), 1e-6))
                    drums.setdefault(family, []).append(Drum(name, family, templates, gain))
                else:
                    raise AllInOneError(
                        f"{Path(path).name}: not a bank of templates (found the array {key!r}); "
                        "make one with python -m allin1_mlx_training.bank"
                    )
    return Bank(
        {family: tuple(found) for family, found in instruments.items()},
        {piece: tuple(found) for piece, found in drums.items()},
    )


def _patch_notes(job: tuple[str, int]) -> tuple[str, NDArray[np.uint8]]:
    family, seed = job
    patch = draw_patch(family, seed)
    variants = SYLLABLES if family in ("male", "female") else 1
    notes = [
        [
            template(play(patch, pitch=p, seconds=NOTE_SECONDS, variant=v), frames=LENGTH)
            for v in range(variants)
        ]
        for p in range(patch.low, patch.high)
    ]
    return f"note|{family}|own{seed}|{patch.low}", quantise(np.array(notes))


def _drum_hits(job: tuple[str, int]) -> tuple[str, NDArray[np.uint8]]:
    piece, seed = job
    frames = LENGTH * (2 if piece in LONG else 1)
    hits = [template(strike(piece, seed=seed, velocity=v), frames=frames) for v in (0.45, 1.0)]
    return f"drum|{piece}|own{seed}", quantise(np.array(hits))


def _program(job: tuple[str, int]) -> tuple[str, NDArray[np.uint8]]:
    path, program = job
    low, sounds = program_notes(path, program, seconds=NOTE_SECONDS)
    notes = np.array([[template(sound, frames=LENGTH)] for sound in sounds])
    return f"note|{PROGRAMS[program]}|gm{program}|{low}", quantise(notes)


def _kit(job: tuple[str, int]) -> list[tuple[str, NDArray[np.uint8]]]:
    path, kit = job
    out = []
    for piece, note, soft, hard in kit_hits(path, kit):
        frames = LENGTH * (2 if piece in LONG else 1)
        hits = np.array([template(sound, frames=frames) for sound in (soft, hard)])
        out.append((f"drum|{piece}|kit{kit}_{note}", quantise(hits)))
    return out


def build(
    *, jobs: int, soundfont: str = "", synthesised: bool = True
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield all arrays of the bank by name: synthesised first, then those of a soundfont."""
    patches = [(f, i) for f in FAMILIES for i in range(MORE_PATCHES.get(f, PATCHES))]
    hits = [(p, i) for p in PIECES for i in range(MORE_HITS.get(p, HITS))]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        if synthesised:
            yield from pool.imap(_patch_notes, patches)
            yield from pool.imap(_drum_hits, hits, chunksize=8)
        if soundfont:
            yield from pool.imap(_program, [(soundfont, program) for program in PROGRAMS])
            for drums in pool.imap(_kit, [(soundfont, kit) for kit in KITS]):
                yield from drums


def main() -> None:
    """Run the command in the module's docstring."""
    parser = argparse.ArgumentParser(description="Make the bank of note and drum templates.")
    parser.add_argument("--out", required=True, help="the .npz to write")
    parser.add_argument("--soundfont", default="", help="General MIDI .sf2, played by fluidsynth")
    parser.add_argument(
        "--only-soundfont", action="store_true", help="leave out the synthesised instruments"
    )
    parser.add_argument("--jobs", type=int, default=count_cores())
    options = parser.parse_args()
    made = build(
        jobs=options.jobs, soundfont=options.soundfont, synthesised=not options.only_soundfont
    )
    arrays: dict[str, Any] = dict(made)
    np.savez_compressed(options.out, **arrays)


if __name__ == "__main__":
    main()
