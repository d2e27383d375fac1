"""The timeline in the browser: what it shows, and what clicks, drags, wheel and keys do."""

import re
from collections.abc import Callable

import pytest

from .visits import Known, Visit

DRAWN = "!allin1.view.pending && allin1.view.drawing.stretch < 1.01 && allin1.view.drawing.covers"


def box(seen: Visit) -> dict[str, float]:
    found = seen.page.locator(".timeline").bounding_box()
    assert found is not None
    return found


def point(seen: Visit, time: float, row: str) -> tuple[float, float]:
    """Where on the screen a time lies in a row of the figure."""
    frame = box(seen)
    x = seen.run("t => allin1.view.toX(t)", time)
    top, bottom = seen.run("row => allin1.view.rows[row]", row)
    return frame["x"] + x, frame["y"] + (top + bottom) / 2


def position(seen: Visit) -> float:
    return float(seen.run("allin1.player.position"))


def view_range(seen: Visit) -> list[float]:
    return list(seen.run("allin1.view.range"))


def test_the_figure_holds_what_was_found(opened: Visit, known: Known) -> None:
    traces = opened.run(
        "Object.fromEntries(allin1.view.drawing.moving._fullData.map(t => [t.name, [...t.x]]))"
    )
    lines = sorted({t for name, x in traces.items() if name.startswith("bars ") for t in x if t})
    assert lines == pytest.approx(known.analysis.downbeats)
    middles = [(s.start + s.end) / 2 for s in known.analysis.segments]
    assert traces["sections"] == pytest.approx(middles)
    names = opened.page.locator(".timeline .names span").all_inner_texts()
    assert [name.split(" · ")[0] for name in names] == ["intro", "verse", "chorus", "bridge"]


def test_the_table_shows_the_same(opened: Visit, known: Known) -> None:
    rows = opened.page.locator(".sections tbody tr").all_inner_texts()
    cells = [[cell.strip() for cell in row.split("\t")] for row in rows]
    assert [row[1] for row in cells] == [s.label for s in known.analysis.segments]
    assert cells[1] == ["2", "verse", "0:10.50", "0:20.50", "0:10.00", "5"]


@pytest.mark.parametrize("time", [0.3, 13.37, 39.0])
def test_a_click_goes_there(opened: Visit, time: float) -> None:
    opened.page.mouse.click(*point(opened, time, "wave"))
    assert position(opened) == pytest.approx(time, abs=0.05)
    playhead = opened.page.locator(".playhead:not(.small)").bounding_box()
    assert playhead is not None
    assert playhead["x"] + 1 == pytest.approx(point(opened, time, "wave")[0], abs=2)


def test_a_section_is_selected_and_then_looped(opened: Visit, known: Known) -> None:
    chorus = known.analysis.segments[2]
    opened.page.mouse.click(*point(opened, 25.0, "sections"))
    assert opened.run("allin1.view.selected") == 2
    assert position(opened) == pytest.approx(chorus.start)
    assert opened.run("allin1.player.loop") is None
    opened.page.mouse.click(*point(opened, 25.0, "sections"))
    assert opened.run("allin1.player.loop") == pytest.approx([chorus.start, chorus.end])
    button = opened.page.get_by_role("button", name="Loop", exact=True)
    assert button.get_attribute("aria-pressed") == "true"
    opened.page.mouse.click(*point(opened, 25.0, "sections"))
    assert opened.run("allin1.player.loop") is None


def test_a_drag_along_the_numbers_loops_whole_bars(opened: Visit) -> None:
    opened.drag(point(opened, 5.2, "ruler"), point(opened, 9.9, "ruler"))
    assert opened.run("allin1.player.loop") == pytest.approx([4.5, 10.5])
    assert opened.page.locator(".timeline .looped").is_visible()


def test_shift_and_drag_loops_anywhere(opened: Visit) -> None:
    opened.page.keyboard.down("Shift")
    opened.drag(point(opened, 12.0, "wave"), point(opened, 11.0, "wave"))
    opened.page.keyboard.up("Shift")
    assert opened.run("allin1.player.loop") == pytest.approx([10.5, 12.5])


def test_the_wheel_zooms_where_it_points(opened: Visit) -> None:
    opened.page.mouse.move(*point(opened, 30.0, "wave"))
    for _ in range(5):
        opened.page.mouse.wheel(0, -240)
    opened.page.wait_for_function(DRAWN)
    start, end = view_range(opened)
    assert end - start < 10
    share = (30.0 - start) / (end - start)
    assert share == pytest.approx(0.75, abs=0.02)
    drawn = opened.run("allin1.view.drawing.moving.layout.xaxis.range")
    assert drawn[0] <= start
    assert drawn[1] >= end


def test_a_drag_scrolls_and_a_double_click_shows_all(opened: Visit) -> None:
    opened.run("allin1.view.setRange(10, 20)")
    opened.page.wait_for_function(DRAWN)
    opened.drag(point(opened, 17.0, "wave"), point(opened, 13.0, "wave"))
    assert view_range(opened) == pytest.approx([14.0, 24.0], abs=0.1)
    assert position(opened) == 0  # a drag is no click
    opened.page.mouse.dblclick(*point(opened, 16.0, "wave"))
    assert view_range(opened) == pytest.approx([0.0, 40.0], abs=0.01)


def test_the_overview_moves_the_view(opened: Visit) -> None:
    opened.run("allin1.view.setRange(0, 8)")
    frame = box(opened)
    opened.page.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + 10)
    assert view_range(opened) == pytest.approx([16.0, 24.0], abs=0.2)


def test_two_fingers_zoom(visit: Callable[..., Visit], known: Known) -> None:
    seen = visit(has_touch=True)
    seen.upload(known.result)
    seen.wait_for_timeline()
    frame = box(seen)
    y = frame["y"] + 150
    touch = seen.page.context.new_cdp_session(seen.page)

    def send(kind: str, *xs: float) -> None:
        points = [{"x": x, "y": y, "id": i} for i, x in enumerate(xs)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    middle = frame["x"] + frame["width"] / 2
    send("touchStart", middle - 50, middle + 50)
    for distance in (80, 120, 160, 200):
        send("touchMove", middle - distance, middle + distance)
    send("touchEnd")
    start, end = view_range(seen)
    assert end - start == pytest.approx(10.0, rel=0.05)
    assert (start + end) / 2 == pytest.approx(20.0, abs=0.5)


def test_lines_thin_out_as_one_zooms_out(visit: Callable[..., Visit], make_song: object) -> None:
    song = make_song(600.0, name="long.wav", sections=12)  # type: ignore[operator]
    seen = visit()
    seen.upload(song.result)
    seen.wait_for_timeline()
    shown = """() => allin1.view.drawing.moving._fullData.filter(t => t.visible === true
        && t.meta && t.meta.step !== undefined).map(t => t.meta.step)"""
    seen.page.wait_for_function(DRAWN)
    assert min(seen.run(shown)) >= 4
    seen.run("allin1.view.setRange(300, 320)")
    seen.page.wait_for_function(DRAWN)
    assert 0 in seen.run(shown)
    numbers = seen.run("allin1.view.drawing.moving.layout.xaxis.ticktext")
    assert {str(n) for n in range(151, 161)} <= set(numbers)


def test_the_sharpened_view_keeps_the_waveform(opened: Visit) -> None:
    opened.run("allin1.view.setRange(4, 8)")
    opened.page.wait_for_timeout(600)
    trace = "allin1.view.drawing.moving._fullData.find(t => t.name === 'peak')"
    fine = opened.run(f"[...{trace}.x]")
    assert max(fine) > 39  # and there is something to see when one zooms out again
    here = [t for t in fine if 4 <= t <= 8]
    assert here[1] - here[0] == pytest.approx(0.01)
    loudest = opened.run(
        f"(() => {{ const t = {trace}; return t.x[t.y.indexOf(Math.max(...t.y))] }})()"
    )
    assert loudest % 2 == pytest.approx(0.5, abs=0.03)  # on a downbeat


def test_the_pointer_shows_time_bar_and_section(opened: Visit) -> None:
    opened.page.mouse.move(*point(opened, 12.7, "wave"))
    hint = opened.page.locator(".timeline .hint").inner_text()
    assert re.fullmatch(r"0:12\.[67]\d · bar 7\.1 · verse", hint)
    opened.page.mouse.move(1, 1)
    assert not opened.page.locator(".timeline .hint").is_visible()


def test_keys_step_through_beats_bars_and_sections(opened: Visit) -> None:
    press = opened.page.keyboard.press
    opened.page.locator("body").click(position={"x": 5, "y": 5})
    for key, time in (
        ("ArrowRight", 0.5),
        ("ArrowRight", 1.0),
        ("Shift+ArrowRight", 2.5),
        ("ArrowLeft", 2.0),
        ("Shift+ArrowLeft", 0.5),
        ("]", 10.5),
        ("]", 20.5),
        ("[", 10.5),
        ("Home", 0.0),
    ):
        press(key)
        assert position(opened) == pytest.approx(time), key


def test_keys_loop_click_zoom_and_help(opened: Visit, known: Known) -> None:
    press = opened.page.keyboard.press
    press("]")
    press("l")
    verse = known.analysis.segments[1]
    assert opened.run("allin1.player.loop") == pytest.approx([verse.start, verse.end])
    press("l")
    assert opened.run("allin1.player.loop") is None
    press("c")
    assert opened.run("allin1.player.levels.click.on") is False
    press("+")
    assert opened.run("allin1.view.range[1] - allin1.view.range[0]") == pytest.approx(20)
    press("-")
    assert opened.run("allin1.view.range[1] - allin1.view.range[0]") == pytest.approx(40)
    press("?")
    assert opened.page.locator("dialog.help").is_visible()
    press("Escape")
    assert not opened.page.locator("dialog.help").is_visible()


def test_a_row_of_the_table_goes_there_by_mouse_and_by_key(opened: Visit) -> None:
    opened.page.locator(".sections tbody tr").nth(2).click()
    assert position(opened) == pytest.approx(20.5)
    opened.page.locator(".sections tbody tr").nth(1).get_by_role("button").focus()
    opened.page.keyboard.press("Enter")
    assert position(opened) == pytest.approx(10.5)
    assert opened.run("allin1.view.selected") == 1


def test_activations_can_be_shown(visit: Callable[..., Visit], known: Known) -> None:
    seen = visit()
    seen.upload(known.result)
    seen.wait_for_timeline()
    assert not seen.page.get_by_role("button", name="Confidence").is_visible()


def test_dark_and_light_redraw_the_figure(visit: Callable[..., Visit], known: Known) -> None:
    seen = visit(color_scheme="dark")
    seen.upload(known.result)
    seen.wait_for_timeline()
    ink = "allin1.view.drawing.moving.layout.font.color"
    dark = seen.run(ink)
    seen.page.emulate_media(color_scheme="light")
    seen.run("document.body.classList.remove('dark')")
    seen.page.wait_for_function(f"{ink} !== {dark!r}")


def test_names_that_are_too_long_are_cut_short(visit: Callable[..., Visit]) -> None:
    seen = visit()
    fit = """async ([text, pixels]) =>
      (await import(new URL("allin1/timeline.js", document.baseURI))).fitLabel(text, pixels)"""
    widths = (200, 60, 35, 20)
    fitted = [seen.run(fit, ["chorus · 8 bars", width]) for width in widths]
    assert fitted == ["chorus · 8 bars", "chorus", "chor…", ""]
    assert seen.run(fit, ["a &amp; b and c", 48]) == "a &amp; b…"
