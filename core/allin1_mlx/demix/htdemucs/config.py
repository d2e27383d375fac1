"""Dimensions of the Hybrid Transformer Demucs, read from a checkpoint.

Names and defaults are those of the authors' program. Lengths are samples at 44.1 kHz.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...errors import CheckpointError
from ...types import SAMPLE_RATE

SOURCES = ("drums", "bass", "other", "vocals")  # in the order of the network's outputs

# Hyperparameters that this implementation fixes. Another value would be another network.
_FIXED = {
    "audio_channels": 2,
    "channels_time": None,
    "growth": 2,
    "wiener_iters": 0,
    "end_iters": 0,
    "cac": True,
    "rewrite": True,
    "freq_emb": 0.2,
    "emb_scale": 10,
    "kernel_size": 8,
    "stride": 4,
    "context": 1,
    "context_enc": 0,
    "t_emb": "sin",
    "t_max_period": 10000.0,
    "t_weight_pos_embed": 1.0,
    "t_sin_random_shift": 0,
    "t_norm_in": True,
    "t_norm_in_group": False,
    "t_group_norm": False,
    "t_norm_first": True,
    "t_norm_out": True,
    "t_layer_scale": True,
    "t_gelu": True,
    "t_cross_first": False,
    "t_sparse_self_attn": False,
    "t_sparse_cross_attn": False,
    "samplerate": SAMPLE_RATE,
}


@dataclass(frozen=True)
class HTDemucsConfig:
    """Dimensions of the network.

    channels: of the outermost layer; each further layer has twice as many.
    fft: length of the spectrogram's frames. bottom: channels in the transformer.
    residual_encoder, residual_decoder: whether these layers have dilated residual branches, with
    residual_depth convolutions on 1/residual_squeeze of the channels.
    segment: number of samples of the network's input.
    """

    channels: int = 48
    depth: int = 4
    fft: int = 4096
    bottom: int = 512
    layers: int = 5
    heads: int = 8
    hidden_scale: float = 4.0
    residual_encoder: bool = True
    residual_decoder: bool = False
    residual_depth: int = 2
    residual_squeeze: int = 8
    segment: int = 10 * SAMPLE_RATE

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, Any], *, name: str) -> HTDemucsConfig:
        """Read the arguments with which the network was built.

        Raises CheckpointError if they are of another kind of network. name: the beginning of its
        message.
        """
        for key, value in _FIXED.items():
            if (seen := kwargs.get(key, value)) != value:
                raise CheckpointError(f"{name}: {key} is {_shown(seen)}, only {value} is known")
        if kwargs.get("sources") not in (list(SOURCES), SOURCES):
            raise CheckpointError(f"{name}: does not separate into {', '.join(SOURCES)}")
        if kwargs.get("multi_freqs"):
            raise CheckpointError(f"{name}: layers by frequency bands (multi_freqs) are not known")
        config = cls(
            channels=_whole(kwargs, "channels", 48, 512, name),
            depth=_whole(kwargs, "depth", 4, 4, name),
            fft=_whole(kwargs, "nfft", 4096, 4096, name),
            bottom=_whole(kwargs, "bottom_channels", 0, 4096, name),
            layers=_whole(kwargs, "t_layers", 5, 32, name),
            heads=_whole(kwargs, "t_heads", 8, 64, name),
            hidden_scale=float(_whole(kwargs, "t_hidden_scale", 4, 16, name)),
            residual_encoder=bool(_whole(kwargs, "dconv_mode", 1, 3, name) & 1),
            residual_decoder=bool(_whole(kwargs, "dconv_mode", 1, 3, name) & 2),
            residual_depth=_whole(kwargs, "dconv_depth", 2, 8, name),
            residual_squeeze=_whole(kwargs, "dconv_comp", 8, 64, name),
            segment=_segment(kwargs.get("segment", 10), name),
        )
        if config.bottom % (4 * config.heads) or config.channels % config.residual_squeeze:
            raise CheckpointError(f"{name}: its numbers of channels do not fit together")
        return config


def _whole(kwargs: Mapping[str, Any], key: str, default: int, most: int, name: str) -> int:
    """A whole number from 1 to `most`."""
    value = kwargs.get(key, default)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 1 <= value <= most or value != int(value):
        raise CheckpointError(
            f"{name}: {key} is {_shown(value)}, expected a whole number from 1 to {most}"
        )
    return int(value)


def _segment(seconds: Any, name: str) -> int:
    if not isinstance(seconds, (int, float, Fraction)) or not Fraction(1, 4) <= seconds <= 60:
        raise CheckpointError(f"{name}: segments of {_shown(seconds)} s, expected 0.25 to 60 s")
    return int(seconds * SAMPLE_RATE)


def _shown(value: Any) -> str:
    """A value as text for one line of an error; nested lists, which can be huge, are shortened."""
    plain = value is None or isinstance(value, (bool, int, float, str, Fraction))
    return str(value)[:40] if plain else f"a {type(value).__name__}"
