"""Options of decoding. This module imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..types import BeatTimes, SectionMethod


@dataclass(frozen=True)
class DecodingOptions:
    """How the network's output becomes beats and sections.

    beats: "grid" refines beats to the millisecond and moves sections to bar lines; "raw" returns
    the network's times, in frames of 10 ms.
    sections: "joint" decides sections over the whole song, "reference" uses the network's peaks;
    "auto" is "joint" for networks whose input is the mix.
    """

    beats: BeatTimes = "grid"
    sections: SectionMethod | Literal["auto"] = "auto"
