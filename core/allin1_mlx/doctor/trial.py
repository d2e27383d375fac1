"""Analyse the example song by the bundled network on one device; compare with the stored result.

trial.npz contains the logits of every STEP-th frame, the beats, the sections, and the SHA-256 of
the weights that made them. It was made on a CPU under Linux. After a change of the network or of
the decoding, write it again from a checkout: `python -m allin1_mlx.doctor.trial`.

Each trial runs in a separate process, because a faulty driver can end the process.
"""

from __future__ import annotations

from concurrent.futures import TimeoutError as TooSlow
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..batch.workers import deaf_to_interrupts, open_pool

if TYPE_CHECKING:
    from ..network.model import Config

Device = Literal["CPU", "GPU"]

STORED = Path(__file__).parent / "trial.npz"
STEP = 20  # frames between two stored logits
SECONDS = 60.0  # seconds after which a trial is stopped
CLOSE_LOGITS = 0.02  # probabilities then differ by at most 0.005
CLOSE_TIMES = 0.01  # seconds


@dataclass(frozen=True, eq=False)
class Trial:
    """The result of the example song.

    logits: (13, T / STEP) float32. beats, starts: seconds of beats and of sections. positions: of
    the beats in the bar. labels: of the sections. sha256: of the weights. seconds: the time that it
    took, without loading. note: about its kernels, or empty.
    """

    logits: NDArray[np.float32]
    beats: NDArray[np.float64]
    positions: NDArray[np.int64]
    starts: NDArray[np.float64]
    labels: NDArray[np.str_]
    sha256: str
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """The differences between two trials.

    logits: the largest difference. beats, sections: (number that agree, total number).
    """

    logits: float
    beats: tuple[int, int]
    sections: tuple[int, int]

    @property
    def agrees(self) -> bool:
        """Whether the results are equal apart from rounding."""
        all_beats, all_sections = (same == total for same, total in (self.beats, self.sections))
        return self.logits <= CLOSE_LOGITS and all_beats and all_sections

    def __str__(self) -> str:
        beats, sections = ("{} of {}".format(*pair) for pair in (self.beats, self.sections))
        return f"logits within {self.logits:.1e}, {beats} beats, {sections} sections the same"


def find_example() -> Path | None:
    """The example song: in the package, or in a checkout's assets. None if it is missing."""
    package = Path(str(files("allin1_mlx")))
    places = (package / "assets", package.parents[1] / "assets")
    found = (place / "example.ogg" for place in places)
    return next((file for file in found if file.is_file()), None)


def read_stored() -> Trial:
    """The stored result. Raises OSError if it is missing."""
    with np.load(STORED, allow_pickle=False) as arrays:
        values = {name: arrays[name] for name in arrays.files}
    return Trial(**{**values, "sha256": str(values["sha256"])})


def run(song: Path, device: Device) -> Trial:
    """Analyse the song on a device, which becomes the default device of this process."""
    from ..audio import file_digest
    from ..network.backend import mx
    from ..pipeline import Analyzer
    from ..weights import bundled_files

    mx.set_default_device(mx.gpu if device == "GPU" else mx.cpu)
    analyzer = Analyzer("bundled")
    analyzer.load()
    start = perf_counter()
    spectrograms = analyzer.make_spectrograms(analyzer.extract_features(song))
    [prediction] = analyzer.predict([spectrograms])
    analysis = analyzer.decode(prediction, spectrograms)
    return Trial(
        logits=prediction.logits[:, ::STEP].copy(),
        beats=np.array(analysis.beats),
        positions=np.array(analysis.beat_positions),
        starts=np.array([segment.start for segment in analysis.segments]),
        labels=np.array([segment.label for segment in analysis.segments]),
        sha256=file_digest(bundled_files()[0]),
        seconds=perf_counter() - start,
        note=_describe_kernels(analyzer.network.folds[0].config),
    )


def _describe_kernels(config: Config) -> str:
    """Which attention kernels an NVIDIA GPU uses; empty on another device."""
    from ..network.backend import has_cuda
    from ..network.layers import uses_cuda_kernels

    if not has_cuda():
        return ""
    special = uses_cuda_kernels(config.heads, config.dim, rows=1, queries=1)
    return "kernels for NVIDIA" if special else "PLAIN KERNELS: those for NVIDIA are wrong here"


def run_apart(song: Path, device: Device) -> Trial | str:
    """Analyse the song in a new process. Returns one line about the fault if it fails."""
    with open_pool(1) as pool:
        with deaf_to_interrupts():
            job = pool.submit(run, song, device)
        try:
            return job.result(timeout=SECONDS)
        except BrokenProcessPool:
            return "the process that computed it was ended by the system or by a driver"
        except (TooSlow, KeyboardInterrupt) as e:
            for process in list((pool._processes or {}).values()):
                process.kill()
            if isinstance(e, KeyboardInterrupt):
                raise
            return f"not finished after {SECONDS:.0f} s"
        except Exception as e:  # every fault of this machine is a line of the table
            return f"{type(e).__name__}: {e}"


def compare(trial: Trial, other: Trial) -> Comparison:
    """Compare a trial with another one that counts as correct."""
    same_shape = trial.logits.shape == other.logits.shape
    return Comparison(
        float(np.abs(trial.logits - other.logits).max()) if same_shape else float("inf"),
        (_count_same(trial.beats, trial.positions, other.beats, other.positions), len(other.beats)),
        (_count_same(trial.starts, trial.labels, other.starts, other.labels), len(other.starts)),
    )


def _count_same(
    times: NDArray[np.float64],
    names: NDArray[np.generic],
    right_times: NDArray[np.float64],
    right_names: NDArray[np.generic],
) -> int:
    """Count the correct events that are among the others: at the same time, with the same name."""
    close = np.abs(times[:, None] - right_times) <= CLOSE_TIMES + 1e-9
    return int((close & (names[:, None] == right_names)).any(axis=0).sum())


def main() -> None:
    """Write the stored result again."""
    song = find_example()
    if song is None:
        raise FileNotFoundError("assets/example.ogg")
    values = asdict(run(song, "CPU"))
    del values["seconds"], values["note"]
    np.savez_compressed(STORED, **values)


if __name__ == "__main__":
    main()
