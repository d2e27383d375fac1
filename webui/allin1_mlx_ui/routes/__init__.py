"""The addresses from which the page's scripts fetch: their own files, and the songs of a session.

Identifiers in these addresses cannot be guessed; whoever has one may read that song. The browser
keeps no copy of a song.
"""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from ..inbox import Inbox
from ..rendering import Renderings
from ..songs import Sessions
from .doctor import add_doctor
from .downloads import add_downloads
from .scripts import add_scripts, mount_static
from .sharing import add_sharing
from .timeline import add_timeline
from .uploads import add_uploads


def add_routes(app: FastAPI, sessions: Sessions, inbox: Inbox, renderings: Renderings) -> None:
    """Serve all of it below /allin1."""
    router = APIRouter(prefix="/allin1")
    add_scripts(router)
    add_doctor(router)
    add_timeline(router, sessions)
    add_downloads(router, sessions, renderings)
    add_uploads(router, inbox)
    add_sharing(router, sessions, renderings)
    app.include_router(router)
    mount_static(app)
