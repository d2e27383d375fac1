"""The page with a song of ten minutes: seconds until it can be used, is drawn and sounds.

    PYTHONPATH=. python -m tests.benchmarks.page

Needs chromium and playwright. Other programs that run at the same time make all figures worse.
"""

import os
import re
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from playwright.sync_api import Page, sync_playwright
from tests.page.visits import compose

from allin1_mlx.analysis import Analysis
from allin1_mlx.types import SAMPLE_RATE, Segment, Tempo

SECONDS = 600.0
ROUNDS = 3
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]

# Seconds from opening a song to the frame of the screen after it is drawn.
DRAW = """async () => {
  const { song } = allin1;
  allin1.close();
  const start = performance.now();
  await allin1.open(song);
  while (allin1.view.pending) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return (performance.now() - start) / 1000;
}"""

# Frames per second while the view zooms or scrolls.
MOVE = """async (kind) => {
  const { view } = allin1;
  const start = performance.now();
  for (let i = 0; i < 90; i += 1) {
    if (kind === "zoom") view.zoom(i < 45 ? 0.93 : 1 / 0.93, 300);
    else view.setRange(200 + i, 260 + i);
    await new Promise(requestAnimationFrame);
  }
  return (90 * 1000) / (performance.now() - start);
}"""

# Seconds from "play" to the first frame of the song that sounds.
SOUND = """async () => {
  const { player } = allin1;
  player.seek(100 + 200 * Math.random());
  const start = performance.now();
  const before = player.position;
  player.play();
  while (player.position <= before) await new Promise((resolve) => setTimeout(resolve, 2));
  const seconds = (performance.now() - start) / 1000;
  player.pause();
  return seconds;
}"""

LAYOUT_SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 500);
})"""


def write_song(folder: Path) -> list[str]:
    """A song with a beat every half second, and its result."""
    sound, result = folder / "ten minutes.wav", folder / "ten minutes.json"
    soundfile.write(sound, compose(SECONDS, sections=15).T, SAMPLE_RATE, "PCM_16")
    beats = tuple(np.arange(0.5, SECONDS - 0.2, 0.5).round(2).tolist())
    edges = np.linspace(0, SECONDS, 16).tolist()
    sections = tuple(Segment(a, b, "verse") for a, b in pairwise(edges))
    positions = tuple(i % 4 + 1 for i in range(len(beats)))
    analysis = Analysis(
        sound.name, 120, beats, beats[::4], positions, sections, duration=SECONDS,
        tempo=Tempo(120.0, 1.0), meter=4,
    )  # fmt: skip
    result.write_text(analysis.to_json(), encoding="utf-8")
    return [str(result), str(sound)]


def measure(page: Page, url: str, files: list[str]) -> dict[str, Any]:
    """Figures by name."""
    page.set_default_timeout(120_000)
    page.goto(url)
    page.wait_for_function("window.allin1 !== undefined")
    usable = page.evaluate("performance.now() / 1000")
    page.set_input_files("#dropzone input[type=file] >> nth=0", files)
    page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    figures = {"usable after, s": usable, "layout shift": page.evaluate(LAYOUT_SHIFT)}
    figures["drawn after, s"] = min(page.evaluate(DRAW) for _ in range(ROUNDS))
    page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    for kind in ("zoom", "scroll"):
        best = max(page.evaluate(MOVE, kind) for _ in range(ROUNDS))
        figures[f"{kind}, frames per second"] = best
    figures["sound after, s"] = min(page.evaluate(SOUND) for _ in range(ROUNDS))
    return figures


def main() -> None:
    command = [sys.executable, "-m", "allin1_mlx_ui.app", "--port", "0", "--no-browser"]
    server = subprocess.Popen(
        [*command, "--offline"], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        assert server.stdout is not None
        words = iter(server.stdout.readline, "")
        url = next(found[1] for line in words if (found := re.search(r"page is at (\S+)", line)))
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
            figures = measure(browser.new_page(), url, write_song(Path(folder)))
            browser.close()
        print("| what | measured |\n|---|--:|")
        for name, value in figures.items():
            print(f"| {name} | {value:.2f} |")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
