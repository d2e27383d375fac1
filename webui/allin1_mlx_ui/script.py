"""A part of the page that a module in static/ draws inside a gr.HTML."""

from __future__ import annotations

from typing import Any

import gradio as gr

# Gradio runs this with these names in scope, and finds the names of the events in the comment.
MOUNT = """
import(new URL("allin1/static/{module}.js", document.baseURI)).then((module) =>
  module.mount(element, {{ props, trigger, watch }}));
// events: {events}
"""

# Options of every event: no progress display, no public API.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Options of events that may run several times at once.
MANY: dict[str, Any] = {"concurrency_limit": None, "trigger_mode": "multiple", **QUIET}


def draw(module: str, name: str, *events: str, **options: Any) -> gr.HTML:
    """Return an element of class `name` that static/`module`.js draws.

    events: names of the events that the module triggers. options: of gr.HTML.
    """
    return gr.HTML(
        html_template=f'<div class="{name}"></div>',
        js_on_load=MOUNT.format(module=module, events=" ".join(f"'{event}'" for event in events)),
        apply_default_css=False,
        **options,
    )


def read_event(event: gr.EventData) -> dict[str, Any]:
    """Return what the browser sent with an event; {} if it is not an object."""
    return event._data if isinstance(event._data, dict) else {}
