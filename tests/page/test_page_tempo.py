"""The panel of corrections: beats, bars and tempo."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.decoding.tempo import estimate_tempo
from allin1_mlx.types import SAMPLE_RATE, TempoLevel

from .correcting import drag, grip, last_edit, press, result, settle, words
from .sound import HEAR
from .visits import Known, Visit


def test_a_meter_may_hold_from_one_bar_on(panel: Visit) -> None:
    panel.page.get_by_label("Only from bar 7 on").check()
    press(panel, "3 beats a bar")
    assert last_edit(panel) == {"do": "set_meter", "meter": 3, "at": 12.5}
    positions = panel.run("allin1.sheet.positions")
    assert max(positions[24:]) == 3
    assert max(positions[:24]) == 4


def test_the_bars_are_counted_from_the_one_that_was_chosen(panel: Visit) -> None:
    press(panel, "Bar 1 is here")
    settle(panel)
    assert panel.run("allin1.sheet.placeAt(12.6)") == "1.1"
    assert words(panel) == ["Bar 1 at 0:12.50"]


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
    ("Make constant: one tempo for the whole song", {"do": "constant_tempo"}),
    ("Delete this beat", {"do": "delete_beat", "at": 12.5}),
    ("Add a beat here", {"do": "add_beat", "at": 12.6}),
    ("verse", {"do": "relabel_section", "at": 15.5, "label": "verse"}),
    ("break", {"do": "relabel_section", "at": 15.5, "label": "break"}),
    (
        "This section begins a bar earlier",
        {"do": "move_boundary", "at": 10.5, "to": 8.5},
    ),
    ("This section begins a bar later", {"do": "move_boundary", "at": 10.5, "to": 12.5}),
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


def facts(seen: Visit) -> str:
    settle(seen)
    return seen.page.locator(".facts").inner_text()


def test_the_tempo_is_made_constant_typed_and_undone(panel: Visit) -> None:
    press(panel, "This beat 10 ms later")
    assert "120.00 BPM" in facts(panel)
    press(panel, "Make constant: one tempo for the whole song")
    assert "120.00 BPM, constant" in facts(panel)
    panel.page.get_by_label("Constant tempo, beats per minute").fill("123.5")
    panel.page.keyboard.press("Enter")
    assert "123.50 BPM, constant" in facts(panel)
    assert "Constant, 123.50 BPM" in words(panel)
    assert np.diff(panel.run("allin1.sheet.beats")) == pytest.approx(60 / 123.5, abs=1e-3)
    for _ in range(3):
        press(panel, "Undo")
        settle(panel)
    assert not panel.run("allin1.sheet.corrections.any")


def test_a_tempo_below_20_is_refused(panel: Visit) -> None:
    panel.page.get_by_label("Constant tempo, beats per minute").fill("12")
    panel.page.keyboard.press("Enter")
    settle(panel)
    assert "A tempo is from 20 to 600 BPM" in panel.page.get_by_role("alert").inner_text()
    assert panel.faults.pop().startswith("Failed to load resource")  # the browser's own remark


def test_the_grid_slides_by_ear_and_then_in_the_song(panel: Visit) -> None:
    slider = panel.page.get_by_role("slider", name="Slide all beats, in milliseconds")
    clicks = "allin1.player.stretcher.clicks[4].frame / 44100"
    before = panel.run(clicks)
    slider.evaluate("(e) => { e.value = 25; e.dispatchEvent(new Event('input')); }")
    assert panel.run(clicks) == pytest.approx(before + 0.025, abs=1e-4)
    assert panel.run("allin1.sheet.corrections.changes") == []
    slider.evaluate("(e) => { e.value = 25; e.dispatchEvent(new Event('change')); }")
    assert last_edit(panel) == {"do": "nudge", "ms": 25}
    assert panel.run(clicks) == pytest.approx(before + 0.025, abs=1e-4)
    assert slider.input_value() == "0"


def test_keys_slide_all_beats_while_correcting(panel: Visit) -> None:
    blur = "document.activeElement.blur()"
    panel.run(blur)
    for key, ms in (("j", -10), ("k", 10), ("Shift+J", -1), ("Shift+K", 1)):
        panel.page.keyboard.press(key)
        settle(panel)
        assert last_edit(panel) == {"do": "nudge", "ms": ms}, key
    panel.page.keyboard.press("e")
    panel.page.keyboard.press("j")  # the panel is closed
    settle(panel)
    assert last_edit(panel) == {"do": "nudge", "ms": 1}


def test_other_tempos_are_offered_and_used(
    visit: Callable[..., Visit], known: Known, tmp_path: Path
) -> None:
    levels = (TempoLevel(60.0, "1/2", 0.3), TempoLevel(120.0, "offbeat", 0.1))
    tempo = replace(known.analysis.tempo, alternatives=levels)
    path = tmp_path / "known.json"
    path.write_text(replace(known.analysis, tempo=tempo).to_json())
    seen = visit()
    seen.upload(path)
    seen.wait_for_timeline()
    press(seen, "or half a beat later?")
    assert last_edit(seen) == {"do": "nudge", "ms": 250}
    press(seen, "Undo")
    settle(seen)
    press(seen, "or 60?")
    assert last_edit(seen) == {"do": "scale_tempo", "factor": "1/2"}
    assert "60.00 BPM" in facts(seen)


def test_a_tempo_that_varies_shows_its_range(visit: Callable[..., Visit], tmp_path: Path) -> None:
    beats = tuple(np.cumsum(np.linspace(60 / 118, 60 / 124, 200)).round(3).tolist())
    path = tmp_path / "song.json"
    positions = tuple(i % 4 + 1 for i in range(200))
    tempo = estimate_tempo(beats)
    song = Analysis("song.wav", 121, beats, beats[::4], positions, (), duration=110.0, tempo=tempo)
    path.write_text(song.to_json())
    seen = visit()
    seen.upload(path)
    seen.wait_for_timeline()
    assert "tempo varies 118–124" in facts(seen)
