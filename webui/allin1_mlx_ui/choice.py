"""Which network listens, how songs are taken apart for it, and weights on their way here.

There is one choice for the whole server; it counts for the songs whose turn comes after it was
made. Nothing is fetched unless the user has agreed, who was told what, from whom and on what terms
(`offers`). Until it has all arrived the choice before it holds, and songs that come wait. Sizes
are bytes.
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
    from allin1_mlx.demix.options import Demix

DEMIXES: tuple[Demix, ...] = ("auto", "spectral", "htdemucs")
LOOK = 0.1  # seconds between looks at whether a waiting song was cancelled

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """A network by its name, one of weights.MODELS, and the way to the stems that it wants."""

    model: str = "auto"
    demix: Demix = "auto"

    @property
    def sets(self) -> tuple[str, ...]:
        """The published sets of weights that it rests on."""
        if self.model in ("auto", "bundled"):
            return ()
        return (self.model, "htdemucs") if self.demix == "htdemucs" else (self.model,)


@dataclass
class Delivery:
    """Weights on their way here: the published sets, and the choice that wants them.

    state: of its end there is only failure to be told.
    """

    wanted: Choice
    sets: tuple[str, ...]
    size: int
    arrived: int = 0
    state: Literal["running", "failed"] = "running"
    message: str = ""


class Choices:
    """The choice that is in force, and the delivery that leads to the next one."""

    def __init__(self, choice: Choice, access: Access) -> None:
        """access: where weights may come from; offline, nothing is ever fetched."""
        self.access = access
        self._chosen = choice
        self._delivery: Delivery | None = None
        self._changed = threading.Condition()
        self._version = 0
        self._closed = False

    @property
    def current(self) -> Choice:
        """What the next song is analysed with; "auto" is resolved to the model it means now."""
        chosen = self._chosen
        if chosen.model != "auto":
            return chosen
        try:
            return replace(chosen, model=find_model("auto", self.access).name)
        except WeightsError:  # incomplete files in the weights folder
            return replace(chosen, model="bundled")

    @property
    def delivery(self) -> Delivery | None:
        """What is on its way, or has failed to come."""
        return self._delivery

    def look_for(self, name: str) -> tuple[list[WeightFile], str]:
        """The files of a published set that are missing here, or what is wrong with those here."""
        try:
            return find_missing(name, self.access), ""
        except WeightsError as e:
            return [], str(e)

    def missing(self, choice: Choice) -> dict[str, list[WeightFile]]:
        """The files that would have to be fetched for a choice, by the sets that lack any."""
        lacking = {name: self.look_for(name)[0] for name in choice.sets}
        return {name: files for name, files in lacking.items() if files}

    def choose(self, choice: Choice, *, agreed: bool = False) -> None:
        """Have the next songs analysed that way, once what it needs is here.

        agreed: the user was told what would be fetched, and on what terms. Does nothing where
        weights are missing and may not be fetched, or others are on their way.
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
            self._tell()

    def cancel(self) -> None:
        """Stop the delivery, and forget one that failed. What has arrived shortens the next."""
        with self._changed:
            self._delivery = None  # its thread notices with the next block
            self._tell()

    def wait(self, cancelled: threading.Event, *, tell: Callable[[Delivery], None]) -> Choice:
        """What a song is to be analysed by, as soon as nothing is on its way here any more.

        tell: called with the delivery again and again. Raises Cancelled soon after `cancelled`.
        """
        while True:
            if cancelled.is_set():
                raise Cancelled
            with self._changed:
                delivery = self._delivery
                if self._closed or delivery is None or delivery.state != "running":
                    return self.current
            tell(delivery)
            with self._changed:
                self._changed.wait(LOOK)

    def follow(self, describe: Callable[[Choices], Any], *, interval: float = 0.2) -> Iterator[Any]:
        """`describe(self)`, now and after each change as long as something is on its way.

        Not more often than every `interval` seconds.
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
            pause.wait(interval)

    def close(self) -> None:
        """Fetch nothing more."""
        with self._changed:
            self._closed = True
            self._delivery = None
            self._tell()

    def _fetch(self, delivery: Delivery, files: list[WeightFile]) -> None:
        """Fetch files, in a thread of its own; then the choice is the one that wanted them."""

        def advance(stage: str, share: float) -> None:
            with self._changed:
                if self._delivery is not delivery:
                    raise Cancelled
                delivery.arrived = round(share * delivery.size)
                self._tell()

        failure = ""
        try:  # no further notice: the user has read the terms
            fetch(files, replace(self.access, on_notice=lambda text: None, on_progress=advance))
        except Cancelled:
            return
        except AllInOneError as e:
            failure = str(e)
        except Exception as e:  # must not end unseen in a thread
            _log.exception("weights could not be fetched")
            failure = f"unexpected fault: {type(e).__name__}: {e}"
        with self._changed:
            if self._delivery is not delivery:
                return
            if failure:
                delivery.state, delivery.message = "failed", failure
            else:
                self._chosen, self._delivery = delivery.wanted, None
            self._tell()

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()
