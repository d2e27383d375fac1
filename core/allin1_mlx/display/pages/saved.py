"""The timeline of a song as one HTML file that works offline, with optional sound and click.

The file contains everything it needs: Plotly, the scripts, and the sound as MP3. When it is
printed, it becomes the song chart.
"""

from __future__ import annotations

import base64
import json
from html import escape
from importlib.resources import files

import numpy as np

from ...analysis import Analysis
from ...types import SAMPLE_RATE, find_duration
from ..bars import number_bars
from ..click import CLICK_SECONDS, render_click
from ..pictures.envelope import Envelope
from ..pictures.palette import DARK, LIGHT, SECTION_INK
from ..timeline import draw_timeline
from ..times import clock_time
from .chart import chart_style, describe_song, draw_chart, list_parts, song_name
from .sound import PackedSound

_CONTROLS = """<div class="controls" role="group" aria-label="Player">
<button type="button" id="play" disabled>Play</button>
<output id="place" aria-live="off">Loading …</output>
<button type="button" id="loop" aria-pressed="false" disabled>Loop section</button>
<label>Speed <input type="range" id="speed" min="50" max="150" step="5" value="100">
<span id="percent">100 %</span></label>
<label><input type="checkbox" id="click" checked> Click</label>
<label>Click volume <input type="range" id="click-volume" min="0" max="1" step="0.01" value="0.6">
</label>
<label>Song volume <input type="range" id="song-volume" min="0" max="1" step="0.01" value="1">
</label>
</div>
"""
_GO = "Click the timeline or a section to go there. "
_ZOOM = "Wheel or pinch: zoom. Drag: move. Double click: the whole song."
_KEYS = (
    '<br><span class="keyboard">Keys: Space plays, L loops, C clicks, arrows go by bars, '
    "comma and full stop change the speed.</span>"
)
# In the order in which one needs the other.
_STRETCHING = ("search", "similar", "attack", "count_in", "stretch")


def write_saved_page(
    analysis: Analysis,
    *,
    envelope: Envelope | None = None,
    sound: PackedSound | None = None,
    dark: bool = False,
) -> str:
    """The page as text. sound: the song, if the page can play it."""
    figure = draw_timeline(analysis, envelope=envelope, dark=dark)
    figure.update_layout(dragmode="pan")
    thinning = files("allin1_mlx").joinpath("display/timeline.js").read_text(encoding="utf-8")
    plot = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        div_id="timeline",
        post_script=thinning.replace("export ", "") + "\nattachThinning(Plotly, '{plot_id}');",
        config={"scrollZoom": True, "displayModeBar": False, "responsive": True},
    )
    title = escape(song_name(analysis))
    hint = _ZOOM if sound is None else _GO + _ZOOM + _KEYS
    controls = "" if sound is None else _CONTROLS
    player = "" if sound is None else _write_player(analysis, sound)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_colours(dark)}{_read('saved.css')}{chart_style()}"
        f'</style>\n</head>\n<body>\n<main class="page">\n<header><h1>{title}</h1>'
        f'<p class="facts">{escape(describe_song(analysis))}</p></header>\n{controls}'
        f"{plot}\n{_list_sections(analysis, plays=sound is not None)}\n"
        f'<p class="hint">{hint}</p>\n</main>\n'
        f"{draw_chart(analysis)}\n{player}</body>\n</html>\n"
    )


def _write_player(analysis: Analysis, sound: PackedSound) -> str:
    """The sound, the data for the script, and the script."""
    clicks = [render_click([0.0], [p], length=round(CLICK_SECONDS * SAMPLE_RATE)) for p in (2, 1)]
    packed = [np.rint(click * 32767).astype("<i2").tobytes() for click in clicks]
    song = {
        "beats": analysis.beats,
        "positions": analysis.beat_positions,
        "bars": number_bars(analysis).tolist(),
        "sections": [{"start": part.start, "end": part.end} for part in list_parts(analysis)],
        "duration": find_duration(analysis),
        "clicks": [base64.b64encode(click).decode() for click in packed],
        **sound.to_dict(),
    }
    mp3 = base64.b64encode(sound.mp3).decode()
    return (
        f'<script type="text/plain" id="sound">{mp3}</script>\n'
        f'<script type="application/json" id="song">{json.dumps(song, allow_nan=False)}</script>\n'
        f'<script type="module">\n{_join_stretching()}{_read("player.js")}{_read("saved.js")}'
        "</script>\n"
    )


def _join_stretching() -> str:
    """The modules that stretch the song as one script, which defines Stretcher."""
    folder = files(__package__.rpartition(".")[0]).joinpath("stretching")
    texts = [folder.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in _STRETCHING]
    lines = [line for text in texts for line in text.splitlines() if line[:7] != "import "]
    body = "\n".join(line.removeprefix("export ") for line in lines)
    return f"const Stretcher = (() => {{\n{body}\nreturn Stretcher;\n}})();\n"


def _list_sections(analysis: Analysis, *, plays: bool) -> str:
    """The sections as a list; they are buttons if the page can play."""
    opening, closing = ('<button type="button">', "</button>") if plays else ("<span>", "</span>")
    items = []
    for part in list_parts(analysis):
        colours = f"background:{part.colour};color:{SECTION_INK}"
        about = " · ".join(text for text in (clock_time(part.start)[:-2], part.length) if text)
        words = f'<b style="{colours}">{escape(part.name)}</b> {about}'
        items.append(f"<li>{opening}{words}{closing}</li>")
    return f'<ol class="sections" aria-label="Sections">{"".join(items)}</ol>'


def _colours(dark: bool) -> str:
    ground = DARK if dark else LIGHT
    return (
        f":root {{ color-scheme: {'dark' if dark else 'light'}; --paper: {ground.paper}; "
        f"--ink: {ground.ink}; --muted: {ground.muted}; --accent: {ground.tempo}; }}\n"
    )


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
