"""The page's layout, and what its controls do on the server.

Gradio takes the files, runs the queue and carries the list of songs; the list, the timeline and
the player are drawn by the modules in static/, each mounted in a gr.HTML of its own, because a
gr.Plot tells of no click and a gr.Audio cannot be told where to play.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from .choice import Choice, Choices
from .example import find_example
from .jobs import Worker
from .offers import describe_choices
from .songs import Session, Sessions, Song
from .uploads import find_upload, receive

# Gradio runs this with these names in scope; it looks for the names of events in quotes.
MOUNT = """
import(new URL("allin1/static/{module}.js", document.baseURI)).then((module) =>
  module.mount(element, {{ props, trigger, watch, upload }}));
// events: {events}
"""


def theme() -> gr.themes.Base:
    """Quiet colours, and a typeface that comes with Gradio itself."""
    return gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="slate",
        radius_size="lg",
        font=[gr.themes.LocalFont("IBM Plex Sans"), "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )


def build_page(
    sessions: Sessions, worker: Worker, choices: Choices, *, uploads: Path, max_minutes: float
) -> gr.Blocks:
    """The page; its songs live in `sessions` and are analysed by `worker` as `choices` says.

    uploads: the folder where Gradio puts files that arrive.
    """

    def session_of(request: gr.Request) -> Session:
        return sessions.open(str(request.session_hash))

    def song_of(event: gr.EventData, request: gr.Request) -> Song | None:
        return session_of(request).find(str(getattr(event, "id", "")))

    def take(event: gr.EventData, request: gr.Request) -> None:
        files = getattr(event, "files", [])
        received = [find_upload(uploads, file) for file in files]
        receive(session_of(request), [file for file in received if file is not None], worker)

    def take_example(request: gr.Request) -> None:
        source = find_example()
        if source is None:
            raise gr.Error("This installation has no example song.")
        session = session_of(request)
        song = session.add(source.name)
        song.source = source
        worker.submit(session, song)

    def follow(request: gr.Request) -> Iterator[dict[str, Any]]:
        yield from session_of(request).follow()

    def cancel(event: gr.EventData, request: gr.Request) -> None:
        song = song_of(event, request)
        if song is None:
            return
        song.cancelled.set()
        if song.state == "queued":
            session_of(request).change(song, state="cancelled")
        else:
            session_of(request).change(song, stage="Stopping")

    def remove(event: gr.EventData, request: gr.Request) -> None:
        song = song_of(event, request)
        if song is not None:
            session_of(request).remove(song)

    def retry(event: gr.EventData, request: gr.Request) -> None:
        song = song_of(event, request)
        if song is not None and song.finished:
            song.cancelled.clear()
            song.fraction = 0.0
            worker.submit(session_of(request), song)

    def renew(event: gr.EventData, request: gr.Request) -> None:
        song = song_of(event, request)
        if song is not None and song.finished and song.source is not None:
            song.cancelled.clear()
            keep = getattr(event, "keep", True) is not False
            session_of(request).change(song, renewing="keep" if keep else "drop")
            worker.submit(session_of(request), song)

    def choose(event: gr.EventData) -> None:
        choice = Choice(str(getattr(event, "model", "")), getattr(event, "demix", "auto"))
        choices.choose(choice, agreed=getattr(event, "agreed", False) is True)

    def look() -> Iterator[dict[str, Any]]:
        yield from choices.follow(describe_choices)

    def close(request: gr.Request) -> None:
        sessions.close(str(request.session_hash))
        if sessions.empty:
            worker.tidy()

    with gr.Blocks(title="allin1-mlx", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            "<header><h1>allin1</h1><p>See, hear and explore the structure of a song</p></header>",
            elem_id="masthead",
        )
        with gr.Row(elem_id="tray", equal_height=True):
            with gr.Column(elem_id="intake", min_width=240):
                # A gr.File loses files that come while it still shows those before.
                intake = gr.HTML(
                    html_template='<div class="dropzone"></div>',
                    js_on_load=MOUNT.format(module="intake", events="'take'"),
                    apply_default_css=False,
                    elem_id="dropzone",
                )
                example = gr.Button(
                    "Try the example song",
                    elem_id="example",
                    interactive=find_example() is not None,
                )
                gr.HTML(_hint(max_minutes), elem_id="hint")
            songs = gr.HTML(
                value={"songs": []},
                html_template='<div class="songs"></div>',
                js_on_load=MOUNT.format(
                    module="songs", events="'follow' 'cancel' 'remove' 'retry' 'renew'"
                ),
                apply_default_css=False,
                elem_id="songs",
            )
        network = gr.HTML(
            value=None,
            html_template='<div class="choice"></div>',
            js_on_load=MOUNT.format(module="choice", events="'look' 'choose' 'stop'"),
            apply_default_css=False,
            elem_id="choice",
        )
        gr.HTML(
            html_template='<div class="player"></div>',
            js_on_load=MOUNT.format(module="main", events=""),
            apply_default_css=False,
            elem_id="player",
        )

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        many: dict[str, Any] = {"concurrency_limit": None, "trigger_mode": "multiple"}
        following: dict[str, Any] = {"fn": follow, "outputs": songs, **quiet, **many}
        intake.take(take, None, None, **quiet, **many).then(**following)
        example.click(take_example, None, None, **quiet, **many).then(**following)
        songs.follow(**following)
        songs.cancel(cancel, None, None, **quiet, **many).then(**following)
        songs.remove(remove, None, None, **quiet, **many).then(**following)
        songs.retry(retry, None, None, **quiet, **many).then(**following)
        songs.renew(renew, None, None, **quiet, **many).then(**following)
        looking: dict[str, Any] = {"fn": look, "outputs": network, **quiet, **many}
        network.look(**looking)
        network.choose(choose, None, None, **quiet, **many).then(**looking)
        network.stop(choices.cancel, None, None, **quiet, **many).then(**looking)
        page.unload(close)
    return page


def _hint(max_minutes: float) -> str:
    example = "" if find_example() else " This installation has no example song."
    return (
        f"<p>Music in any usual format, up to {max_minutes:g} minutes a song. "
        f"Everything stays on this computer.{example}</p>"
    )
