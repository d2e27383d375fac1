"""Downloads from a server on this machine that misbehaves in many ways.

After each of them, the cache contains verified files only.
"""

import errno
import hashlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import allin1_mlx
from allin1_mlx.errors import Cancelled, DownloadError, UsageError
from allin1_mlx.weights.download import download, verify
from allin1_mlx.weights.registry import Publisher, WeightFile

DATA = np.random.default_rng(3).bytes(300_000)
HALF = len(DATA) // 2


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next step of the server's script; the last step repeats."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, dict(self.headers)))
        step = min(len(server.requests), len(server.script)) - 1
        server.script[step](self)
        self.close_connection = True

    def log_message(self, *_):
        pass


def send(handler, body, *, status=200, length=None, **headers):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(handler):
    """The file, or the part that was asked for."""
    asked = handler.headers.get("Range")
    if asked is None:
        send(handler, DATA)
        return
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    span = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
    send(handler, DATA[start:], status=206, Content_Range=span)


def whole_always(handler):
    send(handler, DATA)


def cut(handler):
    """Half of the file, then the connection ends."""
    send(handler, DATA[:HALF], length=len(DATA))


def error(status):
    return lambda handler: send(handler, b"sorry", status=status)


def stall(handler):
    """Half of the file, then nothing, with the connection left open."""
    cut(handler)
    handler.wfile.flush()
    handler.server.released.wait(20)


def trickle(handler):
    """One byte at a time, for ever."""
    send(handler, b"", length=len(DATA))
    while not handler.server.released.wait(0.05):
        try:
            handler.wfile.write(b"x")
        except OSError:
            return


def silent(handler):
    handler.server.released.wait(20)


def redirect(handler):
    location = f"http://127.0.0.1:{handler.server.server_port}/elsewhere/file"
    send(handler, b"", status=302, Location=location)


def redirect_to_file(handler):
    send(handler, b"", status=302, Location="file:///etc/passwd")


def redirect_for_ever(handler):
    send(handler, b"", status=302, Location=handler.path)


def wrong_part(handler):
    send(handler, DATA, status=206, Content_Range=f"bytes 0-{len(DATA) - 1}/{len(DATA)}")


@pytest.fixture
def serve():
    """Start a server with a script. It has `url` and the list `requests`."""
    servers = []

    def start(*script):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.script, server.requests = script, []
        server.released = threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/mirror"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "weights"


def published(data=DATA, name="model.npz"):
    publisher = Publisher("a model", "http://127.0.0.1:9/", "MIT")
    return WeightFile(name, len(data), hashlib.sha256(data).hexdigest(), publisher)


def assert_only_verified(cache, names=("model.npz",)):
    """The cache holds these files, each with the right bytes, and nothing else."""
    assert sorted(p.name for p in cache.iterdir()) == sorted(names)
    for name in names:
        assert (cache / name).read_bytes() == DATA


def assert_nothing(cache):
    assert not cache.exists() or list(cache.iterdir()) == []


def partials(cache):
    folder = cache.parent / "partial"
    return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}


def test_a_downloaded_file_is_verified(serve, cache):
    server = serve(whole)
    shares = []
    path = download(published(), cache, base_url=server.url, on_progress=shares.append)
    assert path == cache / "model.npz"
    assert_only_verified(cache)
    assert partials(cache) == {}
    assert server.requests[0][0] == "/mirror/model.npz"
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_an_existing_file_is_not_downloaded_again(serve, cache):
    server = serve(whole)
    for _ in range(2):
        download(published(), cache, base_url=server.url)
    assert len(server.requests) == 1


def test_an_interrupted_transfer_is_resumed(serve, cache):
    server = serve(cut, whole)
    download(published(), cache, base_url=server.url)
    assert_only_verified(cache)
    assert server.requests[1][1]["Range"] == f"bytes={HALF}-"


def test_a_later_run_resumes_an_earlier_transfer(serve, cache):
    def stop(share):
        if share >= 0.5:
            raise Cancelled

    server = serve(whole)
    with pytest.raises(Cancelled):
        download(published(), cache, base_url=server.url, on_progress=stop)
    assert_nothing(cache)
    kept = len(partials(cache)[published().sha256])
    assert kept >= HALF
    download(published(), cache, base_url=server.url)
    assert_only_verified(cache)
    assert server.requests[1][1]["Range"] == f"bytes={kept}-"


def test_a_server_without_ranges_is_asked_from_the_beginning(serve, cache):
    download(published(), cache, base_url=serve(cut, whole_always).url)
    assert_only_verified(cache)


def test_a_server_that_sends_another_part_is_asked_from_the_beginning(serve, cache):
    download(published(), cache, base_url=serve(cut, wrong_part, whole).url)
    assert_only_verified(cache)


def test_a_server_without_the_requested_part_is_asked_from_the_beginning(serve, cache):
    download(published(), cache, base_url=serve(cut, error(416), whole).url)
    assert_only_verified(cache)


def test_a_wrong_beginning_is_discarded_once(serve, cache):
    file = published()
    part = cache.parent / "partial" / file.sha256
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else" * 100)
    download(file, cache, base_url=serve(whole).url)
    assert_only_verified(cache)


def test_a_wrong_checksum_is_refused(serve, cache):
    other = bytes(len(DATA))
    server = serve(lambda handler: send(handler, other))
    with pytest.raises(DownloadError, match=r"^model\.npz: .* another SHA-256"):
        download(published(), cache, base_url=server.url)
    assert_nothing(cache)
    assert partials(cache) == {}
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [DATA[:-1], DATA + b"x", b""])
def test_a_wrong_size_is_refused_at_once(serve, cache, body):
    server = serve(lambda handler: send(handler, body))
    with pytest.raises(DownloadError, match=f"has {len(body)} bytes, expected {len(DATA)}"):
        download(published(), cache, base_url=server.url)
    assert_nothing(cache)
    assert partials(cache) == {}


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_missing_file_is_not_requested_twice(serve, cache, status):
    server = serve(error(status))
    with pytest.raises(DownloadError, match=f"answers {status} "):
        download(published(), cache, base_url=server.url)
    assert_nothing(cache)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_is_tried_again(serve, cache, status):
    server = serve(error(status), whole)
    download(published(), cache, base_url=server.url)
    assert_only_verified(cache)
    assert len(server.requests) == 2


def test_the_download_stops_if_the_server_always_fails(serve, cache):
    server = serve(error(500))
    with pytest.raises(DownloadError, match=r"failed 4 times \(500 "):
        download(published(), cache, base_url=server.url)
    assert_nothing(cache)


@pytest.mark.parametrize("step", [stall, trickle])
def test_the_download_stops_after_a_stall(serve, cache, step):
    with pytest.raises(DownloadError, match="stopped sending after"):
        download(published(), cache, base_url=serve(step).url, stall_after=0.5)
    assert_nothing(cache)


def test_the_download_continues_after_a_stall(serve, cache):
    server = serve(stall, whole)
    with pytest.raises(DownloadError):
        download(published(), cache, base_url=server.url, stall_after=0.5)
    download(published(), cache, base_url=server.url)
    assert_only_verified(cache)
    assert server.requests[1][1]["Range"] == f"bytes={HALF}-"


def test_a_redirect_is_followed(serve, cache):
    server = serve(redirect, whole)
    download(published(), cache, base_url=server.url)
    assert_only_verified(cache)
    assert [path for path, _ in server.requests] == ["/mirror/model.npz", "/elsewhere/file"]


@pytest.mark.parametrize("step", [redirect_to_file, redirect_for_ever])
def test_a_hostile_redirect_is_refused(serve, cache, step):
    with pytest.raises(DownloadError):
        download(published(), cache, base_url=serve(step).url)
    assert_nothing(cache)


@pytest.mark.parametrize("url", ["file:///etc", "ftp://127.0.0.1", "nonsense", "http://"])
def test_only_http_addresses_are_accepted(cache, url):
    with pytest.raises(UsageError, match="expected http"):
        download(published(), cache, base_url=url)


def test_the_download_stops_at_a_closed_port(cache):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(DownloadError, match="cannot be reached"):
        download(published(), cache, base_url=url)
    assert_nothing(cache)


def test_the_download_stops_if_the_server_never_answers(serve, cache):
    with pytest.raises(DownloadError, match=r"cannot be reached \(no answer in 4 s\)"):
        download(published(), cache, base_url=serve(silent).url)
    assert_nothing(cache)


def test_two_threads_download_a_file_once(serve, cache):
    def slow(handler):
        send(handler, DATA[:HALF], length=len(DATA))
        time.sleep(0.5)
        handler.wfile.write(DATA[HALF:])

    server = serve(slow)
    threads = [
        threading.Thread(
            target=download, args=(published(), cache), kwargs={"base_url": server.url}
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_only_verified(cache)
    assert partials(cache) == {}
    assert len(server.requests) == 1


FETCH = """
import resource, signal, sys
from pathlib import Path
from allin1_mlx.weights.download import download
from allin1_mlx.errors import DownloadError
from allin1_mlx.weights.registry import Publisher, WeightFile

size, sha256, url, cache, limit = sys.argv[1:]
if int(limit):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
file = WeightFile("model.npz", int(size), sha256, Publisher("a model", url, "MIT"))
try:
    download(file, Path(cache))
except DownloadError as e:
    sys.exit(str(e))
"""


def start_process(url, cache, *, limit=0):
    file = published()
    arguments = [str(file.size), file.sha256, url, str(cache), str(limit)]
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(allin1_mlx.__file__).parents[1])},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_several_processes_download_a_file_once(serve, cache):
    def slow(handler):
        send(handler, DATA[:HALF], length=len(DATA))
        time.sleep(1.5)
        handler.wfile.write(DATA[HALF:])

    server = serve(slow)
    processes = [start_process(server.url, cache) for _ in range(3)]
    for process in processes:
        _, complaint = process.communicate(timeout=30)
        assert process.returncode == 0, complaint
    assert_only_verified(cache)
    assert partials(cache) == {}
    assert len(server.requests) == 1


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_process_leaves_a_file_that_can_be_resumed(serve, cache, blow):
    server = serve(stall, whole)
    process = start_process(server.url, cache)
    part = cache.parent / "partial" / published().sha256
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size == HALF):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(blow)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert_nothing(cache)
    download(published(), cache, base_url=server.url)
    assert_only_verified(cache)
    assert server.requests[1][1]["Range"] == f"bytes={HALF}-"


def test_a_disk_that_fills_up_is_reported_and_the_partial_file_removed(serve, cache):
    process = start_process(serve(whole).url, cache, limit=100_000)
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "model.npz: cannot be stored in" in complaint
    assert os.strerror(errno.EFBIG) in complaint
    assert_nothing(cache)
    assert partials(cache) == {}


def test_a_disk_without_room_is_not_filled(serve, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        with pytest.raises(DownloadError, match=r"only 0\.1 MB are free"):
            download(published(), small / "weights", base_url=serve(whole).url)
        assert_nothing(small / "weights")
        assert partials(small / "weights") == {}
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_cache_that_cannot_be_written_is_reported(serve, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be stored"):
        download(published(), tmp_path / "file" / "weights", base_url=serve(whole).url)


def test_a_changed_file_fails_verification(serve, cache):
    path = download(published(), cache, base_url=serve(whole).url)
    verify(published(), path)
    path.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    with pytest.raises(DownloadError, match="SHA-256"):
        verify(published(), path)
    path.write_bytes(DATA[:-1])
    with pytest.raises(DownloadError, match="instead of"):
        verify(published(), path)
