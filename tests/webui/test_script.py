"""Events of the page's own elements."""

from typing import Any

import gradio as gr
import pytest

from allin1_mlx_ui.script import read_event


def test_an_event_has_the_values_that_the_browser_sent() -> None:
    assert read_event(gr.EventData(None, {"ids": ["a"]})) == {"ids": ["a"]}


@pytest.mark.parametrize("sent", [None, 0, "x", [], [1], True])
def test_an_event_of_another_form_has_no_values(sent: Any) -> None:
    assert read_event(gr.EventData(None, sent)) == {}
