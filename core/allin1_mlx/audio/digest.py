"""What tells one sound file from another: the SHA-256 of its bytes.

It changes with tags and encoding, and not with the file's name. Written as 64 hex digits.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike

from ..errors import AudioError
from ..files import printable_name


def file_digest(path: str | PathLike[str]) -> str:
    """SHA-256 of a file's bytes as 64 hex digits. Raises as `check_file`."""
    check_file(path)
    digest = hashlib.sha256()
    with _told(path), open(path, "rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def check_file(path: str | PathLike[str]) -> None:
    """Raise AudioError where there is no file, or nothing in it, or no permission to read it."""
    name = printable_name(path)
    with _told(path):
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(f"{name}: is a folder; name the sound files in it")
        if not stat.S_ISREG(mode):
            raise AudioError(f"{name}: is not a regular file; save the sound to a file first")
        with open(path, "rb") as file:
            if not file.read(1):
                raise AudioError(f"{name}: is empty (0 bytes); export or fetch it again")


@contextmanager
def _told(path: str | PathLike[str]) -> Iterator[None]:
    """What the system says of a file, as one line for the user."""
    name = printable_name(path)
    try:
        yield
    except FileNotFoundError:
        raise AudioError(f"{name}: there is no such file; check its name and folder") from None
    except PermissionError:
        raise AudioError(f"{name}: may not be read (no permission); change its rights") from None
    except OSError as e:
        raise AudioError(f"{name}: cannot be read ({e.strerror}); check the disk") from e
    except ValueError:
        raise AudioError(f"{name}: is not a possible file name") from None
