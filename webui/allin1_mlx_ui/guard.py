"""Decide which requests the server answers, and what browsers may do with its answers.

The page needs no other hosts. Requests that name another host than this server (DNS rebinding), or
that come from the page of another site, are refused. The policy of the answers keeps the browser
from loading anything from elsewhere. Of Gradio's addresses, only those that the page uses are
served; its uploads and its tools for developers are not among them.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .attempts import Attempts, sender_of

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LARGEST_BODY = 1_000_000  # bytes of a request that contains no file
UPLOADS = "/allin1/uploads"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/?#@\s]+)(:[0-9]{1,5})?", re.IGNORECASE)
# The rest of the addresses after /gradio_api/ that the page uses.
_GRADIO = re.compile(
    r"(queue/(join|data)|heartbeat/[^/]+|startup-events|theme\.css|cancel|reset)/?"
)

# Gradio's templates and its page need inline styles, inline scripts and eval.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass(frozen=True)
class Login:
    """The user name and password that each request must contain."""

    user: str
    password: str

    def admits(self, authorization: str) -> bool:
        """Whether an Authorization header contains them."""
        kind, _, encoded = authorization.partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return False
        return secrets.compare_digest(given, f"{self.user}:{self.password}".encode())


class Guard:
    """ASGI middleware that refuses requests from other sites and without the password."""

    def __init__(self, app: ASGIApp, *, host: str, logins: Sequence[Login] = ()) -> None:
        """host: the address that the server listens on. logins: of all users; () if no password is
        needed.
        """
        self._app = app
        self._host = host
        self._logins = logins
        self._attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        user = self._find_user(Headers(scope=scope).get("authorization", ""))
        scope.setdefault("state", {})["user"] = user or ""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        if scope["path"] != UPLOADS:
            receive = _limit(receive)
        try:
            await self._app(scope, receive, send_guarded)
        except RuntimeError as e:
            # Gradio refuses the stream of a page that it does not know (of an earlier server, say)
            # only after it has begun to answer, and has told the page.
            if not isinstance(e.__cause__, HTTPException):
                raise
            await send({"type": "http.response.body", "body": b""})

    def _refuse(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_own_host(host, listening=self._host):
            text = "This server does not answer to that name; open it by its address.\n"
            return PlainTextResponse(text, status_code=421)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return PlainTextResponse("Another site may not use this page.\n", status_code=403)
        fetched_by_stranger = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if fetched_by_stranger and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("Another site may not use this page.\n", status_code=403)
        if self._logins:
            refusal = self._ask(headers.get("authorization", ""), sender_of(scope))
            if refusal is not None:
                return refusal
        _, found, rest = scope["path"].partition("/gradio_api/")
        if found and not _GRADIO.fullmatch(rest):
            return PlainTextResponse("The page has no such address.\n", status_code=404)
        length = headers.get("content-length", "0")
        if scope["path"] != UPLOADS and not (length.isdecimal() and int(length) <= LARGEST_BODY):
            return PlainTextResponse("That request is too large.\n", status_code=413)
        has_body = length != "0" or "transfer-encoding" in headers
        is_json = headers.get("content-type", "").startswith("application/json")
        if scope["path"] != UPLOADS and has_body and not is_json:
            return PlainTextResponse("That request must contain JSON.\n", status_code=415)
        return None

    def _find_user(self, authorization: str) -> str | None:
        """Return the user whose name and password a header contains, or None."""
        return next((login.user for login in self._logins if login.admits(authorization)), None)

    def _ask(self, authorization: str, sender: str) -> PlainTextResponse | None:
        """Return the refusal of a request without the right name and password."""
        if authorization and (seconds := self._attempts.wait(sender)):
            return PlainTextResponse(
                "Too many wrong passwords; try again in a minute.\n",
                status_code=429,
                headers={"retry-after": str(seconds)},
            )
        if self._find_user(authorization) is not None:
            return None
        if authorization:
            self._attempts.add(sender)
        return PlainTextResponse(
            "This page asks for a name and a password.\n",
            status_code=401,
            headers={"www-authenticate": 'Basic realm="allin1-mlx", charset="UTF-8"'},
        )


def _limit(receive: Receive) -> Receive:
    """Return `receive`, which raises HTTPException 413 if a body is longer than allowed."""
    arrived = 0

    async def receive_limited() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > LARGEST_BODY:
            raise HTTPException(413, "That request is too large.")
        return message

    return receive_limited


def find_user(request: Request) -> str:
    """Return the name of the user who sent a request; "" if no password is needed."""
    return str(getattr(request.state, "user", ""))


def is_own_host(header: str, *, listening: str) -> bool:
    """Whether a Host header can only mean this server.

    The page of a stranger can give its own name any address, but it cannot make the browser send a
    bare address. So on an open address, any address is allowed, and the names of this computer.
    """
    parts = _HOST.fullmatch(header)
    if parts is None:
        return False
    name = parts[1].strip("[]").lower().removesuffix(".")
    if name in LOOPBACK or name == listening.lower():
        return True
    if is_loopback(listening):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        own = socket.gethostname().lower()
        return name in (own, own.partition(".")[0], f"{own.partition('.')[0]}.local")
    return True


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
