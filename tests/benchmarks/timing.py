"""How exact beats are in time: offset and jitter per set of songs, for several systems in one run.

python tests/benchmarks/timing.py [--root ROOT] [--weights-dir DIR] [--madmom-python PYTHON]
    [--sets SET ...]

Composed songs, played on the spot, have exact truth; the example song is one of them. ROOT holds
annotated songs as <set>/<song>/{mix.ogg,beats.txt}. With DIR the published ensemble harmonix-all
runs too; with PYTHON, an interpreter that has madmom installed, its published decoder does.
For each song: the error of each beat within 70 ms of the truth; its median (offset), its standard
deviation (jitter), the 95th percentile of its size, the share of beats within 10 ms. Of sets,
medians of songs; "worse" is the number of songs whose jitter is above that of the raw beats.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile

from allin1_mlx.analysis import Analysis
from allin1_mlx.decoding.meters import find_beats
from allin1_mlx.options import DecodingOptions
from allin1_mlx.pipeline import Analyzer
from allin1_mlx.types import SAMPLE_RATE
from allin1_mlx.weights import Access
from allin1_mlx_training import composer
from allin1_mlx_training.evaluate import f_measure
from allin1_mlx_training.music.score import BASS, Score
from allin1_mlx_training.synth import perform

WINDOW = 0.07  # seconds: as in the F-measure
LONGEST = 150.0  # seconds of a composed song
BREAK = 20.0  # seconds without drums and bass
ASSETS = Path(__file__).parents[2] / "assets"
MADMOM = """
import json, sys
from madmom.features.downbeats import DBNDownBeatTrackingProcessor, RNNDownBeatProcessor
act, dbn = RNNDownBeatProcessor(), DBNDownBeatTrackingProcessor([3, 4], fps=100)
print(json.dumps([dbn(act(song))[:, 0].tolist() for song in sys.argv[1:]]))
"""

Periods = Callable[[int, float], np.ndarray]  # beats and seconds per beat -> seconds of each beat
Song = tuple[str, Path, np.ndarray]  # set, sound file, true beats


def typed(bpm: float) -> Periods:
    return lambda beats, period: np.full(beats, 60 / bpm)


def drift(beats: int, period: float) -> np.ndarray:
    return period * (1 + 0.04 * np.sin(np.arange(beats) / beats * 3 * np.pi))


def ritardando(beats: int, period: float) -> np.ndarray:
    last = min(beats, int(LONGEST / period) - 4)  # the slowing beats are within the song's length
    factors = np.ones(beats)
    factors[last - 16 : last] = np.linspace(1, 1.45, 16)
    return period * factors


def sudden(beats: int, period: float) -> np.ndarray:
    return period * np.where(np.arange(beats) < min(beats, 240) // 2, 1.0, 0.86)


COMPOSED: tuple[tuple[str, str, int, Periods, float], ...] = (  # set, style, seed, tempo, swing
    ("typed", "rock", 8001, typed(128), 0.5),
    ("typed", "pop", 8002, typed(97.5), 0.5),
    ("typed", "eurodance", 8003, typed(140), 0.5),
    ("typed", "synthwave", 8004, typed(110), 0.5),
    ("swing", "rock", 8005, typed(120), 0.62),
    ("swing", "pop", 8006, typed(104), 0.62),
    ("break", "synthwave", 8007, typed(124), 0.5),
    ("break", "rock", 8008, typed(100), 0.5),
    ("drift", "pop", 8009, drift, 0.5),
    ("drift", "rock", 8010, drift, 0.5),
    ("ritardando", "rock", 8011, ritardando, 0.5),
    ("ritardando", "pop", 8012, ritardando, 0.5),
    ("sudden", "pop", 8013, sudden, 0.5),
    ("sudden", "rock", 8014, sudden, 0.5),
)


@contextmanager
def tempo(periods: Periods, swing: float) -> Iterator[None]:
    """The composer writes songs with these beats."""
    draw = composer._grid

    def grid(rng, style, bpm, form):
        drawn = draw(rng, style, bpm, form)
        steps = periods(len(drawn.positions), 60 / bpm)
        times = 0.7 + np.concatenate([[0], np.cumsum(steps)])
        return replace(drawn, times=times, swing=swing, swing_beats=1.0)

    with mock.patch.object(composer, "_grid", grid):
        yield


def compose(folder: Path, sets: list[str]) -> Iterator[Song]:
    for name, style, seed, periods, swing in COMPOSED:
        if sets and name not in sets:
            continue
        with tempo(periods, swing):
            score = composer.compose_score(seed, style=style)
        if name == "break":
            leave_out(score, start=score.beats[len(score.beats) // 3])
        length = min(score.duration, LONGEST)
        file = folder / f"{name}{seed}.flac"
        soundfile.write(file, perform(score)[:, : int(length * SAMPLE_RATE)].T, SAMPLE_RATE)
        yield name, file, np.array([t for t in score.beats if t < length])


def leave_out(score: Score, *, start: float) -> None:
    """Remove drums and bass for BREAK seconds."""
    parts = [drum.hits for drum in score.drums]
    parts += [track.notes for track in score.tracks if track.stem == BASS]
    for part in parts:
        part[:] = [event for event in part if not start <= event.start < start + BREAK]


def find_songs(root: Path | None, sets: list[str]) -> Iterator[Song]:
    if not sets or "example" in sets:
        truth = json.loads((ASSETS / "example.json").read_text())
        yield "example", ASSETS / "example.ogg", np.array(truth["beats"])
    for file in sorted(root.glob("*/*/beats.txt")) if root else ():
        if not sets or file.parent.parent.name in sets:
            yield file.parent.parent.name, file.parent / "mix.ogg", np.loadtxt(file)[:, 0]


def errors(beats: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The distance of each beat near a true one to it."""
    distance = beats[:, None] - truth
    nearest = np.abs(distance).argmin(axis=1)
    error = distance[np.arange(len(beats)), nearest]
    return error[np.abs(error) < WINDOW]


def score_song(beats: np.ndarray, truth: np.ndarray) -> tuple[float, ...]:
    """F, and in ms: offset, jitter, 95th percentile; share of beats within 10 ms.

    All but F are NaN where fewer than half the beats match.
    """
    error = errors(beats, truth) * 1000 if len(beats) else np.zeros(0)
    f = f_measure(list(truth), [t for t in beats if t <= truth[-1] + 1], window=WINDOW)
    if len(error) < len(beats) / 2 or not len(error):
        return f, np.nan, np.nan, np.nan, np.nan
    size = np.abs(error)
    return f, *map(
        float, (np.median(error), error.std(), np.quantile(size, 0.95), (size < 10).mean())
    )


def raw_beats(analysis: Analysis, analyzer: Analyzer) -> np.ndarray:
    """The beats as the decoder finds them, without a grid."""
    kept, network = analysis.activations, analyzer.network
    return find_beats(kept, threshold=network.threshold, steady=network.steady).times


def run_madmom(python: str, songs: list[Song]) -> list[np.ndarray]:
    waves = []
    with tempfile.TemporaryDirectory() as folder:
        for index, (_, file, _) in enumerate(songs):
            samples, rate = soundfile.read(file)
            waves.append(str(Path(folder, f"{index}.wav")))
            soundfile.write(waves[-1], samples, rate)
        run = subprocess.run(
            [python, "-c", MADMOM, *waves], capture_output=True, text=True, check=True
        )
    return [np.array(beats) for beats in json.loads(run.stdout.splitlines()[-1])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="annotated songs")
    parser.add_argument("--weights-dir", type=Path, help="folder of the published weights")
    parser.add_argument("--madmom-python", help="an interpreter that has madmom")
    parser.add_argument("--sets", nargs="*", default=[], help="only these; default all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        songs = [
            *compose(Path(folder), options.sets),
            *find_songs(options.root, options.sets),
        ]
        bundled = Analyzer("bundled")
        analyses = [bundled(file, activations=True) for _, file, _ in songs]
        found = {
            "grid": [np.array(analysis.beats) for analysis in analyses],
            "raw": [raw_beats(analysis, bundled) for analysis in analyses],
        }
        if options.weights_dir:
            ensemble = Analyzer(
                "harmonix-all",
                weights=Access(options.weights_dir),
                decoding=DecodingOptions(beats="raw"),
            )
            found["harmonix-all"] = [np.array(ensemble(file).beats) for _, file, _ in songs]
        if options.madmom_python:
            found["madmom"] = run_madmom(options.madmom_python, songs)
    print_table(songs, found)


def print_table(songs: list[Song], found: dict[str, list[np.ndarray]]) -> None:
    print(
        f"{'set':12}{'system':14}{'songs':>7}{'F':>7}{'offset':>8}{'jitter':>8}{'95 %':>7} ms"
        f"{'<10 ms':>8}{'worse':>7}"
    )
    for group in dict.fromkeys(name for name, _, _ in songs):
        members = [index for index, (name, _, _) in enumerate(songs) if name == group]
        scores = {
            system: np.array([score_song(beats[i], songs[i][2]) for i in members])
            for system, beats in found.items()
        }
        for system, rows in scores.items():
            timed = rows[np.isfinite(rows[:, 1]), 1:]
            middle = np.median(timed, axis=0) if len(timed) else [np.nan] * 4
            offset, jitter, most, near = middle
            worse = int((np.round(rows[:, 2], 1) > np.round(scores["raw"][:, 2], 1)).sum())
            print(
                f"{group:12}{system:14}{len(timed):>3}/{len(members):<3}{rows[:, 0].mean():7.3f}"
                f"{offset:8.1f}{jitter:8.1f}{most:10.1f}{near:8.0%}{worse:7}"
            )


if __name__ == "__main__":
    main()
