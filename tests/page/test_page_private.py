"""Private by construction: nothing leaves this computer, nothing stays behind."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .visits import Known, Server, Visit


def test_no_request_leaves_and_none_fails(
    visit: Callable[..., Visit], known: Known, server: Server
) -> None:
    seen = visit()
    seen.upload(known.result, known.sound)
    seen.page.wait_for_function("allin1.sheet && allin1.sheet.frames > 0 && !allin1.view.pending")
    seen.page.get_by_role("button", name="Play").click()
    seen.page.wait_for_function("allin1.player.position > 0.5")
    seen.run("allin1.view.setRange(3, 9)")
    seen.page.get_by_role("button", name="Pause").click()
    with seen.page.expect_download():
        seen.page.get_by_role("link", name="Result (JSON)").click()
    seen.page.get_by_role("button", name="Remove").click()
    seen.page.locator(".songs li").wait_for(state="detached")
    seen.page.wait_for_timeout(1000)
    schemes = {urlsplit(url).scheme for url in seen.requests}
    assert schemes <= {"http", "data", "blob"}
    hosts = {urlsplit(url).netloc for url in seen.requests if url.startswith("http")}
    assert hosts == {urlsplit(server.url).netloc}
    # Gradio's client hangs up on a stream of news when all has been told.
    failures = [f for f in seen.failures if "/gradio_api/queue/data" not in f]
    assert failures == []


def test_nothing_is_kept_in_the_browser(opened: Visit) -> None:
    kept = opened.run("""async () => ({
      databases: (await indexedDB.databases()).map((database) => database.name),
      caches: await caches.keys(),
      cookies: document.cookie,
    })""")
    assert kept == {"databases": [], "caches": [], "cookies": ""}


def files_of(server: Server) -> list[Path]:
    """Of songs: MLX keeps kernels that it has compiled beside them.

    Folders may vanish meanwhile, which `os.walk` takes as it comes.
    """
    return [
        Path(folder, name)
        for root in server.temporary.glob("allin1-mlx-ui-*")
        for folder, _, names in os.walk(root)
        for name in names
        if "." in name
    ]


def test_a_closed_page_leaves_no_files_and_little_memory(
    start_server: Callable[..., Server],
    open_page: Callable[..., Visit],
    make_song: Callable[..., Known],
) -> None:
    song = make_song(60.0, name="a minute.wav")
    server = start_server("--model", "bundled")
    try:
        warm = open_page(server.url)
        before = server.memory()
        warm.page.context.close()
        seen = open_page(server.url)
        copies = [song.sound.with_name(f"song {number}.wav") for number in range(4)]
        sound = song.sound.read_bytes()
        for number, copy in enumerate(copies):  # the same file would not come twice
            copy.write_bytes(sound[:-1] + bytes([number]))
        seen.upload(*copies)
        seen.page.wait_for_function(
            "document.querySelectorAll('.songs li[data-state=done]').length === 4",
            timeout=300_000,
        )
        assert len(files_of(server)) >= 8
        seen.page.context.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (
            files_of(server) or server.memory() - before > 200e6
        ):
            time.sleep(0.2)
        assert files_of(server) == []
        assert server.memory() - before < 200e6
    finally:
        server.stop()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_server_leaves_nothing(
    start_server: Callable[..., Server],
    open_page: Callable[..., Visit],
    known: Known,
    how: signal.Signals,
) -> None:
    server = start_server()
    seen = open_page(server.url)
    seen.upload(known.result, known.sound)
    seen.wait_for("done")
    assert files_of(server)
    assert server.stop(how) == 0
    assert server.last_words == ""
    assert list(server.temporary.glob("allin1-mlx-ui-*")) == []
    seen.page.context.close()
