"""Where songs come in: the drop zone and the button for the example song."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from .example import find_example
from .inbox import Inbox
from .jobs import Worker
from .script import MANY, draw
from .songs import Sessions
from .uploads import receive

MOST_SONGS = 2000  # of a session


class Intake:
    """Drop zone, example button and hint, in a column of their own."""

    def __init__(self, max_minutes: float) -> None:
        """max_minutes: length of the longest song that is analysed, for the hint."""
        has_example = find_example() is not None
        with gr.Column(elem_id="intake", min_width=240):
            # gr.File is no choice: it loses files that come while it still shows those before.
            self.dropzone = draw("intake", "dropzone", "take", elem_id="dropzone")
            self.example = gr.Button(
                "Try the example song", elem_id="example", interactive=has_example
            )
            gr.HTML(_write_hint(max_minutes, has_example=has_example), elem_id="hint")

    def connect(
        self, sessions: Sessions, worker: Worker, inbox: Inbox, follow: Callable[..., Any]
    ) -> None:
        """Analyse what comes in.

        inbox: where uploaded files wait. follow: called with an event to show the list of songs
        after it.
        """

        def take(event: gr.EventData, request: gr.Request) -> None:
            session = sessions.open(str(request.session_hash))
            files = getattr(event, "files", None)
            files = files if isinstance(files, list) else []
            if len(session.songs()) + len(files) > MOST_SONGS:
                raise gr.Error(f"The list can hold {MOST_SONGS} songs; remove some first.")
            uploads = [inbox.take(file) for file in files]
            receive(session, [upload for upload in uploads if upload is not None], worker)

        def take_example(request: gr.Request) -> None:
            source = find_example()
            if source is None:
                raise gr.Error("This installation has no example song.")
            session = sessions.open(str(request.session_hash))
            if len(session.songs()) >= MOST_SONGS:
                raise gr.Error(f"The list can hold {MOST_SONGS} songs; remove some first.")
            song = session.add(source.name)
            song.source = source
            worker.submit(session, song)

        follow(self.dropzone.take(take, None, None, **MANY))
        follow(self.example.click(take_example, None, None, **MANY))


def _write_hint(max_minutes: float, *, has_example: bool) -> str:
    example = "" if has_example else " This installation has no example song."
    return (
        f"<p>Music in any usual format, up to {max_minutes:g} minutes a song. "
        f"Everything stays on this computer.{example}</p>"
    )
