"""The addresses from which the page's scripts fetch: their own files, and the songs of a session.

Identifiers in these addresses cannot be guessed. Whoever has one may read that song, unless it
belongs to another user. The browser keeps no copy of a song.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI, Request

from ..inbox import Inbox
from ..jobs import Worker
from ..rendering import Renderings
from ..sessions import Sessions
from .doctor import Checkup, add_doctor
from .downloads import add_downloads
from .list import add_list
from .private import require_owner
from .scripts import add_scripts, mount_static
from .sharing import add_sharing
from .timeline import add_timeline
from .uploads import add_uploads


def add_routes(
    app: FastAPI,
    sessions: Sessions,
    worker: Worker,
    inbox: Inbox,
    renderings: Renderings,
    checkup: Checkup,
) -> None:
    """Serve all these addresses below /allin1."""

    def check(request: Request) -> None:
        require_owner(sessions, request)

    router = APIRouter(prefix="/allin1", dependencies=[Depends(check)])
    add_scripts(router)
    add_doctor(router, checkup)
    add_timeline(router, sessions, worker)
    add_list(router, sessions)
    add_downloads(router, sessions, renderings)
    add_uploads(router, inbox)
    add_sharing(router, sessions, renderings)
    app.include_router(router)
    mount_static(app)
