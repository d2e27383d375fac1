"""Zip archives, read without trusting the sizes that they claim.

Sizes are bytes. Nothing is extracted to disk. Memory is allocated only after the claimed size was
compared with the size of the file. After PKWARE's APPNOTE; uses zipfile.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import CheckpointError, show_value

LONGEST_NAME = 300  # characters of a member
MAX_BYTES = 1 << 28  # largest checkpoint, on disk and unpacked; htdemucs in float32 has 1.7e8
_MAX_READ = 1 << 20  # largest single read: the archive's directory, or a part of a member
_PLAUSIBLE = 1 << 24  # up to this size any compression ratio is plausible
_MAX_RATIO = 20  # weights hardly compress

# The exceptions of zipfile for damaged files.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    LookupError,
    ArithmeticError,
    EOFError,
    OSError,
    RuntimeError,
)


class _CappedFile(io.BufferedReader):
    """A file that refuses large reads, because zipfile reads a directory of any claimed size at
    once.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        rest = max(self.seek(0, io.SEEK_END) - start, 0)
        self.seek(start)
        wanted = rest if size is None or size < 0 else min(size, rest)
        if wanted > _MAX_READ:
            raise zipfile.BadZipFile(f"its directory claims {wanted} bytes")
        return super().read(wanted)


class Archive:
    """The members of one zip file, by name. Made by `open_archive`."""

    def __init__(self, file: zipfile.ZipFile, path: Path) -> None:
        self._file = file
        self._path = path
        self._members = {info.filename: info for info in file.infolist()}
        self._check()

    @property
    def sizes(self) -> dict[str, int]:
        """Name and unpacked size of every member, in the order of the directory."""
        return {name: info.file_size for name, info in self._members.items()}

    def read(self, name: str) -> bytes:
        """The unpacked bytes of a member; their number is checked against `sizes`."""
        info = self._members[name]
        parts = []
        left = info.file_size
        try:
            with self._file.open(info) as stream:
                while left:
                    part = stream.read(min(left, _MAX_READ))
                    if not part:
                        break
                    parts.append(part)
                    left -= len(part)
                # One more read reaches the end of the member, where zipfile checks the CRC.
                surplus = stream.read(1)
        except _DAMAGE as e:
            raise CheckpointError(f"{self._path.name}: {name!r} is damaged ({e})") from e
        if left or surplus:
            raise CheckpointError(f"{self._path.name}: {name!r} is not as long as it claims")
        return b"".join(parts)

    def _check(self) -> None:
        """Raise CheckpointError unless names, methods and claimed sizes are plausible."""
        infos = self._file.infolist()
        if len(self._members) != len(infos):
            raise CheckpointError(f"{self._path.name}: two members have the same name")
        on_disk = self._path.stat().st_size
        for info in infos:
            name = info.orig_filename
            leads_out = name.startswith("/") or ".." in name.split("/")
            if leads_out or {"\\", "\0", ":"} & set(name) or len(name) > LONGEST_NAME:
                raise CheckpointError(f"{self._path.name}: unsafe member name {show_value(name)}")
            if info.flag_bits & 1:
                raise CheckpointError(f"{self._path.name}: {name!r} is encrypted")
            # Other methods cannot be unpacked in blocks of limited size.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise CheckpointError(
                    f"{self._path.name}: {name!r} uses an unknown compression; "
                    f"expected 'stored' or 'deflated'"
                )
        unpacked = sum(info.file_size for info in infos)
        if unpacked > MAX_BYTES or unpacked > max(_PLAUSIBLE, _MAX_RATIO * on_disk):
            raise CheckpointError(
                f"{self._path.name}: {on_disk} bytes that claim to unpack to {unpacked}; "
                f"this is not a checkpoint that this program supports"
            )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip file for reading. Raises CheckpointError if it is damaged or its claims are
    implausible.
    """
    with _CappedFile(io.FileIO(path, "r")) as raw:
        try:
            file = zipfile.ZipFile(raw)
        except _DAMAGE as e:
            raise CheckpointError(
                f"{path.name}: not a complete zip archive ({e}); get the file again"
            ) from e
        with file:
            yield Archive(file, path)
