"""Sections corrected on the timeline: by mouse, keys and fingers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator

from allin1_mlx.analysis import Analysis
from allin1_mlx.types import Segment

from .correcting import drag, grip, last_edit, press, result, settle, starts
from .visits import Known, Visit


def test_a_section_is_named_in_own_words(panel: Visit) -> None:
    panel.page.locator(".panel").get_by_label("in your own words").fill("Mein <b>Teil</b>")
    panel.page.keyboard.press("Enter")
    assert last_edit(panel)["label"] == "Mein <b>Teil</b>"
    name = panel.page.locator(".timeline .names span").nth(1)
    assert name.inner_text().startswith("✎ Mein <b>Teil</b>")


def test_the_selected_section_is_meant_wherever_the_song_plays(panel: Visit) -> None:
    panel.page.locator(".sections tbody tr").nth(2).click()
    panel.run("allin1.player.seek(3)")
    assert panel.page.get_by_role("heading", name="Section 3, chorus").is_visible()
    press(panel, "bridge")
    assert last_edit(panel)["at"] == 25.5


def test_one_section_is_reset_from_the_table(panel: Visit, known: Known) -> None:
    press(panel, "solo")
    panel.run("allin1.moves.jump(30)")
    press(panel, "break")
    settle(panel)
    press(panel, "Reset section 2, solo, as it was detected")
    settle(panel)
    labels = panel.run("allin1.sheet.sections.map((section) => section.label)")
    assert labels == ["intro", "verse", "break", "bridge"]
    press(panel, "Reset this section")
    settle(panel)
    assert starts(panel) == [segment.start for segment in known.analysis.segments]
    assert not panel.run("allin1.sheet.corrections.any")


def test_a_boundary_is_dragged_to_the_nearest_bar_or_with_alt_anywhere(panel: Visit) -> None:
    drag(panel, grip(panel, 10.5), grip(panel, 13.1))
    assert starts(panel)[1] == 12.5
    panel.page.keyboard.down("Alt")
    drag(panel, grip(panel, 12.5), grip(panel, 14.0))
    panel.page.keyboard.up("Alt")
    assert starts(panel)[1] == pytest.approx(14.0, abs=0.05)
    assert starts(panel)[1] % 0.5 != 0
    assert panel.page.locator(".timeline .ghost").count() == 1
    assert panel.page.locator(".timeline .edge.moved").count() == 1


def test_what_is_dragged_shows_where_it_will_be(panel: Visit) -> None:
    mouse = panel.page.mouse
    mouse.move(*grip(panel, 20.5))
    mouse.down()
    mouse.move(*grip(panel, 23.2))
    held = panel.page.locator(".edge.held").bounding_box()
    assert held is not None
    assert held["x"] + held["width"] / 2 == pytest.approx(grip(panel, 22.5)[0], abs=1)
    assert "0:22.50 · bar 12.1" in panel.page.locator(".timeline .hint").inner_text()
    block = panel.page.locator(".timeline .shift").bounding_box()
    assert block is not None
    assert block["x"] == pytest.approx(grip(panel, 20.5)[0], abs=1)
    assert block["x"] + block["width"] == pytest.approx(grip(panel, 22.5)[0], abs=1)
    panel.page.keyboard.press("Escape")
    mouse.up()
    assert not panel.page.locator(".timeline .shift").is_visible()
    assert "edits" not in result(panel)


def test_the_preview_is_what_the_server_does(panel: Visit) -> None:
    rng = np.random.default_rng(3)
    for time in rng.uniform(0.2, 20.3, 8).round(3).tolist():
        shown = panel.run("t => allin1.sheet.nearestBar(t, [0.1, 20.4])", time)
        command = {"do": "move_boundary", "at": 10.5, "to": time, "snap": True}
        panel.run("command => allin1.editing.correct(command)", command)
        assert starts(panel)[1] == pytest.approx(shown)
        panel.run("allin1.editing.correct({ do: 'undo' })")


def test_a_click_on_a_grip_selects_the_section_under_it(panel: Visit) -> None:
    x, y = grip(panel, 20.5)
    panel.page.mouse.click(x + 5, y)
    assert panel.run("allin1.view.selected") == 2
    assert "edits" not in result(panel)


def test_without_the_panel_nothing_can_be_dragged_by_mistake(corrected: Visit) -> None:
    drag(corrected, grip(corrected, 10.5), grip(corrected, 13.1))
    assert corrected.run("allin1.player.loop") is not None
    assert "edits" not in result(corrected)


def place(seen: Visit, time: float) -> tuple[float, float]:
    """Where on the screen a time lies in the row of sections."""
    return grip(seen, time)


def card(seen: Visit) -> Locator:
    return seen.page.get_by_role("dialog", name="Section")


def labels(seen: Visit) -> list[str]:
    settle(seen)
    return list(seen.run("allin1.sheet.sections.map((section) => section.label)"))


def test_f2_renames_the_section_at_the_playhead(corrected: Visit) -> None:
    corrected.run("allin1.moves.jump(12.6)")
    corrected.page.keyboard.press("F2")
    assert card(corrected).get_by_role("heading", name="Section 2, verse").is_visible()
    corrected.page.keyboard.type("riff")
    corrected.page.keyboard.press("Enter")
    assert labels(corrected) == ["intro", "riff", "chorus", "bridge"]
    assert not card(corrected).is_visible()
    corrected.page.keyboard.press("Space")
    assert corrected.run("allin1.player.playing")


def test_f2_on_a_row_of_the_table_means_that_row(corrected: Visit) -> None:
    corrected.page.get_by_role("button", name="Go to section 4, bridge").focus()
    corrected.page.keyboard.press("F2")
    assert card(corrected).get_by_role("heading", name="Section 4, bridge").is_visible()
    corrected.page.keyboard.press("Escape")
    assert not card(corrected).is_visible()
    focused = corrected.run("document.activeElement.getAttribute('aria-label')")
    assert focused == "Go to section 4, bridge"


def test_a_right_click_splits_a_section_where_it_points(corrected: Visit) -> None:
    corrected.page.mouse.click(*place(corrected, 14.7), button="right")
    card(corrected).get_by_role("button", name="Split at bar 8").click()
    assert starts(corrected) == [0, 10.5, 14.5, 20.5, 30.5]
    assert labels(corrected) == ["intro", "verse", "verse", "chorus", "bridge"]
    corrected.page.mouse.click(*place(corrected, 16), button="right")
    card(corrected).get_by_role("button", name="Merge with the one before").click()
    assert starts(corrected) == [0, 10.5, 20.5, 30.5]


def test_a_section_begins_a_bar_later_from_its_card(corrected: Visit) -> None:
    corrected.page.mouse.click(*place(corrected, 25), button="right")
    later = card(corrected).get_by_role("button", name="This section begins a bar later")
    later.click()
    settle(corrected)
    later.click()
    assert starts(corrected)[2] == 24.5
    corrected.page.mouse.click(*grip(corrected, 2, "wave"))
    assert not card(corrected).is_visible()


def test_the_selected_section_is_dragged_without_the_panel(corrected: Visit) -> None:
    corrected.page.mouse.click(*place(corrected, 15))
    drag(corrected, grip(corrected, 20.5), grip(corrected, 16.7))
    assert starts(corrected) == [0, 10.5, 16.5, 30.5]
    drag(corrected, grip(corrected, 30.5), grip(corrected, 32.4))
    assert starts(corrected)[3] == 30.5  # of another section: nothing to take hold of


def test_the_buttons_of_a_section_play_it_and_open_its_card(corrected: Visit) -> None:
    page = corrected.page
    page.mouse.click(*place(corrected, 25))
    loop = page.get_by_role("button", name="Loop this section from its start")
    loop.click()
    assert corrected.run("allin1.player.loop") == [20.5, 30.5]
    assert corrected.run("allin1.player.playing")
    assert loop.get_attribute("aria-pressed") == "true"
    loop.click()
    assert corrected.run("allin1.player.loop") is None
    page.get_by_role("button", name="Rename, split, merge or move this section (F2)").click()
    card(corrected).get_by_role("button", name="solo").click()
    assert labels(corrected)[2] == "solo"
    page.keyboard.press("Escape")
    assert not loop.is_visible()


def test_a_long_press_opens_the_card(visit: Callable[..., Visit], known: Known) -> None:
    seen = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    seen.upload(known.result, known.sound)
    seen.page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    x, y = place(seen, 25)
    touch = seen.page.context.new_cdp_session(seen.page)
    points = [{"x": x, "y": y}]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    card(seen).wait_for()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert card(seen).get_by_role("heading", name="Section 3, chorus").is_visible()
    assert seen.run("allin1.player.loop") is None
    assert "Alt" not in card(seen).inner_text()
    box = card(seen).bounding_box()
    bar = seen.page.locator(".practice-bar").bounding_box()
    assert box is not None
    assert bar is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= bar["y"]


def test_group_and_confidence_are_shown(visit: Callable[..., Visit], tmp_path: Path) -> None:
    segments = (
        Segment(0.0, 8.0, "verse", "A", 0.91),
        Segment(8.0, 16.0, "chorus", "B", 0.6),
        Segment(16.0, 24.0, "verse", "C", None),
    )
    path = tmp_path / "song.json"
    result = Analysis("song.wav", None, (), (), (), segments, duration=24.0)
    path.write_text(result.to_json())
    seen = visit()
    seen.upload(path)
    seen.wait_for_timeline()
    rows = seen.page.locator(".sections tbody tr").all_inner_texts()
    assert ["91 %" in rows[0], "60 %" in rows[1], "–" in rows[2]] == [True] * 3
    assert seen.page.locator(".sections .music").all_inner_texts() == ["A", "B", "C"]
    names = seen.run("allin1.sheet.sections.map((section) => section.name)")
    assert names == ["verse 1", "chorus", "verse 2"]
    colours = seen.run("allin1.sheet.sections.map((section) => section.colour)")
    assert len(set(colours)) == 3  # two verses that sound different look different
