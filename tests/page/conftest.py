"""A server of its own process, a Chromium, and songs whose structure is known."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, sync_playwright

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import file_digest
from allin1_mlx.types import SAMPLE_RATE, Segment, Tempo

from .correcting import UNDO_ALL, press
from .visits import ROOT, Known, Server, Visit, compose

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers stall on a busy machine: a test of the page may fail once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Server]:
    """Start a server with more options and environment; the caller stops it.

    It keeps no songs, unless the options name a library.
    """

    def start(*options: str, offline: bool = True, **more: str) -> Server:
        temporary = tmp_path_factory.mktemp("server")
        paths = [str(ROOT / "core"), str(ROOT / "webui"), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "TMPDIR": str(temporary), **more}
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        command = [sys.executable, "-m", "allin1_mlx_ui.app", "--port", "0", "--no-browser"]
        kept = [] if "--library" in options else ["--no-library"]
        process = subprocess.Popen(
            [*command, *kept, *(["--offline"] if offline else []), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        assert process.stdout is not None
        output = []
        for line in process.stdout:
            output.append(line)
            found = re.search(r"page is at (\S+)", line)
            if found:
                return Server(found[1], process, temporary, "".join(output))
        process.stdout.close()
        process.wait()
        raise AssertionError("the server did not start: " + "".join(output))

    return start


@pytest.fixture(scope="session")
def server(start_server: Callable[..., Server]) -> Iterator[Server]:
    """One server for all tests."""
    running = start_server("--model", "bundled")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a screen."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs the program chromium (Debian's package of that name)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield running
        running.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which a package brings for us."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def open_page(browser: Browser, server: Server) -> Callable[..., Visit]:
    """Open the page in a window of its own, which the caller closes."""

    def visit(url: str = server.url, **context: Any) -> Visit:
        settings = {"viewport": {"width": 1280, "height": 1000}, **context}
        seen = Visit(browser.new_context(**settings).new_page())
        seen.go(url)
        return seen

    return visit


@pytest.fixture
def visit(open_page: Callable[..., Visit]) -> Iterator[Callable[..., Visit]]:
    """Open the page in a window of its own; nothing in it may go wrong unseen."""
    visits: list[Visit] = []

    def visit(*address: str, **context: Any) -> Visit:
        visits.append(open_page(*address, **context))
        return visits[-1]

    yield visit
    for seen in visits:
        seen.page.context.close()
        assert seen.faults == []


@pytest.fixture(scope="session")
def make_song(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Known]:
    """A song of some seconds with beats every half second from 0.5 s on, in bars of four."""

    def make(duration: float, *, name: str = "known.wav", sections: int = 4) -> Known:
        folder = tmp_path_factory.mktemp("song")
        sound = folder / name
        soundfile.write(sound, compose(duration, sections=sections).T, SAMPLE_RATE, "PCM_16")
        beats = np.arange(0.5, duration - 0.2, 0.5).round(2).tolist()
        edges = [0.0] + [
            beats[4 * round(len(beats) / 4 * i / sections)] for i in range(1, sections)
        ]
        edges.append(duration)
        labels = ["intro", "verse", "chorus", "bridge", "solo", "outro"]
        analysis = Analysis(
            path=name,
            bpm=120,
            beats=tuple(beats),
            downbeats=tuple(beats[::4]),
            beat_positions=tuple(i % 4 + 1 for i in range(len(beats))),
            segments=tuple(
                Segment(edges[i], edges[i + 1], labels[i % len(labels)]) for i in range(sections)
            ),
            duration=duration,
            tempo=Tempo(120.0, 1.0),
            meter=4,
            audio_sha256=file_digest(sound),
        )
        result = sound.with_suffix(".json")
        result.write_text(analysis.to_json(), encoding="utf-8")
        json.loads(result.read_text())
        return Known(sound, result, analysis)

    return make


@pytest.fixture(scope="session")
def known(make_song: Callable[..., Known]) -> Known:
    """40 seconds, 20 bars, four sections."""
    return make_song(40.0)


class Lasting:
    """One page with the known song, its result and its sound, for many tests."""

    def __init__(self, open_page: Callable[..., Visit], known: Known) -> None:
        self._open_page = open_page
        self._known = known
        self._seen: Visit | None = None

    def get(self) -> Visit:
        """Returns the page, and opens it anew if the browser no longer draws it."""
        if self._seen is not None and not self._seen.run(DRAWS):
            self.close()
        if self._seen is None:
            self._seen = self._open_page()
            self._seen.upload(self._known.result, self._known.sound)
            self._seen.wait_for("done")
            self._seen.wait_for_timeline()
            script = "allin1.sheet.frames > 0 && !allin1.view.pending"
            self._seen.page.wait_for_function(script)
        return self._seen

    def close(self) -> None:
        """Close the page."""
        if self._seen is not None:
            self._seen.page.context.close()
            self._seen = None


@pytest.fixture(scope="session")
def lasting(open_page: Callable[..., Visit], known: Known) -> Iterator[Lasting]:
    """The page that many tests share."""
    page = Lasting(open_page, known)
    yield page
    page.close()


DRAWS = """() => new Promise((resolve) => {
  requestAnimationFrame(() => resolve(true));
  setTimeout(() => resolve(false), 10000);
})"""
RESET = """async () => {
  const { player, practice, settings, view } = allin1;
  player.pause();
  player.setLoop(null);
  player.setTrainer(null);
  practice.setSpeed(100);
  practice.setPitch({ semitones: 0, cents: 0 });
  practice.set({ sound: "click", subdivision: "none", accent: true, countIn: 0 });
  if (settings.isOpen) allin1.toggleSettings();
  player.setLevel("song", { volume: 1, on: true });
  player.setLevel("click", { volume: 0.6, on: true });
  player.seek(0);
  view.select(-1);
  view.reset();
  if (!view.following) allin1.moves.toggleFollow();
  document.activeElement.blur();
  window.scrollTo(0, 0);
  const { drawing } = view;
  while (view.pending || drawing.stretch > 1.001) await new Promise(requestAnimationFrame);
}"""


@pytest.fixture
def opened(lasting: Lasting) -> Iterator[Visit]:
    """The page with the known song, as if it had just been opened."""
    seen = lasting.get()
    seen.page.bring_to_front()
    seen.run(RESET)
    seen.page.mouse.move(1, 1)
    yield seen
    assert seen.faults == []


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
