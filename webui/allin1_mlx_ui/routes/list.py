"""The list of songs as a stream, so that all tabs show the same.

Server-sent events: after a lost connection, the browser connects again by itself.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

from anyio import to_thread
from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse

from ..sessions import Sessions
from ..songs import Session
from .private import PRIVATE

INTERVAL = 0.1  # seconds between two checks for changes
SILENCE = 15.0  # seconds after which a comment keeps the connection open


def add_list(router: APIRouter, sessions: Sessions) -> None:
    """Serve the list of a session's songs."""

    @router.get("/sessions/{session_id}/songs")
    def songs(session_id: str) -> StreamingResponse:
        session = sessions.find_session(session_id)
        if session is None:
            raise HTTPException(404, "That page is no longer open.")
        return StreamingResponse(follow(session), media_type="text/event-stream", headers=PRIVATE)


async def follow(session: Session) -> AsyncIterator[str]:
    """Yield the list at once and the changed lines after each change, as events."""
    seen, last = -1, 0.0
    while not session.closed:
        if session.version != seen:
            news = await to_thread.run_sync(session.news, seen)
            seen, last = news["version"], time.monotonic()
            yield f"data: {json.dumps(news, ensure_ascii=False)}\n\n"
        elif time.monotonic() - last > SILENCE:
            last = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(INTERVAL)
