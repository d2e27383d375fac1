"""Worker processes. One that dies does not stop the others.

The system kills a process that needs too much memory, and a hostile file may crash a decoder. A
pool whose process was killed is broken: the jobs that were running are then run again, each in
its own process, so that only the cause fails.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic, TypeVar

from ..errors import AllInOneError

T = TypeVar("T")


class Workers:
    """`count` processes; with 0, the caller runs each job itself at once."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Job[T]:
        """Have a function of a module called; arguments and result are pickled."""
        return Job(function, arguments, self._start(function, arguments))

    def submit_beside(self, function: Callable[..., T], *arguments: Any) -> Job[T]:
        """As `submit`, but with 0 processes in a thread, so that the caller can go on working."""
        if self.count:
            return self.submit(function, *arguments)
        thread = ThreadPoolExecutor(1, thread_name_prefix="beside")
        future = thread.submit(function, *arguments)
        thread.shutdown(wait=False)  # it ends with its work
        return Job(function, arguments, future)

    def _start(self, function: Callable[..., T], arguments: tuple[Any, ...]) -> Future[T]:
        if self.count == 0:
            return _done(function, arguments)
        if self._pool is None:
            self._pool = _open_pool(self.count)
        try:
            return self._pool.submit(function, *arguments)
        except BrokenProcessPool:
            self._pool.shutdown(wait=False)
            self._pool = _open_pool(self.count)
            return self._pool.submit(function, *arguments)


class Job(Generic[T]):
    """A call that is running or done."""

    def __init__(
        self, function: Callable[..., T], arguments: tuple[Any, ...], future: Future[T]
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._future = future

    def done(self) -> bool:
        """Whether `result` would not wait."""
        return self._future.done()

    def result(self) -> T:
        """What the function returned, or its error; AllInOneError if it was killed twice."""
        try:
            return self._future.result()
        except BrokenProcessPool:
            pass
        try:
            with _open_pool(1) as alone:
                return alone.submit(self._function, *self._arguments).result()
        except BrokenProcessPool as e:
            raise AllInOneError(
                "the process that worked on it was killed; the memory may not suffice, "
                "or the file is damaged in a way that breaks the decoder"
            ) from e


def _open_pool(count: int) -> ProcessPoolExecutor:
    # A fork of a process with threads of MLX would copy locks that are never released.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin)


def _begin() -> None:
    """Ignore Ctrl-C, which the parent handles, and end when the parent ends, even if killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _done(function: Callable[..., T], arguments: tuple[Any, ...]) -> Future[T]:
    """Call the function now and return its finished future."""
    future: Future[T] = Future()
    try:
        future.set_result(function(*arguments))
    except Exception as e:
        future.set_exception(e)
    return future
