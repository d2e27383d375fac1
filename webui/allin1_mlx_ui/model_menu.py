"""The menu of models and stem methods, with their downloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from .choice import Choice, Choices
from .offers import describe_choices
from .script import MANY, draw, read_event


class ModelMenu:
    """The menu on the page. The choice itself belongs to the server."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.element = draw(
            "choice", "choice", "look", "choose", "stop", value=None, elem_id="choice"
        )

    def connect(self) -> None:
        """Connect the menu's events, and show each change."""
        element = self.element
        element.look(self._look, None, element, **MANY)
        for event in (
            element.choose(self._choose, None, None, **MANY),
            element.stop(self.choices.cancel, None, None, **MANY),
        ):
            event.then(self._look, None, element, **MANY)

    def _look(self) -> Iterator[dict[str, Any]]:
        yield from self.choices.follow(describe_choices)

    def _choose(self, event: gr.EventData) -> None:
        sent = read_event(event)
        choice = Choice(str(sent.get("model", "")), sent.get("demix", "auto"))
        self.choices.choose(choice, agreed=sent.get("agreed") is True)
