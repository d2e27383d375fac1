"""HTTP for downloads: an answer from a server in limited time, or an error with the reason.

HTTP and HTTPS only, proxies as the environment names them. Times are seconds.
"""

from __future__ import annotations

import http
import http.client
import ssl
import urllib.error
import urllib.request
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from urllib.parse import urlsplit

import certifi

from ..errors import DownloadError

CONNECT_SECONDS = 4.0  # until the server's first answer

_TRANSIENT = {408, 429, 500, 502, 503, 504}


class TransferError(Exception):
    """The server or connection failed. Another attempt may help, if `restart` from the start."""

    def __init__(self, reason: str, *, restart: bool = False) -> None:
        super().__init__(reason)
        self.restart = restart


def range_start(response: http.client.HTTPResponse) -> int | None:
    """The first byte that a partial answer holds: Content-Range: bytes 100-199/200."""
    words = response.headers.get("Content-Range", "").replace("-", " ").split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


def open_url(url: str, headers: dict[str, str], *, stall_after: float) -> http.client.HTTPResponse:
    """The server's answer, within CONNECT_SECONDS, name look-up and redirects included.

    stall_after limits each wait for further bytes (TimeoutError). Raises TransferError where
    another attempt may help, otherwise DownloadError.
    """
    request = urllib.request.Request(url, headers=headers)
    answer: Future[http.client.HTTPResponse] = Future()

    # In a thread, because a name look-up has no time limit.
    def ask() -> None:
        try:
            answer.set_result(_opener().open(request, timeout=stall_after))
        except Exception as e:
            answer.set_exception(e)

    Thread(target=ask, daemon=True).start()
    try:
        return answer.result(timeout=CONNECT_SECONDS)
    except urllib.error.HTTPError as e:
        e.close()
        if e.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise TransferError("the server has no such part", restart=True) from e
        if e.code in _TRANSIENT:
            raise TransferError(f"{e.code} {e.reason}") from e
        raise DownloadError(f"{url} answers {e.code} {e.reason}; use another mirror") from e
    except (http.client.RemoteDisconnected, ConnectionResetError) as e:
        raise TransferError(str(e)) from e
    except (OSError, http.client.HTTPException, FutureTimeoutError) as e:
        answer.add_done_callback(_discard)
        reason = getattr(e, "reason", None) or str(e) or f"no answer in {CONNECT_SECONDS:.0f} s"
        raise DownloadError(f"{urlsplit(url).netloc} cannot be reached ({reason})") from e


def _discard(answer: Future[http.client.HTTPResponse]) -> None:
    """Close an answer that comes too late."""
    if answer.exception() is None:
        answer.result().close()


def _opener() -> urllib.request.OpenerDirector:
    """HTTP and HTTPS only, proxies as the environment names them."""
    # Python on macOS may not find the system's certificates.
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
