"""The errors of this package.

    AllInOneError               something the user can read and act on
    ├── UsageError              options that contradict each other or do not exist
    ├── AudioError              a file that cannot be read as music
    ├── StemsError              stems that are missing or do not fit together
    ├── WeightsError            weights that are missing or cannot be trusted
    │   └── DownloadError       ... because the download failed
    ├── CheckpointError         a checkpoint file that is damaged, hostile or of another model
    └── ResultError             a result file (JSON) that is not valid
        └── EditError           a correction that is malformed or does not fit its song

    Cancelled                   not an error: raised inside `on_progress` to stop a computation

A message names the file and says what was found and what to do.
"""

from __future__ import annotations


class AllInOneError(Exception):
    """Base of all errors with a message for the user.

    about: a word for which a program can add a hint, such as an option: "stems", "ray",
    "recursive", or "download NAME" for missing weights. Empty if there is no hint.
    """

    def __init__(self, message: str = "", *, about: str = "") -> None:
        super().__init__(message)
        self.about = about


class UsageError(AllInOneError):
    """Options that contradict each other, or an unknown name."""


class AudioError(AllInOneError):
    """An input that cannot be decoded or analysed."""


class StemsError(AllInOneError):
    """Stem files that are missing or differ in length or sample rate."""


class WeightsError(AllInOneError):
    """Weights that were requested but cannot be found or downloaded."""


class DownloadError(WeightsError):
    """Weights that could not be downloaded or did not pass verification."""


class CheckpointError(AllInOneError):
    """A checkpoint that is damaged, hostile, or does not fit its model."""


class ResultError(AllInOneError):
    """A result file that is not valid."""


class EditError(ResultError):
    """A correction that is malformed or does not fit its song."""


class Cancelled(Exception):  # noqa: N818 - a request, not an error
    """Raise inside an `on_progress` callback to stop the computation."""


def show_value(value: object) -> str:
    """A value of any type and size as text for a message, at most 40 printable characters."""
    if isinstance(value, (list, tuple, dict)):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 120:
        return "a number of more than 36 digits"  # Python refuses to print very long integers
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
