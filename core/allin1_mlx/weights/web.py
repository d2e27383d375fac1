"""HTTP requests for downloads. Each one is answered within a time limit or raises an error.

HTTP and HTTPS only. Proxies are read from the environment. Times are seconds.
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

CONNECT_SECONDS = 4.0  # seconds until the server's first answer

_TRANSIENT = {408, 429, 500, 502, 503, 504}


class TransferError(Exception):
    """The server or the connection failed. Try again; if `restart`, from the start of the file."""

    def __init__(self, reason: str, *, restart: bool = False) -> None:
        super().__init__(reason)
        self.restart = restart


def range_start(response: http.client.HTTPResponse) -> int | None:
    """The position of the first byte of a partial answer: Content-Range: bytes 100-199/200."""
    words = response.headers.get("Content-Range", "").replace("-", " ").split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


def open_url(url: str, headers: dict[str, str], *, stall_after: float) -> http.client.HTTPResponse:
    """Return the server's answer within CONNECT_SECONDS, including name look-up and redirects.

    stall_after: time limit for each wait for further bytes (TimeoutError). Raises TransferError if
    another attempt may help, otherwise DownloadError.
    """
    request = urllib.request.Request(url, headers=headers)
    answer: Future[http.client.HTTPResponse] = Future()

    # A thread is used because a name look-up has no time limit.
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
    """Close an answer that arrives too late."""
    if answer.exception() is None:
        answer.result().close()


def _opener() -> urllib.request.OpenerDirector:
    """An opener for HTTP and HTTPS only, with proxies from the environment."""
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
