"""Analysers that behave well and badly, for tests of the process that runs them."""

import os
import time
from collections.abc import Callable
from typing import Any

from allin1_mlx.analysis import Analysis
from allin1_mlx.demix.features import FeatureOptions
from allin1_mlx.errors import AudioError, WeightsError
from allin1_mlx_ui.choice import Choice

Report = Callable[[str, float], None]


class Analyst:
    """The attributes of an Analyzer besides its work."""

    notice = "using quick; nothing else was found"
    feature_options = FeatureOptions(0)

    def __init__(self, choice: Choice) -> None:
        self.model = choice.model


class Quick(Analyst):
    """Finishes at once."""

    def analyze(self, audio: Any, *, path: str, on_progress: Report, **_: Any) -> Analysis:
        on_progress("network", 0.5)
        return Analysis(path, 120, (0.5, 1.0), (0.5,), (1, 2), (), model=self.model)


class Patient(Analyst):
    """Never finishes, but can be cancelled."""

    def analyze(self, audio: Any, *, path: str, on_progress: Report, **_: Any) -> Analysis:
        while True:
            on_progress("network", 0.5)
            time.sleep(0.01)


class Deaf(Analyst):
    """Never finishes, and cannot be cancelled."""

    def analyze(self, audio: Any, *, path: str, on_progress: Report, **_: Any) -> Analysis:
        on_progress("network", 0.5)
        time.sleep(600)
        raise AssertionError


class Moody(Analyst):
    """Behaves as the song's name says."""

    def analyze(self, audio: Any, *, path: str, on_progress: Report, **_: Any) -> Analysis:
        if path == "silent.wav":
            raise AudioError("silent.wav: silence all over")
        if path == "odd.wav":
            raise ZeroDivisionError("7 / 0")
        if path == "huge.wav":
            raise MemoryError
        if path == "deadly.wav":
            os._exit(9)
        return Quick(Choice(self.model)).analyze(audio, path=path, on_progress=on_progress)


def unavailable(choice: Choice) -> Any:
    """An analyser whose weights are missing."""
    raise WeightsError(f"model {choice.model}: not found in mlx-weights")
