"""The library: the folder on this computer where the page keeps songs.

    LIBRARY/allin1-mlx-library      marks the folder, and is locked while a server uses it
    LIBRARY/OWNER/songs/ID/         one song: song.json, upload/, activations.npz
    LIBRARY/OWNER/bin/ID/           a removed song, until it is deleted for good

OWNER is `local` without a password, else made from the user's name. Only the user who started
the server can enter the folder (mode 700).
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs

from allin1_mlx.errors import AllInOneError

from .workspace import take_lock

MARK = "allin1-mlx-library"
LOCAL = "local"


class LibraryError(AllInOneError):
    """A folder that cannot be the library."""


def default_library() -> Path:
    """Return the folder for songs in the user's data folder of this platform."""
    return Path(platformdirs.user_data_dir("allin1-mlx", appauthor=False)) / "library"


@dataclass
class Library:
    """The folder where songs are kept, while a server uses it.

    folder: None if nothing is kept. warning: why nothing is kept, although it should be.
    """

    folder: Path | None = None
    warning: str = ""
    lock: IO[str] | None = None

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        if self.lock is not None:
            self.lock.close()


def choose_library(folder: Path | None, *, is_off: bool) -> Library:
    """Open the library of a server.

    folder: named by the user; None for the default. Raises LibraryError if the named folder cannot
    be used. If the default folder cannot be used, the server works and keeps nothing.
    """
    if is_off:
        return Library()
    try:
        return open_library(folder or default_library())
    except LibraryError as e:
        if folder is not None:
            raise
        return Library(warning=f"Songs will not be kept this time: {e}.")


def open_library(folder: Path) -> Library:
    """Lock a folder as a library against other servers, and create it if it is missing.

    Raises LibraryError if another server uses it, if it contains other files, or if it cannot be
    written to.
    """
    path = folder.expanduser().absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = path / MARK
        if not mark.exists() and any(path.iterdir()):
            raise LibraryError(f"{folder} holds other files; name an empty or a new folder")
        lock = mark.open("a")
        path.chmod(0o700)
    except OSError as e:
        raise LibraryError(f"{folder} cannot be used for songs: {e.strerror}") from e
    if os.name == "posix" and not take_lock(lock):
        lock.close()
        raise LibraryError(f"{folder} is in use by another allin1-mlx-ui")
    return Library(path, lock=lock)


def owner_folder(library: Path, user: str) -> Path:
    """Return the folder of a user's songs. user: "" without a password.

    Names that a file system could confuse, such as Anna and anna, have different folders.
    """
    if not user:
        return library / LOCAL
    readable = re.sub(r"[^A-Za-z0-9]+", "-", user)[:40].strip("-")
    digest = hashlib.sha256(user.encode()).hexdigest()[:16]
    return library / f"user-{readable}-{digest}"


def describe_place(library: Path | None, *, has_users: bool) -> str:
    """Return where songs are kept and how to delete them, in one sentence for the page."""
    if library is None:
        return "Nothing is kept: songs and corrections are deleted when you close this tab."
    if has_users:  # other users need not know the folders of the computer
        where = "on the computer that runs this page, and no other user of the page sees them"
    else:
        where = f"on this computer in {library}"
    return (
        f"Songs, results and corrections are kept {where}, until you remove them: "
        "“Remove all” and then “Empty bin” deletes everything."
    )
