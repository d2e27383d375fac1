"""Compose and play the example song of the package, and write it with its truth.

    python -m allin1_mlx_training.example --out assets

writes example.ogg (stereo, Vorbis) and example.json: beats, positions and segments in seconds. Its
seed is greater than those of all training runs (compose.SEEDS_PER_RUN).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from allin1_mlx.types import SAMPLE_RATE

from .composer import assemble
from .music.arrangement import Arranger
from .music.band import Band, Manner
from .music.forms import Part
from .music.grid import make_grid
from .music.harmony import Key, melody
from .music.material import Material
from .music.rhythm import BarPattern, bar_pattern, read_groove
from .music.score import BASS, OTHER, VOCALS, DrumTrack, Score, Track
from .music.styles import Groove, Style
from .shards import truth
from .synth import perform

EXAMPLE_SEED = 2_000_000_000_032
BPM = 116.0
START = 0.35  # seconds of silence before the first beat
VORBIS_QUALITY = 0.6  # soundfile's compression level: 0 is the largest file, 1 the smallest
FORM = [
    Part("intro", 4),
    Part("verse", 8),
    Part("chorus", 8),
    Part("verse", 8),
    Part("chorus", 8),
    Part("outro", 4),
]
KEY = Key(7, "major")
QUIET = {"kick": "X.....x.X.......", "rim": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."}
FULL = {
    "kick": "X.....x.X.x.....",
    "snare": "....X.......X...",
    "ride": "x.o.x.o.x.o.x.o.",
    "tamb": "..x...x...x...x.",
}
STYLE = Style(
    name="example",
    weight=0,
    group="pop",
    tempo=(BPM, BPM, BPM),
    grooves=(FULL,),
    bass=("finger",),
    bass_patterns=("kick",),
    comps=("epiano",),
    comp_patterns=("arp8",),
)
MANNER = Manner(
    loose=0.002,
    push=0.0,
    fills=1.0,
    crash=1.0,
    stops=0.0,
    effects=0.0,
    layering=False,
    contrast=1.0,
    drumless=False,
    sung=True,
    club=False,
    hook_parts=("intro", "outro"),
    rise=0,
    hat_rolls=0.0,
)
DRUMS = {  # levels
    "kick": 1.3,
    "snare": 1.3,
    "rim": 0.6,
    "hat": 0.3,
    "ride": 0.17,
    "tamb": 0.25,
    "crash": 0.45,
    "tomh": 0.8,
    "tomm": 0.8,
    "toml": 0.8,
}
VERSE, CHORUS = (5, 3, 0, 4), (0, 4, 5, 3)  # scale degrees of the chords


def example_score() -> Score:
    """The example's notes."""
    rng = np.random.default_rng(EXAMPLE_SEED)
    grid = make_grid(
        rng,
        bpm=BPM,
        meter=STYLE.meter,
        lengths=np.full(sum(part.bars for part in FORM), STYLE.meter),
        section_ends=set(),
        human=False,
        swing=0.5,
        swing_beats=1.0,
        start=START,
    )
    arranger = Arranger(rng, STYLE, grid, KEY, MANNER, _band())
    quiet: dict[str, Any] = {"level": 0.7, "comps": (True, False, True, False), "register": -4}
    full: dict[str, Any] = {"level": 1.0, "comps": (True,) * 4, "register": -1}
    arranger.materials |= {
        "intro": _material(rng, CHORUS, QUIET, drums="hat", lead="", **quiet),
        "verse": _material(rng, VERSE, QUIET, drums="full", lead="vocals", **quiet),
        "chorus": _material(rng, CHORUS, FULL, drums="full", lead="vocals", **full),
        "outro": _material(rng, CHORUS, QUIET, drums="hat", lead="", **quiet),
    }
    arranger.play_form(FORM)
    return assemble(rng, EXAMPLE_SEED, STYLE, BPM, FORM, grid, arranger.band)


def _band() -> Band:
    return Band(
        bass=Track(BASS, "finger", 1, level=0.9),
        comps=[
            Track(OTHER, "epiano", 1, level=1.0),
            Track(OTHER, "pad", 3, release=0.25, level=0.7),
            Track(OTHER, "acoustic", 2, level=0.7),
            Track(OTHER, "strings", 1, release=0.25, level=0.6),
        ],
        lead=Track(VOCALS, "female", 6, level=0.9),
        double=Track(VOCALS, "choir", 11, level=0.7),
        solo=Track(OTHER, "bell", 1, level=0.5),
        hook=Track(OTHER, "bell", 1, level=0.8),
        drums={piece: DrumTrack(piece, 7, level) for piece, level in DRUMS.items()},
    )


def _material(
    rng: np.random.Generator,
    degrees: tuple[int, ...],
    groove: Groove,
    *,
    drums: str,
    lead: str,
    level: float,
    comps: tuple[bool, ...],
    register: int,
) -> Material:
    """A part of the example with a random melody."""
    meter, per_beat = STYLE.meter, STYLE.steps
    steps = read_groove(groove, rng, steps=meter * per_beat)
    loud = level == 1.0

    def pattern(name: str) -> BarPattern:
        return bar_pattern(name, rng, beats=meter, per_beat=per_beat, kick=steps["kick"][0])

    chords = [KEY.chord(d, size=3) for d in degrees]
    bass = pattern("root8" if loud else "kick")
    figures = ("arp8", "whole", "strum8" if loud else "quarters", "whole")
    return Material(
        key=KEY,
        chords=tuple(chords),
        changes=1.0,
        groove=steps,
        drums=drums,
        bass=(bass, bass) if drums == "full" else None,
        comps=tuple(pattern(name) for name in figures),
        comps_on=comps,
        octave=(0, 12, 0, 12),
        melody=melody(
            rng,
            chords,
            KEY,
            bars=8 if loud else 4,
            beats=meter,
            per_beat=per_beat,
            density=0.34 if loud else 0.26,
            chanted=False,
        ),
        lead=lead,
        register=register,
        level=level,
        doubled=loud,
    )


def write_example(out: str | Path) -> None:
    """Compose and play the example, and write it to a folder."""
    score = example_score()
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    audio = perform(score).T
    with soundfile.SoundFile(
        folder / "example.ogg",
        "w",
        samplerate=SAMPLE_RATE,
        channels=2,
        format="OGG",
        subtype="VORBIS",
        compression_level=VORBIS_QUALITY,
    ) as file:
        # libsndfile's Vorbis encoder keeps a whole write on its stack.
        for start in range(0, len(audio), SAMPLE_RATE):
            file.write(audio[start : start + SAMPLE_RATE])
    text = json.dumps(truth(score), indent=1)
    (folder / "example.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Run the command in the module's docstring."""
    parser = argparse.ArgumentParser(description="Compose and play the example song.")
    parser.add_argument("--out", required=True, help="folder for example.ogg and example.json")
    write_example(parser.parse_args().out)


if __name__ == "__main__":
    main()
