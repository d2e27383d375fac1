"""Makes the README's pictures of the page: `python -m tests.support.screenshots` in the repository.

Needs the package installed, Debian's Chromium and Playwright; what is seen is the example song.
"""

import shutil
import socket
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from allin1_mlx_ui.example import find_example

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PICTURES = {
    "page-light.webp": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "page-dark.webp": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "page-phone.webp": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
    "page-correct.webp": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
}
# In the middle of the song, a section chosen and looped, and the pointer away.
POSE = """async () => {
  const { view, player, sheet } = allin1;
  const longest = sheet.sections.reduce((a, b) => (b.end - b.start > a.end - a.start ? b : a));
  const index = sheet.sections.indexOf(longest);
  allin1.moves.goToSection(index);
  allin1.moves.loopSection(index);
  allin1.moves.jump(sheet.downbeats.find((t) => t > (longest.start + longest.end) / 2));
  await new Promise((resolve) => setTimeout(resolve, 1500));
}"""

# Some corrections made, and the panel open.
CORRECT = """async () => {
  const { sheet } = allin1;
  const [, , second, third] = sheet.sections; // after the silence and the intro
  const { editing } = allin1;
  const { start } = second;
  await editing.correct({ do: "shift_downbeat", beats: 1 });
  await editing.correct({ do: "move_boundary", at: start, to: start + 4, snap: true });
  await editing.correct({ do: "relabel_section", at: third.start + 1, label: "solo" });
  editing.togglePanel();
  allin1.moves.jump(third.start + 6);
  window.scrollTo(0, 0);
  await new Promise((resolve) => setTimeout(resolve, 1500));
}"""


def picture(browser: Browser, url: str, name: str, song: Path) -> None:
    """Drop the song in, pose, and take one picture."""
    context = browser.new_context(reduced_motion="reduce", **PICTURES[name])
    page = context.new_page()
    page.goto(url)
    page.set_input_files("#dropzone .zone input", str(song))
    page.locator(".songs li[data-state=done]").wait_for(state="attached", timeout=120_000)
    page.wait_for_function("allin1.view.sheet && !allin1.view.pending")
    page.evaluate(CORRECT if name == "page-correct.webp" else POSE)
    taken = Image.open(BytesIO(page.screenshot()))
    taken.save(ASSETS / name, quality=88, method=6)
    context.close()


def main(arguments: list[str]) -> None:
    """Options are handed on to the server: `--weights-dir ../shared/weights`."""
    song = find_example()
    program = shutil.which("chromium")
    if song is None or program is None:
        sys.exit("needs assets/example.ogg and the program chromium")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "allin1_mlx_ui.app", "--no-browser", "--port", str(port)]
    command.append("--no-library")
    server = subprocess.Popen([*command, *arguments])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--disable-gpu"]
            )
            for name in PICTURES:
                picture(browser, f"http://127.0.0.1:{port}/", name, song)
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
