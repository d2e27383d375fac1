"""Checkpoint files in PyTorch's format, written without PyTorch, for the tests of the reader.

A zip with `archive/data.pkl` (pickle protocol 2) and the raw numbers in `archive/data/<key>`.
"""

import struct
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

STORAGES = {"<f2": "HalfStorage", "<f4": "FloatStorage", "<f8": "DoubleStorage"}


@dataclass(frozen=True)
class Global:
    """A name in a module."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A call of a name, as pickles use it to build objects."""

    function: Global
    arguments: tuple[Any, ...]


class Writer:
    """Turns values into a pickle, collecting the storages of its arrays."""

    def __init__(self) -> None:
        self.storages: list[bytes] = []

    def emit(self, value: Any) -> bytes:
        """The instructions that put a value on the stack."""
        if value is None or isinstance(value, bool):
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        if isinstance(value, int):
            return b"J" + struct.pack("<i", value)
        if isinstance(value, float):
            return b"G" + struct.pack(">d", value)
        if isinstance(value, str):
            text = value.encode()
            return b"X" + struct.pack("<I", len(text)) + text
        if isinstance(value, (list, tuple)):
            items = b"".join(map(self.emit, value))
            return b"](" + items + b"e" if isinstance(value, list) else b"(" + items + b"t"
        if isinstance(value, dict):
            return b"}(" + b"".join(self.emit(x) for kv in value.items() for x in kv) + b"u"
        if isinstance(value, Fraction):
            pair = (value.numerator, value.denominator)
            return self.emit(Call(Global("fractions", "Fraction"), pair))
        if isinstance(value, Global):
            return f"c{value.module}\n{value.name}\n".encode()
        if isinstance(value, Call):
            return self.emit(value.function) + self.emit(value.arguments) + b"R"
        if isinstance(value, np.ndarray):
            return self._tensor(value)
        raise TypeError(type(value))

    def _tensor(self, array: np.ndarray) -> bytes:
        """A tensor over a storage of its own, laid out as the array is in memory."""
        kind = STORAGES[array.dtype.str]
        key = str(len(self.storages))
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        self.storages.append(array.tobytes(order))
        strides = tuple(stride // array.itemsize for stride in array.strides)
        record = self.emit(("storage", Global("torch", kind), key, "cpu", array.size)) + b"Q"
        rest = self.emit(0) + self.emit(array.shape) + self.emit(strides) + b"\x89"
        hooks = self.emit(Call(Global("collections", "OrderedDict"), ()))
        rebuild = self.emit(Global("torch._utils", "_rebuild_tensor_v2"))
        return rebuild + b"(" + record + rest + hooks + b"tR"


def write_torch(path: Path, values: Any) -> Path:
    """Save values (dicts, lists, numbers, text, arrays) as PyTorch would."""
    writer = Writer()
    program = b"\x80\x02" + writer.emit(values) + b"."
    return write_archive(path, program, writer.storages)


def write_archive(path: Path, program: bytes, storages: list[bytes]) -> Path:
    """The zip around a pickle and its storages."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/byteorder", b"little")
        for key, data in enumerate(storages):
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", b"3\n")
    return path
