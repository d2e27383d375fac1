"""What musicians expect of any player: keys after the mouse, room for what is used, the wheel."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.types import Segment

from ..support.layout_shift import WATCH_SHIFT
from .correcting import grip
from .visits import Known, Visit

SIZES = [(390, 844), (844, 390), (1024, 768), (1366, 768), (2560, 1440)]
LABELS = ("intro", "verse", "chorus", "verse", "chorus", "break", "bridge")


@pytest.fixture(scope="module")
def ten(known: Known, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ten results of five minutes and 14 sections."""
    folder = tmp_path_factory.mktemp("ten")
    beats = tuple(round(0.5 * i, 3) for i in range(1, 599))
    edges = [0.0, *(beats[44 * i] for i in range(1, 14)), 300.0]
    segments = tuple(Segment(edges[i], edges[i + 1], LABELS[i % 7]) for i in range(14))
    positions = tuple(i % 4 + 1 for i in range(len(beats)))
    song = Analysis("song.wav", 120, beats, beats[::4], positions, segments, duration=300.0)
    paths = []
    for number in range(10):
        paths.append(folder / f"song {number}.json")
        paths[-1].write_text(replace(song, path=f"song {number}.wav").to_json())
    return paths


@pytest.mark.parametrize("size", SIZES)
def test_timeline_and_practice_bar_are_in_sight_together(
    visit: Callable[..., Visit], ten: list[Path], size: tuple[int, int]
) -> None:
    width, height = size
    touch = {"has_touch": True, "is_mobile": True} if min(size) < 500 else {}
    seen = visit(viewport={"width": width, "height": height}, **touch)
    seen.upload(*ten)
    seen.page.wait_for_function("document.querySelectorAll('.songs li').length === 10")
    seen.wait_for_timeline()
    seen.run("window.scrollTo(0, 0)")
    timeline = seen.page.locator(".timeline").bounding_box()
    bar = seen.page.locator(".practice-bar").bounding_box()
    assert timeline is not None
    assert bar is not None
    assert timeline["y"] >= 0
    assert timeline["y"] + timeline["height"] <= bar["y"]
    assert bar["y"] + bar["height"] <= height
    assert timeline["width"] > 0.9 * width
    assert seen.run("document.documentElement.scrollWidth") <= width


def test_keys_mean_the_player_after_any_control_was_used_by_mouse(opened: Visit) -> None:
    page = opened.page
    page.get_by_role("button", name="More", exact=True).click()
    speed = page.get_by_role("slider", name="Speed")
    used = (
        lambda: speed.click(position={"x": 20, "y": 8}),
        lambda: page.get_by_role("slider", name="Click volume").click(),
        lambda: page.get_by_label("Accent on beat 1").click(),
        lambda: page.get_by_role("button", name="Go to section 2, verse").click(),
        lambda: page.locator(".songs .name").click(),
        lambda: page.get_by_role("button", name="Follow").click(),
    )
    for use in used:
        use()
        before = opened.run("allin1.player.playing")
        page.keyboard.press("Space")
        assert opened.run("allin1.player.playing") is not before
    page.keyboard.press("Space")


def test_a_click_in_the_overview_goes_there_and_the_view_follows_on(opened: Visit) -> None:
    opened.run("allin1.view.setRange(0, 10)")
    frame = opened.page.locator(".timeline").bounding_box()
    assert frame is not None
    x = frame["x"] + opened.run("allin1.view.toSmallX(30)")
    opened.page.mouse.click(x, frame["y"] + 12)
    assert opened.run("allin1.player.position") == pytest.approx(30, abs=0.1)
    assert opened.run("allin1.view.isVisible(30)")
    follow = opened.page.get_by_role("button", name="Follow")
    assert follow.get_attribute("aria-pressed") == "true"
    opened.run("allin1.view.setRange(0, 10)")
    opened.run("allin1.view.setAstray()")
    assert follow.get_attribute("aria-pressed") == "false"  # it is not lit while it waits


def test_the_wheel_scrolls_the_page_where_nothing_is_left_to_zoom_out(opened: Visit) -> None:
    opened.page.set_viewport_size({"width": 1280, "height": 600})
    opened.page.mouse.move(*grip(opened, 20, "wave"))
    opened.page.mouse.wheel(0, 200)
    opened.page.wait_for_function("window.scrollY > 50")
    assert opened.run("allin1.view.range") == [0, 40]
    opened.page.mouse.move(*grip(opened, 20, "wave"))
    opened.page.mouse.wheel(0, -200)
    opened.page.wait_for_function("allin1.view.range[1] - allin1.view.range[0] < 39")
    opened.page.set_viewport_size({"width": 1280, "height": 1000})


def test_the_zoom_is_written_and_goes_to_sections_and_loops(opened: Visit) -> None:
    readout = opened.page.locator(".zoom .readout")
    assert readout.inner_text() == "1×"
    opened.run("allin1.moves.goToSection(1)")
    opened.page.keyboard.press("z")
    assert opened.run("allin1.view.range") == pytest.approx([10.1, 20.9])
    assert readout.inner_text() == "3.7×"
    opened.run("allin1.moves.loopRange([22.5, 26.5])")
    opened.page.keyboard.press("Shift+Z")
    assert opened.run("allin1.view.range") == pytest.approx([22.34, 26.66])
    assert readout.inner_text() == "9.3×"


def test_the_slider_of_the_position_obeys_its_keys_at_once(opened: Visit) -> None:
    slider = opened.page.get_by_role("slider", name="Position in the song")
    slider.focus()
    opened.page.keyboard.press("PageDown")
    assert opened.run("allin1.player.position") == pytest.approx(10.5, abs=0.01)
    assert "bar 6 beat 1, verse" in (slider.get_attribute("aria-valuetext") or "")
    opened.page.keyboard.press("PageUp")
    assert opened.run("allin1.player.position") == pytest.approx(0, abs=0.01)
    opened.page.keyboard.press("End")
    assert opened.run("allin1.player.position") == pytest.approx(40)
    opened.page.keyboard.press("Home")
    assert opened.run("allin1.player.position") == 0


def test_the_window_has_the_name_of_the_song(opened: Visit) -> None:
    assert opened.page.title().startswith("known.wav · ")


def test_no_live_region_changes_while_the_song_plays(opened: Visit) -> None:
    opened.run("""() => {
      window.spoken = 0;
      const watch = new MutationObserver((changes) => { window.spoken += changes.length; });
      for (const region of document.querySelectorAll("[aria-live], [role=status], output")) {
        if (region.getAttribute("aria-live") === "off") continue;
        watch.observe(region, { childList: true, subtree: true, characterData: true });
      }
    }""")
    opened.page.keyboard.press("Space")
    opened.page.wait_for_function("allin1.player.position > 1.5")
    assert opened.run("window.spoken") == 0


def test_nothing_jumps_when_the_first_song_comes(visit: Callable[..., Visit], known: Known) -> None:
    """The page makes room when files are chosen, and then stays as it is."""
    seen = visit()
    seen.run(WATCH_SHIFT)
    seen.upload(known.result, known.sound)
    seen.page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    seen.page.wait_for_timeout(500)
    assert seen.run("window.shift") < 0.1


def test_the_drawing_program_comes_with_the_first_song_and_compressed(
    visit: Callable[..., Visit], known: Known
) -> None:
    seen = visit()
    seen.page.wait_for_timeout(500)
    assert not any("/allin1/plotly.js" in url for url in seen.requests)
    seen.upload(known.result)
    seen.wait_for_timeline()
    size = seen.run("""() => performance.getEntriesByType("resource")
      .find(({ name }) => name.includes("/allin1/plotly.js")).encodedBodySize""")
    assert 0 < size < 2_000_000
