"""Corrections on the page: made, heard, seen, undone, taken along, and kept."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Dialog

from allin1_mlx.analysis import Analysis
from allin1_mlx.result_file import to_values
from allin1_mlx.types import SAMPLE_RATE

from .visits import Known, Server, Visit

UNDO_ALL = """async () => {
  await allin1.editing.done;
  while (allin1.sheet.corrections.canUndo) await allin1.editing.correct({ do: "undo" });
  if (!allin1.editing.panel.element.hidden) allin1.editing.togglePanel();
  document.querySelector(".panel .check input").checked = false;
  document.querySelector(".downloads [type=radio]").click();
}"""

# Where the clicks begin in the first seconds of what the player would play.
HEAR = """(seconds) => {
  const { stretcher, rate } = allin1.player;
  const count = seconds * rate;
  stretcher.seek(0);
  const { clicks } = stretcher.render(new Float32Array(count), new Float32Array(count));
  return clicks.map((click) => click.at / rate);
}"""


@pytest.fixture
def corrected(opened: Visit) -> Iterator[Visit]:
    """The page with the known song, to be corrected; as it was afterwards."""
    yield opened
    opened.run(UNDO_ALL)


@pytest.fixture
def panel(corrected: Visit) -> Visit:
    """The same with the panel of corrections open, and the playhead in the verse, near 7.1."""
    press(corrected, "Correct")
    corrected.run("allin1.moves.jump(12.6)")
    return corrected


def press(seen: Visit, name: str) -> None:
    seen.page.get_by_role("button", name=name, exact=True).click()


def settle(seen: Visit) -> None:
    """Wait until all that was asked for is done and drawn."""
    seen.run("async () => { await allin1.editing.done; }")
    seen.page.wait_for_function("!allin1.view.pending")


def result(seen: Visit) -> dict[str, Any]:
    """What would be downloaded now."""
    settle(seen)
    link = "document.querySelector('.fixes .save').href"
    found: dict[str, Any] = seen.run(f"async () => (await fetch({link})).json()")
    return found


def last_edit(seen: Visit) -> dict[str, Any]:
    edit: dict[str, Any] = result(seen)["edits"][-1]
    return edit


def words(seen: Visit) -> list[str]:
    settle(seen)
    return seen.page.locator(".edited li > span").all_inner_texts()


def starts(seen: Visit) -> list[float]:
    settle(seen)
    return list(seen.run("allin1.sheet.sections.map((section) => section.start)"))


def grip(seen: Visit, time: float, row: str = "sections") -> tuple[float, float]:
    """Where on the screen the grip of a boundary, or of a beat, is."""
    frame = seen.page.locator(".timeline").bounding_box()
    assert frame is not None
    x = frame["x"] + seen.run("t => allin1.view.toX(t)", time)
    top, bottom = seen.run("row => allin1.view.rows[row]", row)
    return x, frame["y"] + (bottom - 10 if row == "wave" else (top + bottom) / 2)


def drag(seen: Visit, start: tuple[float, float], end: tuple[float, float]) -> None:
    seen.drag(start, end)
    settle(seen)


def test_corrections_outlive_a_download_a_reload_and_a_new_analysis(
    visit: Callable[..., Visit], make_song: Callable[..., Known], tmp_path: Path
) -> None:
    known = make_song(20.0, name="my song.wav", sections=3)
    seen = visit()
    seen.upload(known.result, known.sound)
    seen.page.wait_for_function("allin1.sheet && allin1.sheet.frames > 0 && !allin1.view.pending")
    assert seen.run(HEAR, 4) == pytest.approx([0.5, 1, 1.5, 2, 2.5, 3, 3.5], abs=1e-4)

    press(seen, "Half the tempo")
    press(seen, "Beat 1 one beat later")
    press(seen, "Correct")
    first, second = starts(seen)[1:]
    drag(seen, grip(seen, first), grip(seen, first + 4.1))
    seen.page.locator(".timeline .names span").nth(2).wait_for()
    seen.run("t => allin1.moves.jump(t)", second + 1)
    press(seen, "solo")

    told = ["Tempo halved", "Downbeat +1", "Sections: 1 boundary moved", "1 section renamed"]
    assert words(seen) == told
    assert seen.run(HEAR, 4) == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=1e-4)
    bars = [round(t, 2) for t in seen.run("allin1.sheet.downbeats")]
    assert bars == [1.5, 5.5, 9.5, 13.5, 17.5]
    moved = starts(seen)[1]
    assert moved in (5.5, 9.5)
    assert moved != first
    assert seen.run("allin1.sheet.sections[2].label") == "solo"
    assert "60 BPM" in seen.page.locator(".songs li").inner_text()
    with seen.page.expect_download() as download:
        seen.page.get_by_role("link", name="Save result").click()
    saved = tmp_path / "my song.json"
    saved.write_bytes(Path(download.value.path()).read_bytes())
    assert json.loads(saved.read_text())["detection"]["bpm"] == 120

    seen.page.reload()
    seen.page.wait_for_function("window.allin1 !== undefined")
    seen.upload(saved)
    seen.wait_for_timeline()
    shown = "[allin1.sheet.beats, allin1.sheet.positions, allin1.sheet.sections]"
    beats, positions, sections = seen.run(shown)
    assert words(seen) == told
    assert np.diff(beats) == pytest.approx(1.0)
    assert sections[1]["start"] == moved
    assert sections[2]["label"] == "solo"
    press(seen, "Undo")  # and it goes on from there
    assert words(seen) == told[:3]
    press(seen, "Redo")
    assert words(seen) == told

    seen.upload(known.sound)
    seen.page.wait_for_function("allin1.sheet.frames > 0")
    press(seen, "Analyse again")
    press(seen, "Keep them")
    seen.page.wait_for_function("allin1.sheet.model === 'bundled'", timeout=120_000)
    assert words(seen) == told
    assert seen.run(shown) == [beats, positions, sections]
    assert seen.run(HEAR, 4) == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=1e-4)

    press(seen, "Analyse again")
    press(seen, "Start afresh")
    seen.page.wait_for_function(
        "!allin1.sheet.corrections.any && !allin1.view.pending", timeout=120_000
    )
    assert words(seen) == []
    assert np.median(np.diff(seen.run("allin1.sheet.beats"))) == pytest.approx(0.5, abs=0.02)


def test_the_question_can_be_left_without_an_answer(corrected: Visit) -> None:
    press(corrected, "Beat 1 one beat later")
    settle(corrected)
    press(corrected, "Analyse again")
    dialog = corrected.page.locator("dialog.question")
    assert "Downbeat +1" in dialog.inner_text()
    press(corrected, "Cancel")
    assert not dialog.is_visible()
    assert corrected.page.locator(".songs li[data-state=done]").count() == 1


CONTROLS: list[tuple[str, dict[str, Any]]] = [
    ("Half the tempo", {"do": "scale_tempo", "factor": "1/2"}),
    ("Twice the tempo", {"do": "scale_tempo", "factor": "2"}),
    ("Beat 1 one beat earlier", {"do": "shift_downbeat", "beats": -1}),
    ("Beat 1 one beat later", {"do": "shift_downbeat", "beats": 1}),
    ("Two beats where three are", {"do": "scale_tempo", "factor": "2/3"}),
    ("Three beats where two are", {"do": "scale_tempo", "factor": "3/2"}),
    ("All beats 10 ms earlier", {"do": "nudge", "ms": -10}),
    ("All beats 1 ms later", {"do": "nudge", "ms": 1}),
    ("2 beats a bar", {"do": "set_meter", "meter": 2}),
    ("7 beats a bar", {"do": "set_meter", "meter": 7}),
    ("Bar 1 is here", {"do": "set_bar_one", "at": 12.5}),
    ("This beat 10 ms later", {"do": "move_beat", "at": 12.5, "to": 12.51}),
    ("One tempo for the whole song, the one that fits best", {"do": "constant_tempo"}),
    ("Delete this beat", {"do": "delete_beat", "at": 12.5}),
    ("Add a beat here", {"do": "add_beat", "at": 12.6}),
    ("verse", {"do": "relabel_section", "at": 15.5, "label": "verse"}),
    ("break", {"do": "relabel_section", "at": 15.5, "label": "break"}),
    (
        "This section begins one bar earlier",
        {"do": "move_boundary", "at": 10.5, "to": 8.5},
    ),
    ("This section begins one bar later", {"do": "move_boundary", "at": 10.5, "to": 12.5}),
    ("This section begins at the playhead", {"do": "move_boundary", "at": 10.5, "to": 12.6}),
    ("Split at bar 7", {"do": "split_section", "at": 12.5}),
    ("Merge with the one before", {"do": "merge_sections", "at": 10.5}),
    (
        "Delete this section; the one before takes its place",
        {"do": "delete_section", "at": 15.5},
    ),
]


def test_each_control_does_what_it_says(panel: Visit) -> None:
    for name, edit in CONTROLS:
        press(panel, name)
        assert last_edit(panel) == edit, name
        press(panel, "Undo")
        settle(panel)
    assert "edits" not in result(panel)


def test_a_meter_may_hold_from_one_bar_on(panel: Visit) -> None:
    panel.page.get_by_label("Only from bar 7 on").check()
    press(panel, "3 beats a bar")
    assert last_edit(panel) == {"do": "set_meter", "meter": 3, "at": 12.5}
    positions = panel.run("allin1.sheet.positions")
    assert max(positions[24:]) == 3
    assert max(positions[:24]) == 4


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


def test_the_bars_are_counted_from_the_one_that_was_chosen(panel: Visit) -> None:
    press(panel, "Bar 1 is here")
    settle(panel)
    assert panel.run("allin1.sheet.placeAt(12.6)") == "1.1"
    assert words(panel) == ["Bar 1 at 0:12.50"]


def test_corrections_are_told_in_words_with_a_reset_for_each(corrected: Visit) -> None:
    assert not corrected.page.locator(".edited").is_visible()
    for name in ("Half the tempo", "Beat 1 one beat later", "Half the tempo"):
        press(corrected, name)
    assert words(corrected) == ["Tempo × 1/4", "Downbeat +1"]
    assert "detected 120.00" in corrected.page.locator(".facts").inner_text()
    spoken = corrected.page.locator(".player > [role=status]").inner_text()
    assert spoken == "Corrected: Tempo × 1/4, Downbeat +1"
    press(corrected, "Reset: Tempo × 1/4")
    assert words(corrected) == ["Downbeat +1"]
    assert last_edit(corrected) == {"do": "reset", "what": "tempo"}
    press(corrected, "Reset all")
    assert words(corrected) == []
    press(corrected, "Undo")
    assert words(corrected) == ["Downbeat +1"]


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


def test_undo_and_redo_by_keys(corrected: Visit) -> None:
    keyboard = corrected.page.keyboard
    press(corrected, "Half the tempo")
    press(corrected, "Beat 1 one beat earlier")
    assert words(corrected) == ["Tempo halved", "Downbeat −1"]
    keyboard.press("Control+z")
    assert words(corrected) == ["Tempo halved"]
    keyboard.press("Control+z")
    keyboard.press("Control+z")
    assert words(corrected) == []
    keyboard.press("Control+Shift+z")
    keyboard.press("Control+y")
    assert words(corrected) == ["Tempo halved", "Downbeat −1"]


def test_a_text_keeps_its_own_undo(panel: Visit) -> None:
    press(panel, "Beat 1 one beat later")
    settle(panel)
    panel.page.locator(".panel").get_by_label("in your own words").fill("text")
    panel.page.keyboard.press("Control+z")
    assert words(panel) == ["Downbeat +1"]


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


def test_the_beat_at_the_playhead_is_dragged(panel: Visit) -> None:
    panel.run("allin1.view.setRange(10, 16)")
    settle(panel)
    drag(panel, grip(panel, 12.5, "wave"), grip(panel, 12.7, "wave"))
    edit = last_edit(panel)
    assert edit["at"] == 12.5
    assert edit["to"] == pytest.approx(12.7, abs=0.02)
    assert words(panel) == ["Beats: 1 moved"]


def test_edited_beats_are_marked_in_the_figure(panel: Visit) -> None:
    traces = "allin1.view.drawing.moving._fullData.filter((t) => t.name === 'edited beats')"
    assert panel.run(f"{traces}.length") == 0
    press(panel, "Delete this beat")
    settle(panel)  # "this beat" is another one then
    press(panel, "This beat 10 ms later")
    settle(panel)
    marked = panel.run(f"[...{traces}[0].x].filter((t) => t !== null)")
    beats = sorted(set(marked))
    assert beats[0] > 12.5
    assert beats[-1] < 14.5  # the bar that was counted anew


def test_clicks_change_while_the_song_plays(corrected: Visit) -> None:
    corrected.page.get_by_role("button", name="Play").click()
    corrected.page.wait_for_function("allin1.player.position > 0.2")
    press(corrected, "Twice the tempo")
    settle(corrected)
    assert corrected.run("allin1.player.playing")
    frames = corrected.run("allin1.player.stretcher.clicks.map((click) => click.frame)")
    assert np.diff(frames).max() == 0.25 * SAMPLE_RATE
    press(corrected, "Pause")
    assert np.diff(corrected.run(HEAR, 3)) == pytest.approx(0.25, abs=1e-4)


def test_the_tempo_is_tapped_along(panel: Visit) -> None:
    panel.run("allin1.moves.jump(0.3)")
    panel.page.keyboard.press("t")
    panel.page.wait_for_function("allin1.player.playing && allin1.player.position > 0.4")
    panel.run("""async () => {
      const key = () => new KeyboardEvent("keydown", { key: "t", bubbles: true });
      for (const time of [0.75, 1.0, 1.25, 1.5, 1.75]) {
        while (allin1.player.position < time) await new Promise((r) => setTimeout(r, 2));
        document.body.dispatchEvent(key());
      }
    }""")
    assert "5 taps · 2" in panel.page.locator(".panel").inner_text()
    press(panel, "Pause")
    assert "retimes 0:00.8 to 0:01.8" in panel.page.locator(".panel").inner_text()
    press(panel, "Use for the whole song")
    settle(panel)
    assert words(panel) == ["Beats tapped"]
    beats = np.array(panel.run("allin1.sheet.beats"))
    assert np.median(np.diff(beats)) == pytest.approx(0.25, abs=0.01)
    assert not panel.page.get_by_role("button", name="Use for the whole song").is_visible()


def test_taps_may_retime_their_passage_only(panel: Visit) -> None:
    panel.run("allin1.editing.panel.tempo.taps.times = [10.5, 10.75, 11, 11.25, 11.5]")
    panel.run("allin1.editing.panel.update()")
    press(panel, "Use for this passage")
    assert words(panel) == ["Beats tapped from 0:10.50 to 0:11.50"]
    gaps = np.diff(panel.run("allin1.sheet.beats"))
    assert np.flatnonzero(gaps < 0.3).tolist() == [20, 21, 22, 23]
    assert gaps[24:] == pytest.approx(0.5)


def test_the_tap_button_hears_presses_and_keys(panel: Visit) -> None:
    press(panel, "Tap the beat")
    panel.page.wait_for_function("allin1.player.playing && allin1.player.position > 12.7")
    press(panel, "Tap the beat")
    panel.page.wait_for_timeout(100)
    panel.page.get_by_role("button", name="Tap the beat").press("Space")
    assert panel.run("allin1.editing.panel.tempo.taps.times.length") == 2
    assert panel.run("allin1.player.playing")
    press(panel, "Forget them")
    assert panel.run("allin1.editing.panel.tempo.taps.times") == []


def test_what_cannot_be_done_says_why(panel: Visit) -> None:
    panel.run("allin1.moves.jump(12.51)")
    press(panel, "Add a beat here")
    settle(panel)
    trouble = panel.page.get_by_role("alert")
    assert "too close to the beat at 12.500 s" in trouble.inner_text()
    assert panel.faults.pop().startswith("Failed to load resource")  # the browser's own remark
    press(panel, "Beat 1 one beat later")
    settle(panel)
    assert not trouble.is_visible()


def test_the_example_in_a_hurry(corrected: Visit) -> None:
    corrected.run("""() => {
      const click = (name) => document.querySelector(`.fixes [aria-label="${name}"]`).click();
      for (let i = 0; i < 7; i += 1) click("Beat 1 one beat later");
      click("Half the tempo");
    }""")
    assert words(corrected) == ["Tempo halved", "Downbeat +3"]


def test_every_link_of_the_menu_gives_its_file(
    corrected: Visit, known: Known, tmp_path: Path
) -> None:
    press(corrected, "Half the tempo")
    settle(corrected)
    links = corrected.run("""async () => {
      const links = [...document.querySelectorAll(".downloads a")];
      return Promise.all(links.map(async (link) => {
        const response = await fetch(link.href);
        const name = decodeURIComponent(response.headers.get("content-disposition"));
        const size = (await response.arrayBuffer()).byteLength;
        return [link.ariaLabel || link.textContent, response.status, name, size];
      }));
    }""")
    assert all(status == 200 and size for _, status, _, size in links), links
    names = {text: name for text, _, name, _ in links}
    assert names["MIDI tempo map: every beat"].endswith("known.mid")
    assert names["Audacity: sections"].endswith("known.sections.txt")
    assert names["rekordbox: XML"].endswith("known.rekordbox.xml")
    assert names["Page: HTML"].endswith("known.html")
    assert names["Song with click: MP3"].endswith("known with click.mp3")
    assert len(links) == 23
    with corrected.page.expect_download() as download:
        corrected.page.get_by_role("link", name="Music research: .beats").click()
    lines = Path(download.value.path()).read_text().splitlines()
    times = [float(line.split()[0]) for line in lines]
    assert times == pytest.approx(known.analysis.beats[::2])


def test_click_tracks_count_in(corrected: Visit) -> None:
    link = corrected.page.get_by_role("link", name="Click track: WAV")
    assert str(link.get_attribute("href")).endswith("count_in=0")
    corrected.page.get_by_label("2 bars").check()
    assert str(link.get_attribute("href")).endswith("click?kind=wav&count_in=2")
    size = "async (url) => (await (await fetch(url)).arrayBuffer()).byteLength"
    mix = corrected.page.get_by_role("link", name="Song with click: WAV").get_attribute("href")
    seconds = (corrected.run(size, mix) - 44) / (4 * SAMPLE_RATE)
    assert seconds == pytest.approx(40.0 + 4.0 - 0.5)  # the song begins half a second early
    # Corrections leave the choice as it is.
    press(corrected, "Beat 1 one beat later")
    settle(corrected)
    assert corrected.page.get_by_label("2 bars").is_checked()


def test_a_result_opened_alone_is_corrected_too(visit: Callable[..., Visit], known: Known) -> None:
    seen = visit()
    seen.upload(known.result)
    seen.wait_for_timeline()
    assert not seen.page.get_by_role("button", name="Analyse again").is_visible()
    press(seen, "Twice the tempo")
    assert words(seen) == ["Tempo doubled"]
    with seen.page.expect_download() as download:
        seen.page.get_by_role("link", name="Result (JSON)").click()
    assert Analysis.from_json(download.value.path()).bpm == 240


def test_a_song_without_beats_and_sections_can_be_given_some(
    visit: Callable[..., Visit], known: Known, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.json"
    nothing = {"bpm": None, "beats": [], "downbeats": [], "beat_positions": [], "segments": []}
    whole = to_values(known.analysis) | nothing | {"tempo": None, "meter": None}
    empty.write_text(json.dumps(whole))
    seen = visit()
    seen.upload(empty)
    seen.wait_for_timeline()
    press(seen, "Correct")
    assert not seen.page.get_by_role("heading", name="Section", exact=True).is_visible()
    press(seen, "Bar 1 is here")
    settle(seen)
    assert "no beat at 0.000 s" in seen.page.get_by_role("alert").inner_text()
    seen.faults.pop()  # the browser's own remark
    for time in (1, 2, 3):
        seen.run("t => allin1.moves.jump(t)", time)
        press(seen, "Add a beat here")
        settle(seen)
    assert seen.run("allin1.sheet.beats") == [1, 2, 3]
    assert "60.00 BPM" in seen.page.locator(".facts").inner_text()


def test_one_is_asked_before_corrections_are_lost(
    visit: Callable[..., Visit], known: Known
) -> None:
    seen = visit()
    seen.upload(known.result)
    seen.wait_for_timeline()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    seen.page.on("dialog", stay)
    press(seen, "Beat 1 one beat later")
    settle(seen)
    seen.run("setTimeout(() => location.reload())")
    seen.page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert words(seen) == ["Downbeat +1"]
    with seen.page.expect_download():
        seen.page.get_by_role("link", name="Save result").click()
    seen.page.reload()
    assert asked == ["beforeunload"]


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


def test_strangers_and_unknown_songs_are_refused(server: Server, opened: Visit) -> None:
    song = opened.run("allin1.song.id")
    request = opened.page.context.request
    headers = {"content-type": "application/json"}
    for path, origin, status in (
        (f"songs/{song}/edits", "http://evil.example", 403),
        ("songs/unknown/edits", server.url.rstrip("/"), 404),
    ):
        answer = request.post(
            f"{server.url}allin1/{path}",
            data='{"do": "undo"}',
            headers={**headers, "origin": origin},
        )
        assert answer.status == status
    for path in ("songs/unknown/exports/midi.mid", f"songs/{song}/exports/midi.exe"):
        assert request.get(f"{server.url}allin1/{path}").status == 404
    assert request.get(f"{server.url}allin1/songs/{song}/click?count_in=3").status == 422


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
