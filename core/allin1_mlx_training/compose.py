"""Compose many songs into shards that load fast.

    python -m allin1_mlx_training.compose --out songs --songs 2400 --seed 1 --bank bank.npz
        [--tunes tunes.json.gz] [--midi midi.json.gz] [--phrases phrases.json.gz] [--style STYLE]
        [--wait 40]

Song i has the seed 1 000 000 * seed + i. Some songs are compositions of the MIDI file, others
are arrangements of POP909 (`pop909_midi`). With --wait N, composing pauses while the folder
contains N shards: `train` reads and deletes shards while new ones are composed. These shards
contain what a Corpus stores of each song; `shards` describes the others.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allin1_mlx.files import count_cores

from .bank import Bank, load_bank
from .composer import ComposedSong, compose
from .mixing import draw_sound
from .music.midi import MidiSong, load_midi
from .music.midi_arrangement import arrange
from .music.pop909 import Tune, load_tunes
from .rendering import render
from .shards import write_shard
from .targets import prepare, training_song, write_prepared

SEEDS_PER_RUN = 1_000_000
SONGS_PER_SHARD = 32

MIDI_SHARE = 0.15  # share of songs from MIDI files, if there are any
PHRASES_SHARE = 0.12  # share of songs with known phrases, if there are any
PERFORMED = 0.25  # share of these that are performances without a fixed tempo
PAUSE = 1.0  # seconds between two checks of a full folder


@dataclass(frozen=True)
class Supplies:
    """The material of songs. style: the only style that is composed, "" for all."""

    bank: Bank
    tunes: tuple[Tune, ...]
    midi: tuple[MidiSong, ...]
    phrases: tuple[MidiSong, ...]
    style: str

    def song(self, seed: int) -> ComposedSong:
        """The song of a seed."""
        rng = np.random.default_rng((seed, 4))
        songs = () if self.style else self._draw_songs(rng)
        if not songs:
            return compose(seed, self.bank, style=self.style, tunes=self.tunes)
        score = arrange(songs[int(rng.integers(len(songs)))], rng, seed=seed)
        return ComposedSong(score, render(score, self.bank, draw_sound(rng), rng))

    def _draw_songs(self, rng: np.random.Generator) -> tuple[MidiSong, ...]:
        """The MIDI songs from which a song is drawn; none if it is composed."""
        drawn = rng.random()
        if drawn < MIDI_SHARE:
            performed = rng.random() < PERFORMED
            return tuple(song for song in self.midi if song.performed == performed) or self.midi
        return self.phrases if drawn < MIDI_SHARE + PHRASES_SHARE else ()


_supplies: list[Supplies] = []  # of a worker process


def _prepare(banks: list[str], tunes: str, midi: str, phrases: str, style: str) -> None:
    _supplies.append(
        Supplies(
            load_bank(*banks),
            load_tunes(tunes) if tunes else (),
            load_midi(midi) if midi else (),
            load_midi(phrases) if phrases else (),
            style,
        )
    )


def _work(job: tuple[str, int, list[int], int]) -> None:
    out, number, seeds, wait = job
    while wait and sum(1 for _ in Path(out).glob("songs_*.json")) >= wait:
        time.sleep(PAUSE)
    songs = [_supplies[0].song(seed) for seed in seeds]
    if wait:
        write_prepared(Path(out), number, [prepare(training_song(song)) for song in songs])
    else:
        write_shard(Path(out), number, songs)


def main() -> None:
    """Run the command in the module's docstring."""
    parser = argparse.ArgumentParser(description="Compose songs for training.")
    parser.add_argument("--out", required=True, help="folder to write shards into")
    parser.add_argument("--songs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bank", nargs="+", required=True, help="files of training.bank")
    parser.add_argument("--tunes", default="", help="file of training.music.pop909")
    parser.add_argument("--midi", default="", help="file of training.music.midi")
    parser.add_argument("--phrases", default="", help="file of training.music.pop909_midi")
    parser.add_argument("--style", default="", help="compose songs of this style only")
    parser.add_argument("--wait", type=int, default=0, help="pause while the folder holds N shards")
    parser.add_argument("--jobs", type=int, default=count_cores())
    options = parser.parse_args()
    Path(options.out).mkdir(parents=True, exist_ok=True)
    seeds = [SEEDS_PER_RUN * options.seed + i for i in range(options.songs)]
    jobs = [
        (options.out, n, seeds[i : i + SONGS_PER_SHARD], options.wait)
        for n, i in enumerate(range(0, len(seeds), SONGS_PER_SHARD))
    ]
    # Fork would share the bank's memory, but is unsafe with a GPU: workers load the bank.
    context = multiprocessing.get_context("spawn")
    supplies = (options.bank, options.tunes, options.midi, options.phrases, options.style)
    with context.Pool(options.jobs, _prepare, supplies) as pool:
        for _ in pool.imap_unordered(_work, jobs):
            pass


if __name__ == "__main__":
    main()
