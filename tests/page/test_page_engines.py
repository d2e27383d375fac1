"""The main path in WebKit, which is Safari's engine, and in Firefox.

Upload, play, seek, loop, speed, correct, save, open; and the page that is shared. Each step uses
the page as the one before it left it.
"""

import json
import time
from pathlib import Path

import pytest

from allin1_mlx.display.pages.saved import write_saved_page
from allin1_mlx.display.pages.sound import cut, pack_sound

from .engines import LISTEN, Engine, open_firefox, open_webkit
from .visits import Known, Server, compose

OPEN = {"WebKit": open_webkit, "Firefox": open_firefox}
READY = "allin1.view.sheet && !allin1.view.pending"
CLOCK = "[allin1.player.position, allin1.player.context.currentTime]"


@pytest.fixture(scope="module")
def shared_page(known: Known, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The known song as a page with its sound."""
    text = write_saved_page(known.analysis, sound=pack_sound(cut(compose(40.0))))
    path = tmp_path_factory.mktemp("shared") / "known.html"
    path.write_text(text, encoding="utf-8")
    return path


def play_the_shared_page(engine: Engine, shared_page: Path) -> None:
    engine.go(shared_page.as_uri())
    engine.execute(LISTEN)
    engine.wait("window.page && document.querySelector('.playhead')", 30)
    late = engine.run("page.player.silence * 44100")
    assert late == round(late)
    # Where the song was found, it is as loud as it was: the first beat begins there.
    before, after = engine.run("""(() => {
      const data = page.player.buffer.getChannelData(0);
      const beat = Math.round((page.player.silence + 0.5) * 44100);
      const peak = (from, to) => Math.max(...data.slice(from, to).map(Math.abs));
      return [peak(beat - 400, beat - 40), peak(beat, beat + 400)];
    })()""")
    assert after > 2 * before
    engine.click("#play")
    engine.wait("page.player.position > 0.5", 60)  # the first sound of a session starts late
    engine.press("Space")
    engine.wait("!page.player.playing")


def wait_for_rate(engine: Engine, speed: float) -> None:
    """Wait until the song proceeds by that many seconds for each second of the audio clock."""
    rates = []
    for _ in range(20):  # a busy machine needs time to stretch the first sound
        first = engine.run(CLOCK)
        time.sleep(1)
        last = engine.run(CLOCK)
        rates.append((last[0] - first[0]) / max(last[1] - first[1], 0.01))
        if rates[-1] == pytest.approx(speed, abs=0.02):
            return
    raise AssertionError(f"{engine.name}: never {speed} seconds a second: {rates}")


def draw_an_uploaded_song(engine: Engine, server: Server, known: Known) -> None:
    engine.open_page(server.url)
    engine.give("#dropzone input[type=file]", known.sound)
    engine.wait(READY, 120)
    assert engine.run("allin1.sheet.bpm") == 120
    assert engine.run("allin1.sheet.frames") == 40 * 44_100
    assert "known" in engine.run("document.querySelector('.about h2').textContent")
    assert engine.run("document.querySelectorAll('#player .timeline svg').length") > 0


def play_at_the_speed_of_the_clock(engine: Engine) -> None:
    engine.click("[data-action=play]")
    engine.wait("allin1.player.position > 0.5")
    assert engine.run("allin1.player.context.state") == "running"
    wait_for_rate(engine, 1)
    engine.press("Space")
    engine.wait("!allin1.player.playing")


def go_where_the_waveform_is_clicked(engine: Engine) -> None:
    rows = engine.run("allin1.view.rows")
    width = engine.run("allin1.view.outer")
    engine.click_at(".timeline", width / 2, sum(rows["wave"]) / 2)
    assert engine.run("allin1.player.position") == pytest.approx(20, abs=0.3)
    engine.press("ArrowRight")
    engine.press("Home")
    assert engine.run("allin1.player.position") == 0


def loop_bars_dragged_along_the_ruler(engine: Engine) -> None:
    rows = engine.run("allin1.view.rows")
    places = engine.run("[8.5, 10.5].map((time) => allin1.view.toX(time))")
    y = sum(rows["ruler"]) / 2
    engine.drag(".timeline", (places[0] + 3, y), (places[1] - 3, y))
    assert engine.run("allin1.player.loop") == pytest.approx([8.5, 10.5], abs=0.05)
    engine.press("Space")
    engine.wait("allin1.player.heard && allin1.player.heard.round >= 1", 30)
    assert 8.4 < engine.run("allin1.player.position") < 10.6


def play_slower_while_it_loops(engine: Engine) -> None:
    for _ in range(6):
        engine.press(",")
    assert engine.run("document.querySelector('.percent').textContent") == "70 %"
    engine.press("l")  # no jumps while the speed is measured
    engine.wait("!allin1.player.loop")
    wait_for_rate(engine, 0.7)
    engine.press("1")
    engine.press("Space")
    engine.wait("!allin1.player.playing && allin1.player.speed === 1")


def correct_undo_and_redo(engine: Engine) -> None:
    engine.click("[aria-label='Half the tempo']")
    engine.wait(f"allin1.sheet.bpm === 60 && {READY}")
    engine.click("[aria-label=Undo]")
    engine.wait(f"allin1.sheet.bpm === 120 && {READY}")
    engine.click("[aria-label=Redo]")
    engine.wait(f"allin1.sheet.bpm === 60 && {READY}")


def save_the_result_and_open_it_again(
    engine: Engine, server: Server, known: Known, tmp_path: Path
) -> None:
    text = engine.execute("""
      const request = new XMLHttpRequest();
      request.open("GET", document.querySelector("a.save").href, false);
      request.send();
      return request.responseText;
    """)
    assert json.loads(text)["bpm"] == 60
    engine.click("a.save")
    engine.wait("allin1.editing.unsaved.size === 0")
    saved = tmp_path / "saved.json"
    saved.write_text(text, encoding="utf-8")
    engine.open_page(server.url)
    engine.give("#dropzone input[type=file]", saved)
    engine.wait(READY, 60)
    assert engine.run("allin1.sheet.bpm") == 60
    assert engine.run("allin1.sheet.frames") == 0
    engine.give("#dropzone input[type=file]", known.sound)
    engine.wait("allin1.sheet.frames > 0", 60)
    assert engine.run("allin1.sheet.bpm") == 60


@pytest.mark.parametrize("name", OPEN)
def test_the_main_path(
    name: str, server: Server, known: Known, shared_page: Path, tmp_path: Path
) -> None:
    with OPEN[name](tmp_path) as engine:
        play_the_shared_page(engine, shared_page)
        check_faults(engine)
        draw_an_uploaded_song(engine, server, known)
        play_at_the_speed_of_the_clock(engine)
        go_where_the_waveform_is_clicked(engine)
        loop_bars_dragged_along_the_ruler(engine)
        play_slower_while_it_loops(engine)
        correct_undo_and_redo(engine)
        check_faults(engine)
        save_the_result_and_open_it_again(engine, server, known, tmp_path)
        check_faults(engine)


def check_faults(engine: Engine) -> None:
    """No script of the page has failed."""
    assert engine.run("window.faults") == []
