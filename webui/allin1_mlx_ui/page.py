"""The page's layout. Its parts are separate modules: intake, song_list, model_menu.

Gradio runs the queue of the buttons' events. The list, the timeline and the player are drawn by the
modules in static/, because gr.Plot reports no clicks and gr.Audio cannot jump to a time. Gradio's
own upload is not used: it keeps files under paths that others can guess.
"""

from __future__ import annotations

import gradio as gr

from .choice import Choices
from .inbox import Inbox
from .intake import Intake
from .jobs import Worker
from .model_menu import ModelMenu
from .script import draw
from .sessions import Sessions
from .song_list import SongList

MASTHEAD = "<header><h1>allin1</h1><p>See, hear and explore the structure of a song</p></header>"

# Gradio's font files of these weights are complete; its semi-bold has only 99 characters.
WEIGHTS = (400, 700)


def theme() -> gr.themes.Base:
    """Quiet colours, and a typeface that Gradio includes."""
    return gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="slate",
        radius_size="lg",
        font=[
            gr.themes.LocalFont("IBM Plex Sans", weights=WEIGHTS),
            *("system-ui", "sans-serif"),
        ],
        font_mono=["ui-monospace", "monospace"],
    )


def build_page(
    sessions: Sessions,
    worker: Worker,
    choices: Choices,
    inbox: Inbox,
    *,
    max_minutes: float,
    place: str,
) -> gr.Blocks:
    """Return the page.

    sessions: the songs of the page. worker: analyses them. choices: the model and stem method.
    inbox: where uploaded files wait. max_minutes: length of the longest song. place: where songs
    are kept and how to delete them, in one sentence.
    """

    def close(request: gr.Request) -> None:
        sessions.close(str(request.session_hash))
        if sessions.idle:
            worker.tidy()

    with gr.Blocks(title="allin1-mlx", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(MASTHEAD, elem_id="masthead")
        with gr.Row(elem_id="tray", equal_height=True):
            intake = Intake(max_minutes, place=place)
            songs = SongList(sessions, worker, place=place)
        menu = ModelMenu(choices)
        draw("main", "player", elem_id="player")
        intake.connect(sessions, worker, inbox)
        songs.connect()
        menu.connect()
        page.unload(close)
    return page
