"""The address to which the page sends files, one in each request, unchanged."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from starlette.requests import ClientDisconnect

from ..attempts import sender_of
from ..inbox import Inbox, RefusedError


def add_uploads(router: APIRouter, inbox: Inbox) -> None:
    """Accept files into an inbox."""

    @router.post("/uploads")
    async def upload(request: Request) -> dict[str, str]:
        """Return the identifier by which the page takes the file."""
        try:
            identifier = await inbox.receive(request.stream(), sender_of(request.scope))
        except RefusedError as e:
            raise HTTPException(413, str(e)) from e
        except ClientDisconnect as e:
            raise HTTPException(400, "The file did not arrive whole.") from e
        return {"id": identifier}
