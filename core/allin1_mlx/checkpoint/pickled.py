"""Read the pickle of a PyTorch checkpoint without running it.

A pickle is a program for a small stack machine. It may call any function by name. This reader
supports only the few instructions that checkpoints need. A name becomes an inert record: nothing is
imported and nothing is called. After CPython's pickletools, protocol 2.
"""

from __future__ import annotations

import math
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import CheckpointError
from .formats import MAX_VALUES, check_shape

# The types of storages that hold weights, and the formats of their numbers.
_STORAGES = {
    "torch HalfStorage": "F16",
    "torch BFloat16Storage": "BF16",
    "torch FloatStorage": "F32",
    "torch DoubleStorage": "F64",
}
# Names in the authors' own files whose values are not needed here.
_IGNORED = {
    "demucs.htdemucs HTDemucs",
    "numpy dtype",
    "numpy.core.multiarray scalar",
    "numpy._core.multiarray scalar",
    "_codecs encode",
}
_REBUILD = "torch._utils _rebuild_tensor_v2"
_DICT = "collections OrderedDict"
_FRACTION = "fractions Fraction"
_KNOWN = {*_STORAGES, *_IGNORED, _REBUILD, _DICT, _FRACTION}


def unpickle(program: bytes, *, name: str) -> Any:
    """Return the value that a pickle describes, with a Tensor in place of each PyTorch tensor.

    Raises CheckpointError for instructions that no checkpoint needs. name: the beginning of its
    message.
    """
    return _Machine(name).run(program)


@dataclass(frozen=True)
class _Name:
    """The name of a class or function; it is never imported."""

    name: str


@dataclass(frozen=True)
class _Opaque:
    """Stands for the result of a call of a name in _IGNORED."""

    name: str


@dataclass(frozen=True)
class Storage:
    dtype: str
    key: str
    size: int


@dataclass(frozen=True)
class Tensor:
    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in items


class _Mark:
    """Marks the place on the stack where the items of a container begin."""


class _Machine:
    """The stack machine, with the instructions that checkpoints use."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._steps: dict[str, Callable[[Any], None]] = {
            "MARK": lambda _: self._stack.append(_Mark()),
            "NONE": lambda _: self._stack.append(None),
            "NEWTRUE": lambda _: self._stack.append(True),
            "NEWFALSE": lambda _: self._stack.append(False),
            "EMPTY_DICT": lambda _: self._stack.append({}),
            "EMPTY_LIST": lambda _: self._stack.append([]),
            "EMPTY_TUPLE": lambda _: self._stack.append(()),
            "TUPLE": lambda _: self._stack.append(tuple(self._pop_to_mark())),
            "TUPLE1": lambda _: self._pack(1),
            "TUPLE2": lambda _: self._pack(2),
            "TUPLE3": lambda _: self._pack(3),
            "APPEND": lambda _: self._extend([self._pop()]),
            "APPENDS": lambda _: self._extend(self._pop_to_mark()),
            "SETITEM": lambda _: self._update([*reversed([self._pop(), self._pop()])]),
            "SETITEMS": lambda _: self._update(self._pop_to_mark()),
            "GLOBAL": self._global,
            "REDUCE": lambda _: self._reduce(),
            "BUILD": lambda _: self._build(),
            "BINPERSID": lambda _: self._stack.append(self._storage(self._pop())),
        }
        for op in ("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"):
            self._steps[op] = self._stack.append
        for op in ("BINPUT", "LONG_BINPUT"):
            self._steps[op] = self._put
        for op in ("BINGET", "LONG_BINGET"):
            self._steps[op] = self._get

    def run(self, program: bytes) -> Any:
        """Return the value that the pickle describes. Raises CheckpointError for unknown
        instructions.
        """
        try:
            for op, argument, _ in pickletools.genops(program):
                if op.name == "STOP":
                    break
                if op.name == "PROTO" and argument == 2:
                    continue
                if op.name not in self._steps:
                    with_what = "" if argument is None else f" {argument!r}"
                    raise self._error(f"the instruction {op.name}{with_what}")
                self._steps[op.name](argument)
        except (ValueError, IndexError, KeyError, TypeError, OverflowError) as e:
            raise CheckpointError(f"{self._name}: its pickle is damaged ({str(e)[:120]})") from e
        if len(self._stack) != 1:
            raise CheckpointError(f"{self._name}: its pickle is damaged (values are left over)")
        return self._stack.pop()

    def _error(self, seen: str) -> CheckpointError:
        return CheckpointError(
            f"{self._name}: its pickle asks for {seen[:160]}, which no checkpoint needs; "
            f"nothing was executed. Do not trust this file"
        )

    def _pop(self) -> Any:
        value = self._stack.pop()
        if isinstance(value, _Mark):
            raise ValueError("a mark where a value was expected")
        return value

    def _pop_to_mark(self) -> list[Any]:
        items = []
        while not isinstance(value := self._stack.pop(), _Mark):
            items.append(value)
        items.reverse()
        return items

    def _pack(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(items)))

    def _extend(self, items: list[Any]) -> None:
        if not isinstance(self._stack[-1], list):
            raise ValueError("items for a value that is not a list")
        self._stack[-1].extend(items)

    def _update(self, items: list[Any]) -> None:
        if not isinstance(self._stack[-1], dict) or len(items) % 2:
            raise ValueError("items for a value that is not a dict")
        # The hash of other keys could take long to compute.
        if not all(isinstance(key, (str, int)) for key in items[::2]):
            raise ValueError("a key that is neither text nor number")
        self._stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def _get(self, index: int) -> None:
        self._stack.append(self._memo[index])

    def _global(self, name: str) -> None:
        # Storages of other types are harmless. They raise an error only when they are used.
        if name not in _KNOWN and not re.fullmatch(r"torch [A-Za-z0-9]{1,20}Storage", name):
            raise self._error(f"the name {name!r}")
        self._stack.append(_Name(name))

    def _reduce(self) -> None:
        """A call. Only constructors of plain values are allowed."""
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise ValueError("a call of a value that is not a name")
        if function.name == _DICT and arguments == ():
            value: Any = {}
        elif function.name == _FRACTION:
            value = _fraction(arguments)
        elif function.name == _REBUILD:
            value = _tensor(arguments, self._name)
        elif function.name in _IGNORED:
            value = _Opaque(function.name)
        else:
            raise self._error(f"a call of {function.name!r}")
        self._stack.append(value)

    def _build(self) -> None:
        """Skip attributes of an object: PyTorch stores versions there, which are not needed."""
        self._pop()
        if not isinstance(self._stack[-1], (dict, _Opaque)):
            raise ValueError("attributes for a plain value")

    def _storage(self, record: Any) -> Storage:
        """The record of a storage: ("storage", type, key, device, number of items)."""
        if not isinstance(record, tuple) or len(record) != 5 or record[0] != "storage":
            raise ValueError("an unknown kind of reference")
        _, kind, key, _, size = record
        if not isinstance(kind, _Name):
            raise ValueError("a storage without a kind")
        if kind.name not in _STORAGES:
            raise CheckpointError(
                f"{self._name}: holds numbers of the kind {kind.name.split()[-1]}; "
                f"expected 16, 32 or 64 bit floats"
            )
        if type(size) is not int or not 0 < size <= MAX_VALUES:
            raise ValueError("a storage without a plausible size")
        if not isinstance(key, str) or not key.isalnum():
            raise ValueError("a storage with an invalid key")
        return Storage(_STORAGES[kind.name], key, size)


def _fraction(arguments: tuple[Any, ...]) -> Fraction:
    """Fraction("39/5") or Fraction(39, 5), with small numbers only."""
    parts = arguments
    if len(parts) == 1 and isinstance(parts[0], str) and len(parts[0]) <= 32:
        parts = tuple(int(number) for number in parts[0].split("/"))
    if not 1 <= len(parts) <= 2 or not all(type(n) is int and 0 < n < 1 << 32 for n in parts):
        raise ValueError("an invalid fraction")
    return Fraction(*parts)


def _tensor(arguments: tuple[Any, ...], name: str) -> Tensor:
    """A tensor from (storage, offset, shape, strides, requires_grad, hooks); it must fit its
    storage.
    """
    if len(arguments) < 4 or not isinstance(arguments[0], Storage):
        raise ValueError("an array without a storage")
    storage, offset, shape, strides = arguments[:4]
    if not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise ValueError("an array without a shape")
    axes = check_shape(shape, where=f"{name}: an array")
    if type(offset) is not int or offset < 0 or len(strides) != len(axes):
        raise ValueError("an array with an invalid offset")
    if not all(type(stride) is int and stride > 0 for stride in strides):
        raise ValueError("an array whose values overlap")
    last = offset + sum((n - 1) * stride for n, stride in zip(axes, strides, strict=True))
    if last >= storage.size or math.prod(axes) > storage.size:
        raise CheckpointError(f"{name}: an array of the shape {axes} exceeds its storage")
    return Tensor(storage, offset, axes, strides)
