"""The choice of model and stem method, and downloads of weights.

There is one choice for the whole server. It applies to songs that start after it was made. Nothing
is downloaded before the user has agreed to the size, the source and the terms (`offers`). During a
download the previous choice stays valid, and new songs wait. Sizes are bytes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from allin1_mlx.errors import AllInOneError, Cancelled, WeightsError
from allin1_mlx.weights import MODELS, Access, fetch, find_missing, find_model
from allin1_mlx.weights.registry import WeightFile

if TYPE_CHECKING:
    from allin1_mlx.options import Demix

DEMIXES: tuple[Demix, ...] = ("auto", "spectral", "htdemucs")
PAUSE = 0.2  # seconds between two updates of the menu
LOOK = 0.1  # seconds between two checks whether a waiting song was cancelled

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """A model, one of weights.MODELS, and the method that makes its stems."""

    model: str = "auto"
    demix: Demix = "auto"

    @property
    def sets(self) -> tuple[str, ...]:
        """The published sets of weights that the choice needs."""
        if self.model in ("auto", "bundled"):
            return ()
        return (self.model, "htdemucs") if self.demix == "htdemucs" else (self.model,)


@dataclass
class Delivery:
    """A download of published sets of weights, and the choice that needs them.

    state: there is no "done"; a finished download becomes the current choice.
    """

    wanted: Choice
    sets: tuple[str, ...]
    size: int
    arrived: int = 0
    state: Literal["running", "failed"] = "running"
    message: str = ""


class Choices:
    """The current choice, and the download for the next one."""

    def __init__(self, choice: Choice, access: Access) -> None:
        """access: the places from which weights may come. Offline, nothing is downloaded."""
        self.access = access
        self._chosen = choice
        self._delivery: Delivery | None = None
        self._changed = threading.Condition()
        self._version = 0
        self._closed = False

    @property
    def current(self) -> Choice:
        """The choice for the next song, with the model that "auto" stands for."""
        chosen = self._chosen
        if chosen.model != "auto":
            return chosen
        try:
            return replace(chosen, model=find_model("auto", self.access).name)
        except WeightsError:  # incomplete files in the weights folder
            return replace(chosen, model="bundled")

    @property
    def delivery(self) -> Delivery | None:
        """The download that is running or has failed; None otherwise."""
        return self._delivery

    def look_for(self, name: str) -> tuple[list[WeightFile], str]:
        """Return the missing files of a published set, or an error about the existing ones."""
        try:
            return find_missing(name, self.access), ""
        except WeightsError as e:
            return [], str(e)

    def missing(self, choice: Choice) -> dict[str, list[WeightFile]]:
        """Return the missing files for a choice, by the name of their set."""
        lacking = {name: self.look_for(name)[0] for name in choice.sets}
        return {name: files for name, files in lacking.items() if files}

    def choose(self, choice: Choice, *, agreed: bool = False) -> None:
        """Use a choice for the next songs, after downloading what it needs.

        agreed: the user has seen the size and the terms, and agreed.
        Does nothing if weights are missing and may not be downloaded, or if another download is
        running.
        """
        if choice.model not in MODELS or choice.demix not in DEMIXES:
            return
        missing = self.missing(choice)
        with self._changed:
            if self._delivery is not None and self._delivery.state == "running":
                return
            if not missing:
                self._chosen, self._delivery = choice, None
            elif agreed and not self.access.is_offline:
                files = [file for lacking in missing.values() for file in lacking]
                delivery = Delivery(choice, tuple(missing), sum(file.size for file in files))
                self._delivery = delivery
                threading.Thread(
                    target=self._fetch, args=(delivery, files), name="delivery", daemon=True
                ).start()
            self._notify()

    def cancel(self) -> None:
        """Stop the download, or forget a failed one. The next download resumes there."""
        with self._changed:
            self._delivery = None  # its thread notices at the next block
            self._notify()

    def wait(self, cancelled: threading.Event, *, report: Callable[[Delivery], None]) -> Choice:
        """Return the choice for a song, after waiting for a running download.

        report: called with the download while it runs.
        Raises Cancelled soon after `cancelled` is set.
        """
        while True:
            if cancelled.is_set():
                raise Cancelled
            with self._changed:
                delivery = self._delivery
                if self._closed or delivery is None or delivery.state != "running":
                    return self.current
            report(delivery)
            with self._changed:
                self._changed.wait(LOOK)

    def follow(self, describe: Callable[[Choices], Any]) -> Iterator[Any]:
        """Yield `describe(self)` now and after each change, until no download runs.

        There is at most one value every PAUSE seconds.
        """
        pause = threading.Event()
        while True:
            with self._changed:
                seen = self._version
                running = self._delivery is not None and self._delivery.state == "running"
            yield describe(self)
            with self._changed:
                if not running or self._closed:
                    return
                if self._version == seen:
                    self._changed.wait(timeout=1.0)
            pause.wait(PAUSE)

    def close(self) -> None:
        """Stop downloading; nothing is downloaded after this call."""
        with self._changed:
            self._closed = True
            self._delivery = None
            self._notify()

    def _fetch(self, delivery: Delivery, files: list[WeightFile]) -> None:
        """Download files (in a separate thread), then make the choice that needs them the current
        one.
        """

        def advance(stage: str, share: float) -> None:
            with self._changed:
                if self._delivery is not delivery:
                    raise Cancelled
                delivery.arrived = round(share * delivery.size)
                self._notify()

        failure = ""
        try:  # no further notice: the user has read the terms
            fetch(files, replace(self.access, on_notice=lambda text: None, on_progress=advance))
        except Cancelled:
            return
        except AllInOneError as e:
            failure = str(e)
        except Exception as e:  # a thread would hide the error
            _log.exception("weights could not be downloaded")
            failure = f"unexpected fault: {type(e).__name__}: {e}"
        with self._changed:
            if self._delivery is not delivery:
                return
            if failure:
                delivery.state, delivery.message = "failed", failure
            else:
                self._chosen, self._delivery = delivery.wanted, None
            self._notify()

    def _notify(self) -> None:
        self._version += 1
        self._changed.notify_all()
