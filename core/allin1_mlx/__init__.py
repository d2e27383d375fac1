"""Music structure analysis on one's own computer: tempo, beats, downbeats, labelled sections.

    from allin1_mlx import analyze
    analysis = analyze("song.mp3")
    analysis.bpm, analysis.beats, analysis.downbeats, analysis.segments

`Analyzer` keeps its network for many songs. The rungs below it can be entered one by one:
`load_audio` -> `spectrogram` or `spectral_stems` -> `predict` -> `decode_beats`, `pick_sections`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .analysis import Analysis
    from .audio import load_audio
    from .decoding.beats import decode_beats
    from .decoding.sections import pick_sections
    from .demix.spectral import spectral_stems
    from .network.predict import predict
    from .pipeline import Analyzer, analyze
    from .spectrogram import spectrogram
    from .types import Activations, Detection, Segment, Tempo

from .errors import AllInOneError, Cancelled

__all__ = [
    "Activations",
    "AllInOneError",
    "Analysis",
    "Analyzer",
    "Cancelled",
    "Detection",
    "Segment",
    "Tempo",
    "analyze",
    "decode_beats",
    "load_audio",
    "pick_sections",
    "predict",
    "spectral_stems",
    "spectrogram",
]

_HOMES = {
    "Activations": ".types",
    "Analysis": ".analysis",
    "Analyzer": ".pipeline",
    "Detection": ".types",
    "Segment": ".types",
    "Tempo": ".types",
    "analyze": ".pipeline",
    "decode_beats": ".decoding.beats",
    "load_audio": ".audio",
    "pick_sections": ".decoding.sections",
    "predict": ".network.predict",
    "spectral_stems": ".demix.spectral",
    "spectrogram": ".spectrogram",
}  # loaded when first used: MLX and NumPy take longer to start than `--help` may


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
