"""The dimensions of a network, as the file beside its weights gives them, within limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import show_value
from ..types import LABELS

LOGITS = 3 + len(LABELS)  # beat, downbeat, section, then the labels
CLASSES_PER_OCTAVE = 20
LOWEST_TEMPO = 30 * 2**0.5  # BPM, the middle of the first tempo class
BANDS = 81  # frequencies that the embedding shrinks to one
LIMITS = {
    "stems": (1, 16),
    "bands": (BANDS, BANDS),
    "dim": (2, 1024),
    "heads": (1, 64),
    "depth": (1, 13),
    "step": (1, 64),
    "shortest": (0, 100_000),
    "mlp_ratio": (1, 16),
    "threshold": (0, 1),
    "tempo_classes": (0, 512),
}  # the least and the most of each dimension; a deeper network would see more than any song


@dataclass(frozen=True)
class Config:
    """Dimensions of a network, and its decoder's threshold.

    stems: K, inputs of the network (4, or 1 for the mix). dim: C. step: frames that become one
    position of the blocks (1 in the published networks). shortest: number of frames up to which a
    shorter song is padded with silence, as in training. threshold: a beat or downbeat below it
    cannot open or close the song. steady: whether its beats are decoded with `tempo_space.STEADY`.
    voice: whether one more output gives the probability that somebody sings. tempo_classes: number
    of outputs for the tempo, classes of 1 / CLASSES_PER_OCTAVE octave from LOWEST_TEMPO up.
    """

    stems: int = 4
    bands: int = 81
    dim: int = 24
    heads: int = 2
    depth: int = 11
    step: int = 1
    shortest: int = 0
    mlp_ratio: int = 4
    instrument_attention: bool = True
    threshold: float = 0.24
    steady: bool = False
    voice: bool = False
    tempo_classes: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a dimension outside of LIMITS, or heads that do not divide dim."""
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} is {show_value(value)}, expected {least} to {most}")
        if self.dim % 2 or self.dim % self.heads:
            raise ValueError(f"dim is {self.dim}, expected an even multiple of {self.heads} heads")

    @property
    def outputs(self) -> int:
        """Logits per frame: LOGITS, then voice, then the tempo classes, where there are any."""
        return LOGITS + int(self.voice) + self.tempo_classes

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """Read the hyperparameters as the published harmonix checkpoints name them."""
        return cls(
            stems=int(values["data"]["num_instruments"]),
            bands=int(values["dim_input"]),
            dim=int(values["dim_embed"]),
            heads=int(values["num_heads"]),
            depth=int(values["depth"]),
            step=int(values.get("frames_per_step", 1)),
            shortest=int(values.get("min_frames", 0)),
            mlp_ratio=int(values["mlp_ratio"]),
            instrument_attention=bool(values["instrument_attention"]),
            threshold=float(values["best_threshold_downbeat"]),
            steady=bool(values.get("steady_tempo", False)),
            voice=bool(values.get("voice", False)),
            tempo_classes=int(values.get("tempo_classes", 0)),
        )

    def to_dict(self) -> dict[str, Any]:
        """The hyperparameters, in the form that `from_dict` reads."""
        return {
            "data": {"num_instruments": self.stems},
            "dim_input": self.bands,
            "dim_embed": self.dim,
            "num_heads": self.heads,
            "depth": self.depth,
            "frames_per_step": self.step,
            "min_frames": self.shortest,
            "mlp_ratio": self.mlp_ratio,
            "instrument_attention": self.instrument_attention,
            "best_threshold_downbeat": self.threshold,
            "steady_tempo": self.steady,
            "voice": self.voice,
            "tempo_classes": self.tempo_classes,
        }
