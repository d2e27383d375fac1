"""The values of a song's analysis, and the constants that all parts share.

Times are seconds from the first decoded sample, increasing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .tags import Tags

if TYPE_CHECKING:  # the command line imports this module and must start without NumPy
    import numpy as np
    from numpy.typing import NDArray

# Sections are decided over the whole song, or are peaks of the network as in the reference.
SectionMethod = Literal["joint", "reference"]
BeatTimes = Literal["grid", "raw"]  # refined to the millisecond, or the network's own times
TEMPO_CHANGES = ("1/2", "2", "2/3", "3/2", "offbeat")  # other possible tempos of a song
CONSTANT = 0.95  # share of the intervals at one exact tempo, from which a song counts as constant

SAMPLE_RATE = 44_100  # Hz
FPS = 100  # frames per second of spectrograms, activations and times
CLASSES_PER_OCTAVE = 20  # of the tempo
LOWEST_TEMPO = 30 * 2**0.5  # BPM, the centre of the first class of tempo
TEMPO_FRAMES = 50  # frames that share one judgement of the tempo
HOP = SAMPLE_RATE // FPS  # 441 samples

LONGEST_AUDIO = 43_200  # seconds; in 12 hours, even the fastest tempo gives fewer than MOST_BEATS

# The largest values in a result file, as in analysis.schema.json.
LONGEST_SONG = 86_400  # seconds
LONGEST_BAR = 32  # beats
MOST_BEATS = 200_000
MOST_EDITS = 10_000

STEMS = ("bass", "drums", "other", "vocals")  # in the order of the network's inputs

# Of sections, in the order of the network's outputs.
LABELS = ("start", "end", "intro", "outro", "break", "bridge", "inst", "solo", "verse", "chorus")

Progress = Callable[[str, float], None]  # called with a stage or a file, and its finished fraction


@dataclass(frozen=True)
class Segment:
    """One section of a song: [start, end) in seconds, and its label.

    group: sections of the same music share a letter; None if unknown.
    confidence: 0 to 1, the probability that the label is right; None if unknown.
    """

    start: float
    end: float
    label: str
    group: str | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Loop:
    """A passage that the user saved to practise: [start, end) in seconds, and its name."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Steady:
    """A passage of exactly constant tempo, from its first to its last beat in seconds."""

    start: float
    end: float
    bpm: float


@dataclass(frozen=True)
class TempoLevel:
    """Another possible tempo of the same music.

    change: one of TEMPO_CHANGES, a factor of the tempo, or "offbeat": half a beat later.
    confidence: 0 to 1, the probability that it is the right one.
    """

    bpm: float
    change: str
    confidence: float


@dataclass(frozen=True)
class Tempo:
    """The tempo of a song, and how reliable it is.

    bpm: beats per minute with decimals; None if there are too few beats.
    confidence: 0 to 1, the share of beat intervals that agree with `bpm` (see tempo.py).
    steady: passages of exactly constant tempo. alternatives: other tempos, the most probable first.
    jitter: standard deviation in seconds of the network's beats around the grid; None without one.
    """

    bpm: float | None
    confidence: float
    steady: tuple[Steady, ...] = ()
    alternatives: tuple[TempoLevel, ...] = ()
    jitter: float | None = None

    @property
    def constant(self) -> bool:
        """Whether the whole song has one exact tempo."""
        return self.confidence >= CONSTANT and len({passage.bpm for passage in self.steady}) == 1


@dataclass(frozen=True)
class Activations:
    """The network's frame-wise probabilities, FPS frames per second, float32.

    beat, downbeat, segment: (T,) after the sigmoid.
    label: (10, T) after the softmax, rows as in LABELS.
    tempo: (C, n) mean logarithms of the probabilities of C classes of tempo, in parts of
    TEMPO_FRAMES frames; None if the network does not judge the tempo. Class c stands for
    LOWEST_TEMPO * 2 ** (c / CLASSES_PER_OCTAVE) BPM.
    voice: (T,) that somebody sings; None if the network has no output for it.
    """

    beat: NDArray[np.float32]
    downbeat: NDArray[np.float32]
    segment: NDArray[np.float32]
    label: NDArray[np.float32]
    tempo: NDArray[np.float32] | None = None
    voice: NDArray[np.float32] | None = None


class Edit(ABC):
    """One correction made by hand. The package `edits` defines all kinds."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The edit as a JSON object."""


@dataclass(frozen=True)
class Detection:
    """The detected values of a song that was corrected later. The fields are those of Result."""

    bpm: int | None
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    beat_positions: tuple[int, ...]
    segments: tuple[Segment, ...]
    tempo: Tempo | None
    meter: int | None


@dataclass(frozen=True)
class Result:
    """The content of a result file: the structure of one song and its origin.

    path: the input as the user named it. tags: its title and artist, as the file names them.
    bpm: the most frequent whole tempo, None with fewer than two beats.
    beats, downbeats: seconds. beat_positions: 1 for a downbeat, then 2, 3, ...
    segments: without gaps from 0 to the end.
    duration: seconds. Files of other programs lack this and the following fields, which are None.
    section_method: "joint", or None for the peaks of the network (see SectionMethod).
    bar_one: the downbeat that begins bar 1, None if it is the first downbeat.
    loops: passages that the user saved by name.
    edits: the corrections made by hand, in order; the fields above hold the corrected values.
    detection: the values before the edits, None without edits.
    """

    path: str
    bpm: int | None
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    beat_positions: tuple[int, ...]
    segments: tuple[Segment, ...]
    duration: float | None = None
    tempo: Tempo | None = None
    meter: int | None = None
    model: str | None = None
    demix: str | None = None
    program: str | None = None
    audio_sha256: str | None = None
    section_method: str | None = None
    bar_one: float | None = None
    tags: Tags = Tags()
    loops: tuple[Loop, ...] = ()
    edits: tuple[Edit, ...] = ()
    detection: Detection | None = None


AnyResult = TypeVar("AnyResult", bound=Result)


@dataclass(frozen=True)
class StemMethod:
    """The method that makes the network's stems.

    kind: "none" if the network analyses the mix itself, "external" for user-supplied stems.
    seed: of htdemucs's random delays. digest: 8 hex digits of user-supplied stems, if known.
    """

    kind: Literal["none", "spectral", "htdemucs", "external"]
    seed: int = 0
    digest: str = ""

    @property
    def has_audio(self) -> bool:
        """Whether this method makes audio of the stems, not only their spectrograms."""
        return self.kind in ("htdemucs", "external")

    def __str__(self) -> str:
        """The text in result files: "spectral", "htdemucs seed 5", "external 01ab23cd"."""
        if self.kind == "htdemucs" and self.seed:
            return f"htdemucs seed {self.seed}"
        return f"{self.kind} {self.digest}".rstrip()


@dataclass(frozen=True)
class Provenance:
    """Everything that determines a result: the audio and the settings of the analysis.

    audio_sha256: of the file; empty until the song is known. model: its name, with a digest if the
    file is user-supplied. program: name and version.
    """

    model: str
    stems: StemMethod
    spec_backend: str
    program: str
    audio_sha256: str = ""
    beats: BeatTimes = "grid"
    section_method: SectionMethod = "reference"

    def of_song(self, audio_sha256: str, stems_digest: str = "") -> Provenance:
        """The provenance of one song. stems_digest: of its user-supplied stems."""
        stems = replace(self.stems, digest=stems_digest)
        return replace(self, audio_sha256=audio_sha256, stems=stems)

    def write_to(self, result: AnyResult) -> AnyResult:
        """The result with these values in its fields."""
        return replace(
            result,
            model=self.model,
            demix=str(self.stems),
            program=self.program,
            audio_sha256=self.audio_sha256,
            section_method="joint" if self.section_method == "joint" else None,
        )

    def matches(self, result: Result) -> bool:
        """Whether an analysis with these settings would give this result.

        Results of the bundled model match only in the same version of the program, because another
        version may contain another checkpoint.
        """
        written = self.write_to(result)
        on_grid = result.tempo is not None and result.tempo.jitter is not None
        if result.beats and on_grid != (self.beats == "grid"):
            return False
        if self.model != "bundled":
            written = replace(written, program=result.program)
        return written == result

    @property
    def of_stems(self) -> dict[str, str]:
        """Everything that determines the audio of stems."""
        return {"audio_sha256": self.audio_sha256, "demix": str(self.stems)}

    @property
    def of_spectrograms(self) -> dict[str, str]:
        """Everything that determines spectrograms."""
        return {**self.of_stems, "spec_backend": self.spec_backend}

    @property
    def of_arrays(self) -> dict[str, str]:
        """Everything that determines activations and embeddings."""
        return {**self.of_spectrograms, "model": self.model}


def find_duration(result: Result) -> float:
    """The duration in seconds; if the result has none, the time of its last beat or section."""
    if result.duration is not None:
        return result.duration
    return max((*result.beats[-1:], *(s.end for s in result.segments[-1:])), default=0.0)


def find_bpm(song: Result | Detection) -> float | None:
    """The tempo with decimals if it is known, else the whole `bpm`."""
    if song.tempo is not None and song.tempo.bpm is not None:
        return song.tempo.bpm
    return song.bpm
