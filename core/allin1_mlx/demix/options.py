"""Options about stems. This module imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

Demix = Literal["auto", "htdemucs", "spectral"]


@dataclass(frozen=True)
class StemOptions:
    """Options for networks that need four stems.

    folder: of user-supplied stems, which are used instead of separation.
    single_song: whether only one song is analysed; only then may the stems be in `folder` itself.
    seed: of the random delays of htdemucs.
    """

    folder: Path | None = None
    single_song: bool = True
    seed: int = 0

    def absolute(self) -> StemOptions:
        """The same options with absolute paths, for a process with another working directory."""
        return replace(self, folder=self.folder and self.folder.absolute())
