"""The main path in WebKit, which is Safari's engine, and in Firefox.

Upload, play, seek, loop, speed, correct, save, open; and the page that is shared. Each test uses
the page as the one before it left it.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from allin1_mlx.display.pages.saved import write_saved_page
from allin1_mlx.display.pages.sound import cut, pack_sound

from .engines import LISTEN, Engine, open_firefox, open_webkit
from .visits import Known, Server, compose

OPEN = {"WebKit": open_webkit, "Firefox": open_firefox}
READY = "allin1.view.sheet && !allin1.view.pending"
CLOCK = "[allin1.player.position, allin1.player.context.currentTime]"


@pytest.fixture(scope="module", params=list(OPEN))
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The browser with one window for all tests of this module."""
    with OPEN[request.param](tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture(scope="module")
def page(engine: Engine, server: Server, known: Known) -> Engine:
    """The browser with the page, where the known song was uploaded and analysed."""
    engine.open_page(server.url)
    engine.give("#dropzone input[type=file]", known.sound)
    engine.wait(READY, 120)
    return engine


@pytest.fixture(autouse=True)
def no_fault(engine: Engine) -> Iterator[None]:
    """No script of the page fails."""
    yield
    assert engine.run("window.faults") == []


@pytest.fixture(scope="module")
def shared_page(known: Known, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The known song as a page with its sound."""
    text = write_saved_page(known.analysis, sound=pack_sound(cut(compose(40.0))))
    path = tmp_path_factory.mktemp("shared") / "known.html"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shared_page_plays_from_a_file(engine: Engine, shared_page: Path) -> None:
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


def measure_rate(page: Engine) -> float:
    """Seconds of the song for each second of the audio clock."""
    first = page.run(CLOCK)
    time.sleep(1.5)
    last = page.run(CLOCK)
    return float((last[0] - first[0]) / (last[1] - first[1]))


def test_an_uploaded_song_is_analysed_and_drawn(page: Engine) -> None:
    assert page.run("allin1.sheet.bpm") == 120
    assert page.run("allin1.sheet.frames") == 40 * 44_100
    assert "known" in page.run("document.querySelector('.about h2').textContent")
    assert page.run("document.querySelectorAll('#player .timeline svg').length") > 0


def test_it_plays_at_the_speed_of_the_clock(page: Engine) -> None:
    page.click("[data-action=play]")
    page.wait("allin1.player.position > 0.5")
    assert page.run("allin1.player.context.state") == "running"
    assert measure_rate(page) == pytest.approx(1, abs=0.02)
    page.press("Space")
    page.wait("!allin1.player.playing")


def test_a_click_on_the_waveform_goes_there(page: Engine) -> None:
    rows = page.run("allin1.view.rows")
    width = page.run("allin1.view.outer")
    page.click_at(".timeline", width / 2, sum(rows["wave"]) / 2)
    assert page.run("allin1.player.position") == pytest.approx(20, abs=0.3)
    page.press("ArrowRight")
    page.press("Home")
    assert page.run("allin1.player.position") == 0


def test_bars_dragged_along_the_ruler_are_looped(page: Engine) -> None:
    rows = page.run("allin1.view.rows")
    places = page.run("[8.5, 10.5].map((time) => allin1.view.toX(time))")
    y = sum(rows["ruler"]) / 2
    page.drag(".timeline", (places[0] + 3, y), (places[1] - 3, y))
    assert page.run("allin1.player.loop") == pytest.approx([8.5, 10.5], abs=0.05)
    page.press("Space")
    page.wait("allin1.player.heard && allin1.player.heard.round >= 1", 30)
    assert 8.4 < page.run("allin1.player.position") < 10.6


def test_it_plays_slower_while_it_loops(page: Engine) -> None:
    for _ in range(6):
        page.press(",")
    assert page.run("document.querySelector('.percent').textContent") == "70 %"
    page.press("l")  # no jumps while the speed is measured
    page.wait("!allin1.player.loop")
    time.sleep(0.5)
    assert measure_rate(page) == pytest.approx(0.7, abs=0.02)
    page.press("1")
    page.press("Space")
    page.wait("!allin1.player.playing && allin1.player.speed === 1")


def test_corrections_are_shown_undone_and_redone(page: Engine) -> None:
    page.click("[aria-label='Half the tempo']")
    page.wait(f"allin1.sheet.bpm === 60 && {READY}")
    page.click("[aria-label=Undo]")
    page.wait(f"allin1.sheet.bpm === 120 && {READY}")
    page.click("[aria-label=Redo]")
    page.wait(f"allin1.sheet.bpm === 60 && {READY}")


def test_the_result_is_saved_and_opened_again_with_its_corrections(
    page: Engine, server: Server, known: Known, tmp_path: Path
) -> None:
    text = page.execute("""
      const request = new XMLHttpRequest();
      request.open("GET", document.querySelector("a.save").href, false);
      request.send();
      return request.responseText;
    """)
    assert json.loads(text)["bpm"] == 60
    page.click("a.save")
    page.wait("allin1.editing.unsaved.size === 0")
    saved = tmp_path / "saved.json"
    saved.write_text(text, encoding="utf-8")
    page.open_page(server.url)
    page.give("#dropzone input[type=file]", saved)
    page.wait(READY, 60)
    assert page.run("allin1.sheet.bpm") == 60
    assert page.run("allin1.sheet.frames") == 0
    page.give("#dropzone input[type=file]", known.sound)
    page.wait("allin1.sheet.frames > 0", 60)
    assert page.run("allin1.sheet.bpm") == 60
