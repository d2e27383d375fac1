"""For everybody: by keyboard, by screen reader, on a phone, in the dark."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .correcting import grip, last_edit, press, settle, starts
from .visits import Known, Visit


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    visit: Callable[..., Visit], known: Known, tmp_path: Path, axe: str, scheme: str
) -> None:
    broken = tmp_path / "broken.mp3"
    broken.write_text("this is no music")
    seen = visit(color_scheme=scheme, reduced_motion="reduce")
    assert seen.violations(axe) == []
    seen.upload(known.result, known.sound)
    seen.wait_for_timeline()
    seen.upload(broken)
    seen.wait_for("failed")
    seen.page.wait_for_function("allin1.sheet.frames > 0 && !allin1.view.pending")
    assert seen.violations(axe) == []
    seen.page.keyboard.press("?")
    assert seen.violations(axe) == []


@pytest.mark.parametrize("width", [390, 1024])
def test_nothing_sticks_out_sideways(visit: Callable[..., Visit], known: Known, width: int) -> None:
    seen = visit(viewport={"width": width, "height": 844})
    assert seen.run("document.documentElement.scrollWidth") <= width
    seen.upload(known.result, known.sound)
    seen.wait_for_timeline()
    assert seen.run("document.documentElement.scrollWidth") <= width
    outside = seen.run("""() => {
      const wide = document.documentElement.clientWidth;
      const inside = (box) => box.width === 0 || (box.left >= 0 && box.right <= wide + 0.5);
      return [...document.querySelectorAll(".player button, .player input, .player td")]
        .filter((element) => !inside(element.getBoundingClientRect()))
        .map((element) => element.outerHTML.slice(0, 80));
    }""")
    assert outside == []


def test_buttons_are_large_enough_for_fingers(visit: Callable[..., Visit], known: Known) -> None:
    seen = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    seen.upload(known.result)
    seen.wait_for_timeline()
    small = seen.run("""() => [...document.querySelectorAll(".practice-bar button, .zoom button")]
      .map((button) => [button.textContent || button.ariaLabel, button.getBoundingClientRect()])
      .filter(([, box]) => box.height && (box.height < 40 || box.width < 40))
      .map(([name]) => name)""")
    assert small == []


def test_everything_can_be_reached_by_tab(opened: Visit) -> None:
    opened.page.get_by_role("button", name="More", exact=True).click()
    opened.run("document.querySelector('.songs .name').focus()")
    reached = [opened.press_tab() for _ in range(80)]
    for name in ("Position in the song", "Play", "Loop", "Song volume", "Click", "Speed"):
        assert name in reached, reached
    for name in ("Go to section 1, intro", "Result (JSON)"):
        assert name in reached, reached


def test_the_slider_has_the_position_as_text(opened: Visit) -> None:
    opened.run("allin1.moves.jump(12.6)")
    slider = opened.page.get_by_role("slider", name="Position in the song")
    assert slider.get_attribute("aria-valuetext") == "12 seconds, bar 7 beat 1, verse"
    assert slider.get_attribute("aria-valuemax") == "40.0"


def test_the_downloads_are_under_export(opened: Visit) -> None:
    heading = opened.page.get_by_role("heading", name="Export", exact=True)
    assert heading.is_visible()
    assert opened.page.locator(".downloads", has=heading).get_by_text("Result (JSON)").is_visible()


def test_changes_are_announced_to_screen_readers(
    visit: Callable[..., Visit], known: Known, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp3"
    broken.write_text("this is no music")
    seen = visit()
    seen.upload(broken)
    seen.wait_for("failed")
    assert "broken.mp3: " in seen.page.locator(".songs .visually-hidden[role=status]").inner_text()


def test_the_space_bar_presses_a_focused_button_and_else_plays(opened: Visit) -> None:
    opened.page.get_by_role("button", name="Follow").focus()
    opened.page.keyboard.press("Space")
    assert opened.run("allin1.view.following") is False
    assert opened.run("allin1.player.playing") is False
    opened.page.get_by_role("button", name="Loop", exact=True).click()
    opened.page.keyboard.press("Space")
    assert opened.run("allin1.player.playing") is True


def test_on_a_phone_everything_is_there_for_fingers(
    visit: Callable[..., Visit], known: Known
) -> None:
    seen = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    seen.upload(known.result, known.sound)
    seen.page.wait_for_function("allin1.sheet && allin1.sheet.frames > 0 && !allin1.view.pending")
    press(seen, "Half the tempo")
    press(seen, "Correct")
    settle(seen)
    seen.run("window.scrollTo(0, 0)")
    assert seen.run("document.documentElement.scrollWidth") <= 390
    small = seen.run("""() => {
      const targets = ".fixes *, .panel *, .edited *, .downloads *, .practice-bar *, .zoom *";
      return [...document.querySelectorAll(targets)]
        .filter((e) => e.matches("button, a, label, input[type=text]"))
        .map((e) => [e.textContent || e.ariaLabel, e.getBoundingClientRect()])
        .filter(([, box]) => box.height && (box.height < 44 || box.width < 22 || box.right > 390))
        .map(([name, box]) => `${name} ${box.width} x ${box.height}`);
    }""")
    assert small == []
    touch = seen.page.context.new_cdp_session(seen.page)

    def send(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = grip(seen, 20.5)
    after = grip(seen, 28.8)
    send("touchStart", (before[0] + 8, before[1]))  # fingers are not exact
    for share in (0.3, 0.6, 1.0):
        send("touchMove", (before[0] + 8 + share * (after[0] - before[0]), before[1]))
    send("touchEnd")
    settle(seen)
    seen.page.wait_for_function("allin1.sheet.corrections.changes.length === 2")
    assert starts(seen)[2] == 28.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_while_correcting(
    visit: Callable[..., Visit], known: Known, axe: str, scheme: str
) -> None:
    seen = visit(color_scheme=scheme, reduced_motion="reduce")
    seen.upload(known.result, known.sound)
    seen.page.wait_for_function("allin1.sheet && allin1.sheet.frames > 0 && !allin1.view.pending")
    press(seen, "Correct")
    press(seen, "Half the tempo")
    press(seen, "solo")
    settle(seen)
    assert seen.violations(axe) == []
    press(seen, "Analyse again")
    assert seen.violations(axe) == []


def test_a_chorus_is_practised_and_renamed_by_keyboard_alone(corrected: Visit) -> None:
    """Go there, loop it, slow it down, count in, play; then rename it and take that back."""
    page = corrected.page
    for key in ("]", "]", "l", ",", ",", ",", ",", "n", "Space"):
        page.keyboard.press(key)
    page.wait_for_function("allin1.player.playing")
    page.keyboard.press("Space")
    chorus = corrected.run("allin1.sheet.sections[2]")
    assert corrected.run("allin1.player.loop") == [chorus["start"], chorus["end"]]
    assert corrected.run("[allin1.practice.speed, allin1.practice.settings.countIn]") == [80, 1]
    page.keyboard.press("F2")
    page.keyboard.type("hook")
    page.keyboard.press("Enter")
    settle(corrected)
    assert corrected.run("allin1.sheet.sections[2].label") == "hook"
    page.keyboard.press("Control+z")
    settle(corrected)
    assert corrected.run("allin1.sheet.sections[2].label") == "chorus"


def test_a_song_is_corrected_by_keyboard_alone(panel: Visit) -> None:
    panel.run("document.querySelector('.fixes button').focus()")
    reached = []
    while "Add a beat here" not in reached:
        reached.append(panel.press_tab())
        assert len(reached) < 80, reached
    for name in ("Twice the tempo", "Undo", "Save result", "Tap the beat", "Bar 1 is here", "solo"):
        assert name in reached, reached
    panel.page.keyboard.press("Enter")
    assert last_edit(panel) == {"do": "add_beat", "at": 12.6}
    panel.page.keyboard.press("e")
    assert not panel.page.get_by_role("region", name="Corrections").is_visible()


def test_the_figure_stays_in_view_when_the_panel_opens(
    visit: Callable[..., Visit], known: Known
) -> None:
    seen = visit(viewport={"width": 1280, "height": 900})
    seen.upload(known.result, known.sound)
    seen.wait_for("done")
    seen.wait_for_timeline()
    seen.page.get_by_role("button", name="Correct", exact=True).click()
    seen.page.locator(".panel").wait_for()
    for part in (".fixes", ".timeline"):
        box = seen.page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] >= 0, part
