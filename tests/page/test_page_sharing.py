"""What is shared: a page that plays the song anywhere, pictures, a chart to print, sounds."""

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page

from allin1_mlx.display.pages.saved import write_saved_page
from allin1_mlx.display.pages.sound import cut, pack_sound
from allin1_mlx.types import SAMPLE_RATE

from ..support.small import measure_envelope
from .visits import Known, Visit, compose

# Notes when and from where each sound is started, before the page's script runs.
SPY = """() => {
  window.started = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...places) {
    window.started.push([this.buffer.duration, ...places]);
    return start.apply(this, places);
  };
}"""


@pytest.fixture(scope="module")
def saved(known: Known, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The known song as a page with sound."""
    samples = compose(40.0)
    page = write_saved_page(
        known.analysis, envelope=measure_envelope(samples), sound=pack_sound(cut(samples))
    )
    path = tmp_path_factory.mktemp("shared") / "known.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture
def open_saved(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a saved page as a file, with nothing but that file; no script may fail."""
    pages: list[Page] = []
    faults: list[str] = []

    def open_file(path: Path, **context: Any) -> Page:
        settings = {"viewport": {"width": 1000, "height": 800}, "offline": True, **context}
        page = browser.new_context(**settings).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.add_init_script(f"({SPY})()")
        page.goto(path.as_uri())
        page.wait_for_function("window.page && document.querySelector('.playhead')")
        return page

    yield open_file
    for page in pages:
        page.context.close()
    assert faults == []


def fetch(seen: Visit, link: str) -> tuple[str, bytes]:
    with seen.page.expect_download(timeout=60_000) as download:
        seen.page.get_by_role("link", name=link, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_the_menu_gives_a_page_that_plays_without_the_program(
    opened: Visit, open_saved: Callable[..., Page], tmp_path: Path
) -> None:
    name, content = fetch(opened, "Page: HTML")
    assert name == "known.html"
    (tmp_path / name).write_bytes(content)
    page = open_saved(tmp_path / name)
    assert page.title() == "known"
    page.click("#play")
    page.wait_for_function("page.player.position > 1")
    assert page.inner_text("#play") == "Pause"
    assert page.evaluate("page.player.buffer.duration") == pytest.approx(40, abs=0.2)


def test_clicks_start_with_the_song_at_their_beats(
    open_saved: Callable[..., Page], saved: Path, known: Known
) -> None:
    page = open_saved(saved)
    page.evaluate("page.player.rest = 3.3")
    page.click("#play")
    page.wait_for_function("page.player.position > 5")
    song, *clicks = page.evaluate("started")
    assert song[2] == pytest.approx(3.3 + page.evaluate("page.player.silence"))
    heard = np.array([click[1] for click in clicks]) - song[1] + 3.3
    expected = [beat for beat in known.analysis.beats if beat > 3.3][: len(clicks)]
    assert len(clicks) >= 3
    assert heard == pytest.approx(expected, abs=1e-6)


def test_a_loop_repeats_without_a_gap_and_with_its_clicks(
    open_saved: Callable[..., Page], saved: Path
) -> None:
    page = open_saved(saved)
    page.evaluate("() => { page.player.setLoop([2.5, 3.5]); page.player.seek(3.0); }")
    page.click("#play")
    page.wait_for_function("started.filter(([length]) => length > 1).length >= 4")
    started = page.evaluate("started")
    rounds = [s for s in started if s[0] > 1]
    clicks = [s[1] for s in started if s[0] < 1]
    begins = np.array([when for _, when, _, _ in rounds])
    lengths = np.array([length for _, _, _, length in rounds])
    assert lengths == pytest.approx([0.5, *[1.0] * (len(rounds) - 1)])
    assert np.diff(begins) == pytest.approx(lengths[:-1])
    assert np.diff(clicks) == pytest.approx(0.5)
    assert page.evaluate("page.player.position") < 3.6


@pytest.mark.parametrize("speed", ["60", "125"])
def test_song_and_clicks_change_their_speed_together(
    open_saved: Callable[..., Page], saved: Path, known: Known, speed: str
) -> None:
    page = open_saved(saved)
    slider = page.get_by_label("Speed")
    slider.fill(speed)
    slider.dispatch_event("change")
    page.evaluate("page.player.rest = 3.3")
    page.click("#play")
    page.wait_for_function("started.filter(([length]) => length < 0.4).length >= 3")
    started = page.evaluate("started")
    pieces = [s for s in started if s[0] > 0.4]
    clicks = [s[1] for s in started if s[0] < 0.4]
    assert np.diff([piece[1] for piece in pieces]) == pytest.approx(0.5)  # of 0.5 s, in a row
    factor = int(speed) / 100
    heard = (np.array(clicks) - pieces[0][1]) * factor + 3.3
    expected = [beat for beat in known.analysis.beats if beat > 3.3][: len(clicks)]
    assert heard == pytest.approx(expected, abs=0.005)  # with the sound, which moves to fit
    assert page.locator("#percent").inner_text() == f"{speed} %"


def test_the_sound_is_found_where_a_decoder_leaves_silence_before_it(
    open_saved: Callable[..., Page], saved: Path, tmp_path: Path
) -> None:
    """Without its first frame, which states the encoder's delay, an MP3 file is decoded late."""
    exact = open_saved(saved)
    heard = "() => [page.player.silence, page.player.buffer.length]"
    assert exact.evaluate(heard)[0] == 0
    text = saved.read_text(encoding="utf-8")
    sound = pack_sound(cut(compose(40.0)))
    second = 144_000 * 128 // SAMPLE_RATE  # bytes of the first frame, which has 128 kbit/s
    assert sound.mp3[second : second + 2] == sound.mp3[:2]  # another frame begins there
    late = tmp_path / "late.html"
    old, new = (base64.b64encode(mp3).decode() for mp3 in (sound.mp3, sound.mp3[second:]))
    assert old in text
    late.write_text(text.replace(old, new), encoding="utf-8")
    page = open_saved(late)
    silence, length = page.evaluate(heard)
    assert silence == pytest.approx(1105 / SAMPLE_RATE, abs=1.5 / SAMPLE_RATE)
    assert length > 40 * SAMPLE_RATE


def test_a_click_on_timeline_overview_or_section_goes_there(
    open_saved: Callable[..., Page], saved: Path, known: Known
) -> None:
    page = open_saved(saved)
    box = page.locator("#timeline").bounding_box()
    assert box is not None
    rows = page.evaluate("document.getElementById('timeline').layout.meta.rows")
    for row in ("wave", "overview"):
        y = box["y"] + sum(rows[row]) / 2
        page.mouse.click(box["x"] + box["width"] / 2, y)
        page.wait_for_function("Math.abs(page.player.position - 20) < 0.2")
        page.evaluate("page.player.seek(0)")
    third = known.analysis.segments[2]
    page.get_by_role("button", name=third.label).click()
    assert page.evaluate("page.player.position") == third.start
    # The list follows with the next frame.
    page.locator("[aria-current]").filter(has_text=third.label).wait_for()


def test_keys_play_loop_and_walk_by_bars(
    open_saved: Callable[..., Page], saved: Path, known: Known
) -> None:
    page = open_saved(saved)
    press = page.keyboard.press
    press("ArrowRight")
    press("ArrowRight")
    assert page.evaluate("page.player.position") == known.analysis.downbeats[1]
    press("ArrowLeft")
    assert page.evaluate("page.player.position") == known.analysis.downbeats[0]
    press("l")
    first = known.analysis.segments[0]
    assert page.evaluate("page.player.loop") == [first.start, first.end]
    press("c")
    assert page.evaluate("page.player.levels.click") == 0
    press(" ")
    page.wait_for_function("page.player.position > 0.8")
    press(" ")
    assert not page.evaluate("page.player.playing")


@pytest.mark.parametrize("width", [390, 1366])
def test_the_shared_page_is_accessible_and_fits_the_screen(
    open_saved: Callable[..., Page], saved: Path, axe: str, width: int
) -> None:
    page = open_saved(saved, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert Visit(page).violations(axe) == []


def test_the_chart_opens_in_a_tab_and_prints_on_one_page(opened: Visit, known: Known) -> None:
    with opened.page.context.expect_page() as tab:
        opened.page.get_by_role("link", name="Song chart: to print").click()
    chart = tab.value
    chart.wait_for_load_state()
    assert chart.locator("h1").inner_text() == "known"
    assert chart.locator(".bars span").count() == len(known.analysis.downbeats)
    button = chart.get_by_role("button", name="Print")
    assert button.is_visible()
    assert count_pages(chart.pdf(format="A4")) == 1
    assert count_pages(chart.pdf(format="Letter")) == 1
    chart.emulate_media(media="print")
    assert not button.is_visible()
    chart.close()


def test_the_shared_page_prints_as_the_chart(open_saved: Callable[..., Page], saved: Path) -> None:
    page = open_saved(saved)
    assert not page.locator(".chart").is_visible()
    assert count_pages(page.pdf(format="A4")) == 1
    page.emulate_media(media="print")
    assert page.locator(".chart").is_visible()
    assert not page.locator("#timeline").is_visible()


def count_pages(pdf: bytes) -> int:
    return pdf.count(b"/Type /Page\n") or pdf.count(b"/Type /Page ")


def test_pictures_are_png_and_svg(opened: Visit) -> None:
    name, png = fetch(opened, "Picture: PNG")
    assert (name, png[:4]) == ("known.png", b"\x89PNG")
    name, svg = fetch(opened, "Picture: SVG")
    assert name == "known.svg"
    assert b"<svg" in svg
    assert b"chorus" in svg


@pytest.mark.parametrize(("kind", "share"), [("MP3", 0.2), ("FLAC", 0.9)])
def test_sounds_are_smaller_than_wav_and_exactly_as_long(
    opened: Visit, kind: str, share: float
) -> None:
    _, wav = fetch(opened, "Song with click: WAV")
    name, packed = fetch(opened, f"Song with click: {kind}")
    assert name == f"known with click.{kind.lower()}"
    assert len(packed) < share * len(wav)
    exact, heard = (soundfile.read(io.BytesIO(file))[0] for file in (wav, packed))
    assert heard.shape == exact.shape
    assert np.corrcoef(heard[:, 0], exact[:, 0])[0, 1] > 0.95


def test_a_file_that_is_being_made_is_announced(opened: Visit) -> None:
    opened.page.route("**/picture?kind=png", lambda route: route.fulfill(status=500, body="{}"))
    link = opened.page.get_by_role("link", name="Picture: PNG")
    opened.run("""() => {
      const link = document.querySelector('[aria-label="Picture: PNG"]');
      window.shown = [];
      new MutationObserver(() => window.shown.push(link.textContent)).observe(link, {
        childList: true,
      });
    }""")
    link.click()
    opened.page.wait_for_function("window.shown.length >= 2")
    opened.page.unroute("**/picture?kind=png")
    assert opened.run("window.shown[0]") == "preparing …"
    assert opened.run("window.shown[1]").startswith("failed")
    opened.faults.clear()  # the browser reports the answer 500
    fetch(opened, "Picture: PNG")
    assert link.inner_text() == "PNG"
