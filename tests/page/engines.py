"""The page in WebKit, Safari's engine, and in Firefox: one small driver for both.

WebKit: WebKitGTK's MiniBrowser, through WebKitWebDriver and selenium, on a screen of Xvfb and a
sound card of PulseAudio that goes nowhere. Firefox: Marionette, which is built in, with the same
sound card and without a screen. Scripts see the page's own variables.
"""

import glob
import os
import re
import shutil
import subprocess
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SIZE = (1280, 900)
MINIBROWSERS = "/usr/lib/*/webkit2gtk-4.1/MiniBrowser"
KEYS = {"Home": "\ue011", "ArrowRight": "\ue014", "ArrowLeft": "\ue012", "Space": " "}
LISTEN = """
window.faults = [];
addEventListener("error", (event) => faults.push(event.message));
addEventListener("unhandledrejection", (event) => faults.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => faults.push(event.violatedDirective));
"""

Step = tuple[str, int, int]  # "move", "down" or "up"; pixels from the window's corner


class Engine(ABC):
    """A browser with one window."""

    name: str

    @abstractmethod
    def go(self, url: str) -> None:
        """Open an address and wait until it is loaded."""

    @abstractmethod
    def execute(self, script: str) -> Any:
        """The value that a script returns."""

    @abstractmethod
    def give(self, css: str, file: Path) -> None:
        """Choose a file in an input."""

    @abstractmethod
    def click(self, css: str) -> None:
        """Click the middle of an element."""

    @abstractmethod
    def point(self, steps: list[Step]) -> None:
        """Move and press the mouse."""

    @abstractmethod
    def type(self, text: str) -> None:
        """Press keys one after the other, as they are on the keyboard."""

    @abstractmethod
    def close(self) -> None:
        """End the browser."""

    def open_page(self, url: str) -> None:
        """Open the program's page and wait until it is ready."""
        self.go(url)
        self.execute(LISTEN)
        self.wait("window.allin1 && document.querySelector('#dropzone input[type=file]')", 60)

    def run(self, expression: str) -> Any:
        """The value of an expression."""
        return self.execute(f"return {expression}")

    def wait(self, expression: str, seconds: float = 30) -> Any:
        """Wait until an expression is true, and return its value."""
        end = time.monotonic() + seconds
        while True:
            value = self.execute(f"try {{ return {expression} }} catch {{ return null }}")
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"{self.name}: never true: {expression}; {self.run('faults')}")
            time.sleep(0.1)

    def press(self, key: str) -> None:
        """Press a key, by its name in events."""
        self.type(KEYS.get(key, key))

    def click_at(self, css: str, x: float, y: float) -> None:
        """Click a place in an element, in pixels from its corner."""
        left, top = self.corner(css)
        at = (round(left + x), round(top + y))
        self.point([("move", *at), ("down", *at), ("up", *at)])

    def drag(self, css: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one place in an element to another."""
        left, top = self.corner(css)
        (x0, y0), (x1, y1) = ((round(left + x), round(top + y)) for x, y in (start, end))
        middle = ((x0 + x1) // 2, y1)
        moves: list[Step] = [("move", x0, y0), ("down", x0, y0), ("move", *middle)]
        self.point([*moves, ("move", x1, y1), ("up", x1, y1)])

    def corner(self, css: str) -> list[float]:
        """The place of an element in the window."""
        box = f"document.querySelector({css!r}).getBoundingClientRect()"
        corner: list[float] = self.run(f"[{box}.left, {box}.top]")
        return corner


class WebKit(Engine):
    """WebKitGTK's MiniBrowser."""

    name = "WebKit"

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        from selenium import webdriver
        from selenium.webdriver.webkitgtk.options import Options
        from selenium.webdriver.webkitgtk.service import Service

        options = Options()
        options.binary_location = find_minibrowser()
        options.add_argument("--automation")
        service = Service(log_output=str(folder / "webkit.log"), env=environment)
        self.driver = webdriver.WebKitGTK(options=options, service=service)
        self.driver.set_script_timeout(60)
        self.driver.set_window_size(*SIZE)

    def go(self, url: str) -> None:
        self.driver.get(url)

    def execute(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def give(self, css: str, file: Path) -> None:
        self.driver.find_element("css selector", css).send_keys(str(file))

    def click(self, css: str) -> None:
        self.driver.find_element("css selector", css).click()

    def point(self, steps: list[Step]) -> None:
        from selenium.webdriver.common.actions.action_builder import ActionBuilder

        builder = ActionBuilder(self.driver, duration=60)
        pointer = builder.pointer_action
        for kind, x, y in steps:
            if kind == "move":
                pointer.move_to_location(x, y)
            elif kind == "down":
                pointer.pointer_down()
            else:
                pointer.pointer_up()
        builder.perform()

    def type(self, text: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(text).perform()

    def close(self) -> None:
        self.driver.quit()


class Firefox(Engine):
    """Firefox without a screen."""

    name = "Firefox"

    def __init__(self, folder: Path) -> None:
        from marionette_driver.marionette import Marionette

        preferences = {
            "browser.download.dir": str(folder),
            "browser.download.folderList": 2,
            "app.update.disabledForTesting": True,
            "media.autoplay.default": 1,  # play only after a click, as users have it
        }
        self.driver = Marionette(
            bin=find_firefox(),
            headless=True,
            prefs=preferences,
            gecko_log=str(folder / "firefox.log"),
            socket_timeout=60,
            startup_timeout=120,
        )
        self.driver.start_session()
        self.driver.set_window_rect(width=SIZE[0], height=SIZE[1])
        self.driver.timeout.script = 60

    def go(self, url: str) -> None:
        self.driver.navigate(url)

    def execute(self, script: str) -> Any:
        return self.driver.execute_script(script, sandbox=None)

    def give(self, css: str, file: Path) -> None:
        self.driver.find_element("css selector", css).send_keys(str(file))

    def click(self, css: str) -> None:
        self.driver.find_element("css selector", css).click()

    def point(self, steps: list[Step]) -> None:
        chain = self.driver.actions.sequence("pointer", "mouse", {"pointerType": "mouse"})
        for kind, x, y in steps:
            if kind == "move":
                chain.pointer_move(x, y, duration=60)
            elif kind == "down":
                chain.pointer_down()
            else:
                chain.pointer_up()
        chain.perform()

    def type(self, text: str) -> None:
        chain = self.driver.actions.sequence("key", "keyboard")
        for key in text:
            chain.key_down(key)
            chain.key_up(key)
        chain.perform()

    def close(self) -> None:
        self.driver.quit()
        self.driver.cleanup()


def find_minibrowser() -> str:
    """The path of WebKitGTK's browser, "" where there is none."""
    return next(iter(glob.glob(MINIBROWSERS)), "")


def find_firefox() -> str:
    """The path of Firefox, "" where there is none."""
    return shutil.which("firefox-esr") or shutil.which("firefox") or ""


@contextmanager
def open_webkit(folder: Path) -> Iterator[Engine]:
    """A WebKit with a screen and a sound card; skips the test where something is missing."""
    _require("WebKitWebDriver", "Xvfb", "pulseaudio")
    if not find_minibrowser():
        pytest.skip("needs WebKitGTK's MiniBrowser, of the package webkit2gtk-driver")
    with _screen(folder) as display, _sound(folder) as sound:
        environment = {
            **os.environ,
            **sound,
            "DISPLAY": display,
            "HOME": str(folder),
            "GDK_BACKEND": "x11",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NO_AT_BRIDGE": "1",
            "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of selenium's own modules
            pytest.importorskip("selenium")
            engine = WebKit(folder, environment)
        try:
            yield engine
        finally:
            engine.close()


@contextmanager
def open_firefox(folder: Path) -> Iterator[Engine]:
    """A Firefox; skips the test where it is missing."""
    if not find_firefox():
        pytest.skip("needs Firefox, of the package firefox-esr")
    _require("pulseaudio")
    with pytest.MonkeyPatch.context() as patch, _sound(folder) as sound:
        for name, value in sound.items():
            patch.setenv(name, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of marionette_driver's own modules
            pytest.importorskip("marionette_driver")
            engine = Firefox(folder)
        try:
            yield engine
        finally:
            engine.close()


def _require(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs the programs {', '.join(missing)}; .ci/run installs them")


@contextmanager
def _screen(folder: Path) -> Iterator[str]:
    """A screen of Xvfb; gives its name, which Xvfb chooses and writes to a pipe."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1100x24", "-nolisten", "tcp"]
    with (folder / "xvfb.log").open("wb") as log:
        process = subprocess.Popen(command, pass_fds=(write,), stdout=log, stderr=log)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not re.fullmatch(r"\d+", number):
            raise AssertionError("Xvfb did not start: " + (folder / "xvfb.log").read_text())
        yield f":{number}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _sound(folder: Path) -> Iterator[dict[str, str]]:
    """A sound card that goes nowhere; gives the environment in which it is used."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    environment = {"XDG_RUNTIME_DIR": str(runtime), "PULSE_RUNTIME_PATH": str(runtime / "pulse")}
    modules = ("module-null-sink sink_name=null rate=44100", "module-native-protocol-unix")
    command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no"]
    with (folder / "pulse.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *(f"--load={module}" for module in modules)],
            env={**os.environ, "HOME": str(folder), **environment},
            stdout=log,
            stderr=log,
        )
    try:
        yield environment
    finally:
        process.terminate()
        process.wait()
