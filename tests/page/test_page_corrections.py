"""Corrections on the page: made, described, undone, exported and kept."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Dialog

from allin1_mlx.analysis import Analysis
from allin1_mlx.result_file import to_values
from allin1_mlx.types import SAMPLE_RATE

from .correcting import drag, grip, last_edit, press, settle, starts, words
from .sound import HEAR
from .visits import Known, Server, Visit


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

    listed = ["Tempo halved", "Downbeat +1", "Sections: 1 boundary moved", "1 section renamed"]
    assert words(seen) == listed
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
    assert words(seen) == listed
    assert np.diff(beats) == pytest.approx(1.0)
    assert sections[1]["start"] == moved
    assert sections[2]["label"] == "solo"
    press(seen, "Undo")  # and it goes on from there
    assert words(seen) == listed[:3]
    press(seen, "Redo")
    assert words(seen) == listed

    seen.upload(known.sound)
    seen.page.wait_for_function("allin1.sheet.frames > 0")
    press(seen, "Analyse again")
    press(seen, "Keep them")
    seen.page.wait_for_function("allin1.sheet.model === 'bundled'", timeout=120_000)
    assert words(seen) == listed
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


def test_corrections_are_listed_with_a_reset_for_each(corrected: Visit) -> None:
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


def test_a_refused_correction_shows_the_reason(panel: Visit) -> None:
    panel.run("allin1.moves.jump(12.51)")
    press(panel, "Add a beat here")
    settle(panel)
    trouble = panel.page.get_by_role("alert")
    assert "too close to the beat at 12.500 s" in trouble.inner_text()
    assert panel.faults.pop().startswith("Failed to load resource")  # the browser's own remark
    press(panel, "Beat 1 one beat later")
    settle(panel)
    assert not trouble.is_visible()


def test_the_example_is_corrected_quickly(corrected: Visit) -> None:
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


def test_the_user_is_asked_before_corrections_are_lost(
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
