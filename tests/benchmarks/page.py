"""The page with a song of ten minutes: how soon it is there, how smooth, how exact in time.

    PYTHONPATH=. python -m tests.benchmarks.page

Needs chromium and playwright. Other programs that run at the same time make all figures worse.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from playwright.sync_api import Page, sync_playwright
from tests.page.test_page_practice import PERFORM, impulses, measure_hz, section_place
from tests.page.visits import Visit, compose
from tests.support.layout_shift import WATCH_SHIFT

from allin1_mlx.analysis import Analysis
from allin1_mlx.types import SAMPLE_RATE, Segment, Tempo

SECONDS = 600.0
ROUNDS = 3
SPEEDS = (0.5, 0.7, 0.8, 1, 1.25, 1.5)
SEMITONES = (-6, -1, 0.31, 5, 6)
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

FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"

# The loop, the speed, whether the click is on, the bars of count-in, whether it plays.
STATE = """[
  allin1.player.loop, allin1.practice.speed, allin1.player.levels.click.on,
  allin1.practice.settings.countIn, allin1.player.playing,
]"""


def write_song(folder: Path) -> list[str]:
    """A song with a beat every half second, and its result."""
    sound, result = folder / "ten minutes.wav", folder / "ten minutes.json"
    soundfile.write(sound, compose(SECONDS, sections=15).T, SAMPLE_RATE, "PCM_16")
    beats = tuple(np.arange(0.5, SECONDS - 0.2, 0.5).round(2).tolist())
    edges = np.linspace(0, SECONDS, 16).tolist()
    labels = ["chorus" if i % 2 else "verse" for i in range(15)]
    sections = tuple(Segment(*p, label) for p, label in zip(pairwise(edges), labels, strict=True))
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
    figures = {"usable after, s": page.evaluate("performance.now() / 1000")}
    figures["first paint after, s"] = page.evaluate(FIRST_PAINT)
    page.evaluate(WATCH_SHIFT)
    page.set_input_files("#dropzone input[type=file] >> nth=0", files)
    page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    page.wait_for_timeout(500)
    figures["layout shift at the first song"] = page.evaluate("window.shift")
    figures["drawn after, s"] = min(page.evaluate(DRAW) for _ in range(ROUNDS))
    page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    for kind in ("zoom", "scroll"):
        best = max(page.evaluate(MOVE, kind) for _ in range(ROUNDS))
        figures[f"{kind}, frames per second"] = best
    figures["sound after, s"] = min(page.evaluate(SOUND) for _ in range(ROUNDS))
    return figures | practise(page) | measure_sound(Visit(page))


def practise(page: Page) -> dict[str, Any]:
    """Loop the chorus at 80 % with click and count-in, by mouse."""
    page.evaluate("() => { allin1.player.seek(0); allin1.view.reset(); }")
    chorus = section_place(Visit(page), 1)
    start, actions = time.perf_counter(), 0
    for step in (
        lambda: page.locator(".timeline").click(position=chorus),
        lambda: page.get_by_role("button", name="Count-in: no count-in").click(),
        lambda: page.get_by_role("slider", name="Speed").fill("80"),
        lambda: page.get_by_role("button", name="Loop this section from its start").click(),
    ):
        step()
        actions += 1
    page.wait_for_function("allin1.player.counting")
    took = time.perf_counter() - start
    state = page.evaluate(STATE)
    assert state == [[40, 80], 80, True, 1, True], state
    page.evaluate("allin1.player.pause()")
    return {"chorus at 80 %: actions": actions, "chorus at 80 %: s until the count-in": took}


def measure_sound(seen: Visit) -> dict[str, Any]:
    """How exact the player is, from what it renders."""
    apart, gaps, cents = [], [], []
    for speed in SPEEDS:
        song, click = impulses(seen, speed=speed, seconds=20)
        apart += [np.abs(song - time).min() for time in click if 0.5 < time < 19]
        song, _ = impulses(seen, speed=speed, seconds=30, plan=[[0.1, "setLoop", [8.5, 12.5]]])
        gaps += np.abs(np.diff(song[song > 1]) - 0.5 / speed).tolist()
    for semitones in SEMITONES:
        pitch = 2 ** (semitones / 12)
        heard = seen.run(PERFORM, {"speed": 0.7, "pitch": pitch, "hz": 440.0, "seconds": 5})
        cents.append(abs(1200 * np.log2(measure_hz(heard, 440 * pitch) / (440 * pitch))))
    return {
        "click beside its beat, ms at most": 1000 * max(apart),
        "seam of a loop, ms at most": 1000 * max(gaps),
        "pitch, cents beside at most": max(cents),
    }


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
            print(f"| {name} | {value:.3g} |")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
