"""Batches of songs: failures do not affect other songs, nothing is lost, nothing is done twice."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allin1_mlx.cli.main import main
from allin1_mlx.network.backend import mx
from allin1_mlx.network.loading import Network
from allin1_mlx.network.model import AllInOne, Config
from allin1_mlx.network.predict import predict, predict_group

from ..support.small import SMALL, write_network, write_song

COMMAND = (sys.executable, "-m", "allin1_mlx.cli.main")
BROKEN = {
    "b000.wav": b"",
    "b050.mp3": b"this is no music, but a text\n" * 40,
    "b100.wav": b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00",
    "b150.flac": b"fLaC" + bytes(range(256)),
}  # and one that does not exist


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("network")
    return [*write_network(folder, Config(stems=1, dim=4, depth=1, threshold=0.1)), "--offline"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 195 songs of 2 s and five inputs that are not songs."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(195):
        write_song(folder / "music" / f"s{number:03}.wav", seed=number, rate=22_050)
    for name, content in BROKEN.items():
        (folder / "music" / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def clean(many: Path, network: list[str]) -> dict[str, str]:
    """The results of one run over all of them, without processes."""
    done = call(many, network, "music", "missing.wav", "-o", "clean", "--no-multiprocess")
    assert done.returncode == 1, done.stderr
    return results(many / "clean")


def call(folder: Path, network: Sequence[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *network, *arguments], cwd=folder, capture_output=True, text=True, timeout=600
    )


def finished(folder: Path) -> list[Path]:
    """The result files, without the hidden file that a killed run was writing."""
    return [path for path in folder.glob("*.json") if not path.name.startswith(".")]


def results(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in finished(folder)}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """The modification times of results, which change when a result is written again."""
    found = {path.name: path.stat() for path in finished(folder)}
    return {name: (stat.st_mtime_ns, stat.st_ino) for name, stat in found.items()}


def wait_for_results(folder: Path, count: int, process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + 300
    while len(finished(folder)) < count:
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < end
        time.sleep(0.005)


# Started from a small process: a child's peak begins with that of the one that starts it.
MEASURE = """
import os, subprocess, sys
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
_, status, usage = os.wait4(subprocess.Popen(sys.argv[1:], **quiet).pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def peak_memory(folder: Path, *arguments: str) -> tuple[int, int]:
    """Exit code, and the peak memory of the process and its children, in KiB."""
    command = [sys.executable, "-c", MEASURE, *COMMAND, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    code, peak = done.stdout.split()
    return int(code), int(peak)


def test_broken_songs_fail_and_the_others_are_analysed(
    many: Path, network: list[str], clean: dict[str, str]
) -> None:
    done = call(many, network, "music", "missing.wav", "-o", "processes", "--jobs", "2")
    assert done.returncode == 1
    assert results(many / "processes") == clean
    assert len(clean) == 195
    assert "195 done, 0 reused, 5 failed" in done.stdout
    for name in (*BROKEN, "missing.wav"):
        [reported] = [line for line in done.stderr.splitlines() if f"{name}: " in line]
        assert reported.startswith("failed  ")
    assert not list((many / "processes").glob(".partial*"))


def test_a_run_that_was_killed_is_continued(
    many: Path, network: list[str], clean: dict[str, str]
) -> None:
    out = many / "killed"
    with subprocess.Popen(
        [*COMMAND, *network, "music", "-o", "killed", "--quiet"], cwd=many, stderr=subprocess.PIPE
    ) as process:
        wait_for_results(out, 20, process)
        process.kill()
    before = stamps(out)
    assert 20 <= len(before) < 195
    done = call(many, network, "music", "-o", "killed")
    assert f"{195 - len(before)} done, {len(before)} reused, 4 failed" in done.stdout
    after = stamps(out)
    assert {name: after[name] for name in before} == before
    assert results(out) == clean


def test_an_interrupted_run_keeps_its_finished_results(
    many: Path, network: list[str], clean: dict[str, str]
) -> None:
    out = many / "interrupted"
    with subprocess.Popen(
        [*COMMAND, *network, "music", "-o", "interrupted"],
        cwd=many,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_for_results(out, 20, process)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: all processes of the terminal
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    found = results(out)
    assert {name: clean[name] for name in found} == found
    assert not list(out.glob(".partial*"))


def test_memory_does_not_grow_with_the_number_of_songs(many: Path, network: list[str]) -> None:
    songs = [f"music/s{number:03}.wav" for number in range(195)]
    options = [*network, "-s", "-k", "--jobs", "1"]
    few = peak_memory(many, *options, *songs[:20], "-o", "few", "--sonif-dir", "few")
    lots = peak_memory(many, *options, *songs, "-o", "lots", "--sonif-dir", "lots")
    assert few[0] == lots[0] == 0
    assert lots[1] <= 1.1 * few[1]


def test_two_hundred_songs_of_one_name_lose_nothing(tmp_path: Path, network: list[str]) -> None:
    for number in range(200):
        write_song(tmp_path / f"{number}" / "mix.wav", seed=number, seconds=0.3, rate=8000)
    two = call(tmp_path, network, "0/mix.wav", "1/mix.wav", "--no-multiprocess")
    assert two.returncode == 0
    assert len(results(tmp_path / "struct")) == 2
    done = call(tmp_path, network, *(f"{number}/mix.wav" for number in range(200)))
    assert "198 done, 2 reused, 0 failed" in done.stdout
    found = [json.loads(text) for text in results(tmp_path / "struct").values()]
    assert sorted(r["path"] for r in found) == sorted(f"{n}/mix.wav" for n in range(200))
    assert len({r["audio_sha256"] for r in found}) == 200


def test_shards_together_do_everything_once(
    many: Path, network: list[str], clean: dict[str, str]
) -> None:
    counts = []
    for part in (1, 2, 3):
        before = set(results(many / "shards"))
        call(many, network, "music", "-o", "shards", "--shard", f"{part}/3", "--no-multiprocess")
        counts.append(len(results(many / "shards")) - len(before))
    assert sum(counts) == 195
    assert min(counts) > 30
    assert results(many / "shards") == clean


def test_a_killed_worker_process_loses_no_song(tmp_path: Path, network: list[str]) -> None:
    if not Path("/proc/self/task").is_dir():
        pytest.skip("finds the processes in /proc, which this system lacks")
    for number in range(16):
        write_song(tmp_path / f"{number}.wav", seed=number, seconds=20)
    with subprocess.Popen(
        [*COMMAND, *network, ".", "--jobs", "2"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        wait_for_results(tmp_path / "struct", 3, process)
        for helper in helpers_of(process.pid):
            os.kill(helper, signal.SIGKILL)
        output, _ = process.communicate(timeout=60)
    assert "16 done, 0 reused, 0 failed" in output
    assert process.returncode == 0


def helpers_of(pid: int) -> list[int]:
    """Processes that were spawned to decode and draw."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = [c for t in threads for c in (t / "children").read_text().split()]
    return [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))


def test_a_file_that_cannot_be_written_fails_only_its_song(
    tmp_path: Path, network: list[str]
) -> None:
    write_song(tmp_path / "long.wav", seconds=4)
    write_song(tmp_path / "short.wav", seconds=0.5)
    done = subprocess.run(
        [*COMMAND, *network, "long.wav", "short.wav", "-s", "--no-multiprocess"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=limit_file_size,
    )
    assert done.returncode == 1
    assert "failed  long.wav: its results cannot be written" in done.stderr
    assert "1 done, 0 reused, 1 failed" in done.stdout
    assert set(results(tmp_path / "struct")) == {"long.json", "short.json"}
    assert [p.name for p in (tmp_path / "sonif").glob("*.wav")] == ["short.sonif.wav"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_reported_song_by_song(
    small_disk: Path, tmp_path: Path, network: list[str]
) -> None:
    for number in range(8):
        write_song(tmp_path / f"{number}.wav", seed=number)
    out = str(small_disk / "out")
    names = [f"{number}.wav" for number in range(8)]
    done = call(tmp_path, network, *names, "-k", "-o", out, "--spec-dir", out, "-a", "-e")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    for text in results(small_disk / "out").values():
        assert json.loads(text)["beats"] is not None
    assert not list((small_disk / "out").glob(".partial*"))


def test_a_terminal_shows_a_bar_with_the_time_left(tmp_path: Path, network: list[str]) -> None:
    for number in range(3):
        write_song(tmp_path / f"{number}.wav", seed=number)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen(
        [*COMMAND, *network, ".", "--no-multiprocess"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = read_all(ours)
    assert process.returncode == 0
    assert re.search(r"network: +\d+%\|.*\| \d\.\d/3 songs \[\d\d:\d\d<\S+\]", shown)


def test_a_pipe_gets_plain_lines(tmp_path: Path, network: list[str]) -> None:
    write_song(tmp_path / "0.wav")
    done = call(tmp_path, network, "0.wav")
    assert re.fullmatch(r"done    0\.wav -> struct/0\.json \(.* sections?\)\n", done.stdout)
    model, no_beats = done.stderr.splitlines()
    assert "using small" in model
    assert "no beats were found" in no_beats


def read_all(descriptor: int) -> str:
    chunks = []
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # Linux says so when the other side is closed
            chunk = b""
        if not chunk:
            os.close(descriptor)
            return b"".join(chunks).decode()
        chunks.append(chunk)


LENGTHS = (2.0, 1.0, 2.0, 1.5, 2.0, 1.0, 0.2, 2.0)


@pytest.mark.parametrize("size", [2, 4, 16])
def test_batches_find_the_same_as_single_songs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: list[str], size: int
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, seconds in enumerate(LENGTHS):
        write_song(tmp_path / f"{number}.wav", seed=number, seconds=seconds)
    common = [*network, ".", "--no-multiprocess", "-a", "--timings-path"]
    assert main([*common, "one.jsonl", "-o", "one"]) == 0
    assert main([*common, "group.jsonl", "-o", "group", "--mlx-batch-size", str(size)]) == 0
    assert results(tmp_path / "group") == results(tmp_path / "one")
    for path in (tmp_path / "one").glob("*.npz"):
        with np.load(path) as one, np.load(tmp_path / "group" / path.name) as other:
            assert all(np.abs(one[key] - other[key]).max() <= 1e-5 for key in one)
    passes = [
        json.loads(line)["track"].count(",") + 1
        for line in (tmp_path / "group.jsonl").read_text().splitlines()
        if json.loads(line)["stage"] == "network"
    ]
    assert max(passes) == min(size, 4)  # four songs last 2 s
    assert sum(passes) == len(LENGTHS)


@pytest.mark.parametrize(
    "config",
    [SMALL, Config(stems=1, dim=8, depth=2, step=4, shortest=256), Config(dim=8, depth=8)],
    ids=["plain", "pooled", "padded"],
)
def test_one_pass_over_several_songs_equals_one_for_each(config: Config) -> None:
    mx.random.seed(1)
    network = Network("small", (AllInOne(config), AllInOne(config)))
    random = np.random.default_rng(0)
    lengths = (301, 303, 304) if config.step == 4 else (300, 300, 300)
    songs = [
        mx.array(random.gamma(1, 0.2, (config.stems, length, 81)).astype(np.float32))
        for length in lengths
    ]
    together = predict_group(songs, network, embeddings=True)
    for song, found in zip(songs, together, strict=True):
        alone = predict(song, network, embeddings=True)
        assert found.logits.shape == alone.logits.shape
        np.testing.assert_allclose(found.logits, alone.logits, atol=1e-5)
        np.testing.assert_allclose(found.embeddings, alone.embeddings, atol=1e-4)


def test_songs_of_different_lengths_cannot_share_one_pass() -> None:
    network = Network("small", (AllInOne(SMALL),))
    with pytest.raises(ValueError, match="cannot share"):
        predict_group([mx.zeros((4, 100, 81)), mx.zeros((4, 101, 81))], network)


def test_a_ray_cluster_finds_the_same(tmp_path: Path, network: list[str]) -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`")
    for number in range(6):
        write_song(tmp_path / f"{number}.wav", seed=number)
    (tmp_path / "6.wav").write_bytes(b"no music")
    songs = [f"{number}.wav" for number in range(7)]
    here = call(tmp_path, network, *songs, "-o", "here", "-a", "--no-multiprocess")
    ray = call(tmp_path, network, *songs, "-o", "ray", "-a", "--engine", "ray", "--jobs", "2")
    assert here.returncode == ray.returncode == 1
    assert "6 done, 0 reused, 1 failed" in ray.stdout
    assert results(tmp_path / "ray") == results(tmp_path / "here")
    assert {p.name for p in (tmp_path / "ray").glob("*.npz")} == {
        f"{n}.activ.npz" for n in range(6)
    }
    bad = call(tmp_path, ["-m", "harmonix-all", "--offline"], "0.wav", "--engine", "ray")
    assert bad.returncode == 2
    assert "harmonix-all" in bad.stderr
