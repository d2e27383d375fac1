"""Count wrong passwords by address, so that nobody can try many passwords quickly."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import Scope

MOST_WRONG = 10  # wrong passwords of one address within SPAN, after which it has to wait
SPAN = 60.0  # seconds
MOST_SENDERS = 10_000  # that are remembered


class Attempts:
    """The wrong passwords of the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: returns seconds that no clock change affects."""
        self._clock = clock
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()  # the latest at the end

    def wait(self, sender: str) -> int:
        """Return the whole seconds until a sender may try again; 0 if it may now."""
        recent = self._recent(sender)
        if len(recent) < MOST_WRONG:
            return 0
        return max(math.ceil(recent[-MOST_WRONG] + SPAN - self._clock()), 1)

    def add(self, sender: str) -> None:
        """Record a wrong password."""
        self._wrong[sender] = [*self._recent(sender)[-MOST_WRONG:], self._clock()]
        self._wrong.move_to_end(sender)
        if len(self._wrong) > MOST_SENDERS:
            self._wrong.popitem(last=False)

    def _recent(self, sender: str) -> list[float]:
        return [t for t in self._wrong.get(sender, ()) if t > self._clock() - SPAN]


def sender_of(scope: Scope) -> str:
    """Return the address that a request comes from.

    For IPv6 it is the network, because one user has many addresses.
    """
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))
