"""Worker processes. A process that dies does not stop the others.

The system kills a process that needs too much memory, and a hostile file may crash a decoder. A
pool is broken after that. The jobs that were running are then repeated, each in a separate process,
so that only the job that caused it fails.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, Generic, TypeVar

from ..errors import AllInOneError

T = TypeVar("T")


class Workers:
    """`count` processes. With 0, each job runs at once in the caller's process."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Job[T]:
        """Call a function of a module in another process; arguments and result are pickled."""
        return Job(function, arguments, self._start(function, arguments))

    def submit_beside(self, function: Callable[..., T], *arguments: Any) -> Job[T]:
        """As `submit`, but with 0 processes in a thread, so that the caller can continue."""
        if self.count:
            return self.submit(function, *arguments)
        thread = ThreadPoolExecutor(1, thread_name_prefix="beside")
        future = thread.submit(function, *arguments)
        thread.shutdown(wait=False)  # it ends when its work is finished
        return Job(function, arguments, future)

    def _start(self, function: Callable[..., T], arguments: tuple[Any, ...]) -> Future[T]:
        if self.count == 0:
            return _done(function, arguments)
        if self._pool is None:
            self._pool = open_pool(self.count)
        with deaf_to_interrupts():
            try:
                return self._pool.submit(function, *arguments)
            except BrokenProcessPool:
                self._pool.shutdown(wait=False)
                self._pool = open_pool(self.count)
                return self._pool.submit(function, *arguments)


class Job(Generic[T]):
    """A call that is running or finished."""

    def __init__(
        self, function: Callable[..., T], arguments: tuple[Any, ...], future: Future[T]
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._future = future

    def done(self) -> bool:
        """Whether `result` would return at once."""
        return self._future.done()

    def result(self) -> T:
        """Return the function's result or raise its error; AllInOneError if it was killed twice."""
        try:
            return self._future.result()
        except BrokenProcessPool:
            pass
        try:
            with open_pool(1) as alone:
                with deaf_to_interrupts():
                    again = alone.submit(self._function, *self._arguments)
                return again.result()
        except BrokenProcessPool as e:
            raise AllInOneError(
                "the process that analysed it was killed; there may be too little memory, "
                "or a damaged file made the decoder crash"
            ) from e


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes that this thread starts in the block never receive Ctrl-C.

    A terminal sends it to all processes, and a process that is still importing would print a
    traceback. The processes inherit the thread's blocked signals.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # when it starts, it unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def open_pool(count: int) -> ProcessPoolExecutor:
    """A pool of `count` processes, which end when this process ends, even if it is killed."""
    # Forking a process with threads of MLX would copy locks that are never released.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin)


def _begin() -> None:
    """Ignore Ctrl-C, also on Windows. End when the parent ends, even if it is killed."""
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
