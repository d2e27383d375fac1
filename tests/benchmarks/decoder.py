"""Compare the beat decoder with the plain Viterbi algorithm: results, time and memory.

    python -m tests.benchmarks.decoder [--songs 300]

Run from the root of the repository. Times are the best of three runs (the plain algorithm: one);
memory is the peak of what Python and NumPy allocate beyond the input. The time of decoding the
sections of one hour is printed too.
"""

import argparse
import time
import tracemalloc

import numpy as np

from allin1_mlx.decoding.beats import decode_beats
from allin1_mlx.decoding.section_peaks import pick_sections

from ..support import viterbi

THRESHOLD = 0.24  # of the published ensemble


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=int, default=300, help="short random songs to agree on")
    songs = parser.parse_args().songs
    equal = sum(agree(viterbi.random_song(seed)) for seed in range(songs))
    print(f"equal on {equal} of {songs} random songs\n")
    print(" frames   decoder      plain   ratio   decoder's memory   equal")
    for frames in (24_000, 60_000):
        song = viterbi.random_song(1, frames=frames)
        fast = min(seconds(decode_beats, song) for _ in range(3))
        plain = seconds(viterbi.decode, song)
        print(
            f"{frames:7d} {fast:7.2f} s {plain:8.2f} s {plain / fast:7.1f} "
            f"{megabytes(song):15.1f} MB   {'yes' if agree(song) else 'NO'}"
        )
    generator = np.random.default_rng(0)
    segment = generator.random(360_000, np.float32)
    label = generator.random((10, 360_000), np.float32)
    begin = time.perf_counter()
    pick_sections(segment, label)
    print(f"\nsections of one hour: {time.perf_counter() - begin:.2f} s")


def agree(song):
    """Whether both give the same beats."""
    found = decode_beats(*song, threshold=THRESHOLD)
    times, positions = viterbi.decode(*song, threshold=THRESHOLD)
    return np.array_equal(found.times, times) and np.array_equal(found.positions, positions)


def seconds(decode, song):
    begin = time.perf_counter()
    decode(*song, threshold=THRESHOLD)
    return time.perf_counter() - begin


def megabytes(song):
    tracemalloc.start()
    decode_beats(*song, threshold=THRESHOLD)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()
