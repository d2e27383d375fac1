"""Music structure analysis on your own computer: tempo, beats, downbeats, labelled sections.

    from allin1_mlx import analyze
    analysis = analyze("song.mp3")
    analysis.bpm, analysis.beats, analysis.downbeats, analysis.segments

`Analyzer` keeps its network for many songs. Each step can also be called by itself:
`load_audio`, `spectrogram` (or `magnitudes`, `spectral_stems`, `logarithm`), `predict`,
`activations`, `find_beats`, `refine_beats` (with `measure_onsets`), `pick_sections`,
`snap_to_bars`. `public.py` lists all public names.
"""

from importlib import import_module

TYPE_CHECKING = False  # as in `typing`, which loads slowly

if TYPE_CHECKING:
    from .public import *  # noqa: F403 - listed there only


def __getattr__(name: str) -> object:
    """Import a public name on first use: MLX and NumPy would make `allin1-mlx --help` slow."""
    if name == "__all__":
        return __dir__()
    if not name.startswith("_"):
        names = vars(import_module(f"{__name__}.public"))
        if name in names:
            return names[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    names = vars(import_module(f"{__name__}.public"))
    return [name for name in names if not name.startswith("_")]
