"""The ways to add songs: the drop zone and the button for the example song."""

from __future__ import annotations

import html
import itertools
import secrets
import shutil
from typing import Any

import gradio as gr

from .example import find_example
from .inbox import Inbox
from .jobs import Worker
from .script import MANY, draw, read_event
from .sessions import Sessions
from .song_list import open_session
from .uploads import Upload, receive

MOST_SONGS = 2000  # of a session


class Intake:
    """Drop zone, example button and hint, in one column."""

    def __init__(self, max_minutes: float, *, place: str) -> None:
        """max_minutes: length of the longest song; place: where songs are kept. Both are for the
        hint.
        """
        has_example = find_example() is not None
        with gr.Column(elem_id="intake", min_width=240):
            # gr.File cannot be used: it loses files that are added while it still shows others.
            self.dropzone = draw("intake", "dropzone", "take", elem_id="dropzone")
            self.example = gr.Button(
                "Try the example song", elem_id="example", interactive=has_example
            )
            gr.HTML(_write_hint(max_minutes, place, has_example=has_example), elem_id="hint")

    def connect(self, sessions: Sessions, worker: Worker, inbox: Inbox) -> None:
        """Analyse added files. inbox: where uploaded files wait."""

        counter = itertools.count(1)

        def add(files: list[Upload], request: gr.Request) -> dict[str, Any]:
            """Return the song that the page opens. count: makes each value different from the one
            before.
            """
            session = open_session(sessions, request)
            if len(session.songs()) + len(files) > MOST_SONGS:
                raise gr.Error(f"The list can hold {MOST_SONGS} songs; remove some first.")
            try:
                received = receive(session, files, worker)
            except OSError as e:
                raise gr.Error(f"The songs could not be kept: {e.strerror}") from e
            shown = received.shown
            return {"id": shown and shown.id, "again": received.again, "count": next(counter)}

        def take(event: gr.EventData, request: gr.Request) -> dict[str, Any]:
            """Take the parts that the page has sent, and open the last that it wants to show."""
            opened: dict[str, Any] = {"id": None, "again": False, "count": next(counter)}
            parts = read_event(event).get("parts")
            for part in parts if isinstance(parts, list) else []:
                if not isinstance(part, dict):
                    continue
                files = part.get("files")
                uploads = [inbox.take(file) for file in files] if isinstance(files, list) else []
                added = add([upload for upload in uploads if upload is not None], request)
                opened = added if part.get("shown", True) is True else opened
            return opened

        def take_example(request: gr.Request) -> dict[str, Any]:
            source = find_example()
            if source is None:
                raise gr.Error("This installation has no example song.")
            copy = sessions.folder / secrets.token_hex(8)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            return add([Upload(copy, source.name)], request)

        self.dropzone.take(take, None, self.dropzone, **MANY)
        self.example.click(take_example, None, self.dropzone, **MANY)


def _write_hint(max_minutes: float, place: str, *, has_example: bool) -> str:
    example = "" if has_example else " This installation has no example song."
    return (
        f"<p>Music in any usual format, up to {max_minutes:g} minutes a song. "
        f"Nothing is uploaded to the internet.{example}</p><p>{html.escape(place)}</p>"
    )
