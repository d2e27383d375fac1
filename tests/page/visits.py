"""Tools for tests of the page: a server, an open page, a song."""

import re
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import ConsoleMessage, Page, Response

from allin1_mlx.analysis import Analysis
from allin1_mlx.types import SAMPLE_RATE

ROOT = Path(__file__).resolve().parents[2]
# Gradio's client complains like this when a page is left while it listens to the server.
COMPLAINTS = ("AbortError: signal is aborted", "Unexpected error Connection errored out")


@dataclass
class Server:
    """A running `allin1-mlx-ui`."""

    url: str
    process: subprocess.Popen[str]
    temporary: Path  # where it puts its files
    first_words: str = ""  # what it printed until then
    last_words: str = ""  # what it printed after its address

    def memory(self) -> int:
        """Resident bytes, of its processes together."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        total = 0
        for number in [str(pid), *children]:
            found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{number}/status").read_text())
            total += 1024 * int(found[1]) if found else 0
        return total

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it like Ctrl-C. Returns its exit code."""
        self.process.send_signal(how)
        code = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.last_words = self.process.stdout.read()
        self.process.stdout.close()
        return code


@dataclass
class Visit:
    """An open page, with its requests, errors and messages."""

    page: Page
    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def go(self, url: str) -> None:
        """Open the page and record its events."""
        page = self.page
        page.set_default_timeout(60_000)  # other programs may have the processor
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("response", self._note_response)
        page.on("requestfailed", lambda r: self.failures.append(f"{r.failure} {r.url}"))
        page.on("pageerror", lambda error: self._note_fault(error.stack or str(error)))
        page.on("console", self._note_message)
        page.goto(url)
        page.wait_for_selector("#dropzone .zone input", state="attached")
        page.wait_for_function("window.allin1 !== undefined")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.failures.append(f"{response.status} {response.url}")

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note_fault(message.text)

    def _note_fault(self, text: str) -> None:
        if not text.startswith(COMPLAINTS):
            self.faults.append(text)

    def upload(self, *files: Path) -> None:
        """Give files to the drop zone."""
        self.page.set_input_files("#dropzone .zone input", [str(file) for file in files])

    def wait_for(self, state: str, *, name: str = "", timeout: float = 120) -> None:
        """Wait until a song with this name is in a state."""
        row = self.page.locator(f".songs li[data-state={state}]", has_text=name).first
        row.wait_for(timeout=timeout * 1000)

    def wait_for_timeline(self) -> None:
        """Wait until a song is drawn."""
        self.page.wait_for_function("allin1.view.sheet && !allin1.view.pending")

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Move the mouse with its button down, by way of a point between the two."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, end[1])
        mouse.move(*end)
        mouse.up()

    def press_tab(self) -> str:
        """Go to the next control. Returns its name."""
        self.page.keyboard.press("Tab")
        name = """() => {
          const { activeElement: at } = document;
          return at.getAttribute("aria-label") || at.textContent.trim();
        }"""
        return str(self.run(name))

    def violations(self, axe: str) -> list[str]:
        """The findings of axe-core of every impact."""
        self.run(f"() => {{ {axe}; window.axe = axe; }}")
        found: dict[str, Any] = self.run("axe.run(document, { resultTypes: ['violations'] })")
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def run(self, script: str, argument: Any = None) -> Any:
        """The result of a script in the page."""
        return self.page.evaluate(script, argument)


@dataclass(frozen=True)
class Known:
    """A song of known structure: its sound, and its result as a file."""

    sound: Path
    result: Path
    analysis: Analysis


def compose(duration: float, *, period: float = 0.5, sections: int = 4) -> np.ndarray:
    """Samples (2, S): a noisy drum on each beat, louder on downbeats, and a chord per section."""
    rng = np.random.default_rng(7)
    frames = round(duration * SAMPLE_RATE)
    times = np.arange(frames) / SAMPLE_RATE
    section = np.minimum((times / duration * sections).astype(int), sections - 1)
    sound = np.zeros(frames)
    for partial in (1.0, 1.5, 2.0):
        pitch = 110 * partial * 2 ** (section * 5 / 12)
        sound += 0.06 * np.sin(2 * np.pi * pitch * times)
    hit = rng.standard_normal(4000) * np.exp(-np.arange(4000) / 600)
    for index, time in enumerate(np.arange(0.5, duration - 0.2, period)):
        start = round(time * SAMPLE_RATE)
        sound[start : start + 4000] += (0.3 if index % 4 == 0 else 0.15) * hit
    return np.stack([sound, sound]).clip(-1, 1).astype(np.float32)
