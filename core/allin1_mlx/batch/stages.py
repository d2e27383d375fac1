"""The types of a song between the stages of a batch.

    InputSong -> Prepared -> Ready -> Predicted -> Analysed -> Outcome

A song that fails in any stage becomes an Outcome with an error at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..analysis import Analysis
from ..display.pictures.envelope import Envelope
from ..errors import AllInOneError, Cancelled
from ..files import FULL, printable, printable_name
from .naming import InputSong
from .receipts import forget

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..demix.network_input import Spectrograms  # brings MLX
    from ..network.predict import Prediction

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)  # arrays cannot be compared with ==
class Ready:
    """A song with its spectrograms, ready for the network.

    samples: (2, S), None if they are not needed. temporary: files to remove after the analysis.
    """

    song: InputSong
    spectrograms: Spectrograms
    samples: NDArray[np.float32] | None
    envelope: Envelope | None
    temporary: tuple[Path, ...]

    def remove_temporary(self) -> None:
        """Remove the temporary files."""
        for file in self.temporary:
            forget(file)
            file.unlink(missing_ok=True)


@dataclass(frozen=True, eq=False)
class Predicted:
    """A song with the output of the network."""

    ready: Ready
    prediction: Prediction


@dataclass(frozen=True)
class Analysed:
    """A song whose result file exists. changed: whether anything was computed for it."""

    song: InputSong
    analysis: Analysis
    samples: NDArray[np.float32] | None
    envelope: Envelope | None
    changed: bool


@dataclass(frozen=True)
class Outcome:
    """The end of a song: `analysis` and its file `result`, or `error`, one line for the user.

    reused: nothing had to be computed. If only its picture failed, a song has a result and an
    error.
    """

    song: InputSong
    result: Path | None = None
    analysis: Analysis | None = None
    error: str = ""
    reused: bool = False


def attempt(song: InputSong, step: Callable[[], T]) -> T | Outcome:
    """Return the result of a step, or the Outcome of a song if the step failed.

    Cancelled and Ctrl-C are raised, because they stop the whole batch.
    """
    try:
        return step()
    except Cancelled:
        raise
    except Exception as e:  # any error is reported, and the other songs continue
        return Outcome(song, error=explain(e, printable_name(song.path)))


def explain(error: Exception, name: str) -> str:
    """One line about an error. name: of the song."""
    if isinstance(error, AllInOneError):
        text = str(error)
        return text if name in text else f"{name}: {text}"
    if isinstance(error, MemoryError):
        return f"{name}: is too long for this computer's memory; cut it into parts"
    if isinstance(error, OSError) and error.errno in FULL:
        disk = printable(str(error.filename or "the results"))
        return f"{name}: the disk of {disk} is full ({error.strerror}); free some space there"
    if isinstance(error, OSError):
        place = f"{printable_name(error.filename)}: " if error.filename else ""
        return f"{name}: its results cannot be written: {place}{error.strerror or error}"
    _log.debug("%s", name, exc_info=error)
    return f"{name}: unexpected fault: {type(error).__name__}: {error}"
