"""Complete output files, digests, safe file names, and the number of cores.

An output file is written under a temporary name in its folder and renamed when it is complete. So
an interrupted run leaves no incomplete file under the final name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, count
from os import PathLike
from pathlib import Path
from typing import BinaryIO

DIGITS = 8  # hex digits of a SHA-256 in a file name
ABANDONED = 24 * 3600.0  # seconds after which an unfinished file of another machine is removed
FULL = (errno.ENOSPC, errno.EDQUOT)

_SURROGATES = re.compile("[\ud800-\udfff]")
_TURNS = set(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # change the writing direction
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # controls, undecodable bytes, line and paragraph ends


def digest_of(stream: BinaryIO) -> str:
    """The SHA-256 of a whole file, open for reading, as 64 hex digits."""
    digest = hashlib.sha256()
    stream.seek(0)
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


@contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` unless the block raises.

    A missing folder is created. The temporary name has the same suffix as `path`, because some
    writers choose the format by it. It is hidden, and short enough for names of 255 bytes. Raises
    OSError if the folder cannot be written to; if the disk is full, the error names the folder.
    """
    destination = Path(path)
    destination.parent.mkdir(parents=True, exist_ok=True)
    suffix = destination.suffix if len(os.fsencode(destination.suffix)) < 32 else ""
    unique = f"{_machine()}-{os.getpid()}-{os.urandom(6).hex()}"
    temporary = destination.with_name(f".partial-{unique}{suffix}")
    try:
        yield temporary
        temporary.replace(destination)
    except BaseException as e:
        if isinstance(e, OSError) and e.errno in FULL:
            e.filename = os.fspath(destination.parent.absolute())
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def remove_partial(folder: Path) -> None:
    """Remove temporary files in a folder that belong to processes that were killed.

    A file is kept while its process runs. Files of other machines are kept for ABANDONED seconds.
    """
    for file in folder.glob(".partial-*"):
        with suppress(OSError):  # removed by another process, or no permission
            parts = file.name.split("-")
            ours = len(parts) == 4 and parts[1] == _machine() and parts[2].isdecimal()
            if ours:
                is_left = not _runs(int(parts[2]))
            else:
                is_left = time.time() - file.stat().st_mtime > ABANDONED
            if is_left:
                file.unlink()


def _machine() -> str:
    """Eight hex digits that identify this computer."""
    return hashlib.sha256(platform.node().encode("utf-8", "replace")).hexdigest()[:8]


def _runs(process: int) -> bool:
    """Whether a process with this number may be running."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def make_unique(stems: Sequence[str], digest: Callable[[int], str]) -> list[str]:
    """File names without suffix for songs, so that no song overwrites another.

    Songs with the same stem get `<stem>.<first digits of digest(index)>`. Copies of the same song
    are numbered. Stems that differ only in case or Unicode form count as the same.
    """
    shared = Counter(map(fold, stems))
    names: list[str] = []
    taken: set[str] = set()
    for index, stem in enumerate(stems):
        plain = f"{stem}.{digest(index)[:DIGITS]}" if shared[fold(stem)] > 1 else stem
        numbered = (f"{plain}-{number}" for number in count(2))
        name = next(name for name in chain([plain], numbered) if fold(name) not in taken)
        names.append(name)
        taken.add(fold(name))
    return names


def fold(stem: str) -> str:
    """A text that is equal for all names that a file system may treat as equal."""
    return unicodedata.normalize("NFC", stem).casefold()


def storable(text: str) -> str:
    """The text with lone surrogates (from undecodable file names) replaced by U+FFFD, for UTF-8."""
    return _SURROGATES.sub("\ufffd", text)


def printable_name(path: str | PathLike[str]) -> str:
    """The file's name on one line: control characters become question marks.

    For a folder without a name, such as `..` or `/`, it is the path.
    """
    return printable(Path(path).name or os.fspath(path))


def printable(text: str) -> str:
    """The text on one line of a terminal: control characters become question marks."""
    return "".join(
        "?" if c in _TURNS or unicodedata.category(c) in _UNPRINTABLE else c for c in text
    )


def count_cores() -> int:
    """Number of cores that this process may use, which may be fewer than the machine has."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return len(allowed) or os.cpu_count() or 1
