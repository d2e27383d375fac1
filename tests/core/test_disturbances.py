"""Batches under disturbance: a second run in the same folder, many files, changed clocks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from allin1_mlx.audio import file_digest
from allin1_mlx.batch import prepare
from allin1_mlx.cli.main import main
from allin1_mlx.files import ABANDONED, remove_partial, replacing

from ..support.small import write_network, write_song

COMMAND = [sys.executable, "-m", "allin1_mlx.cli.main"]
MANY = 10_000


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_network(tmp_path_factory.mktemp("network"))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number in range(6):
        write_song(tmp_path / "music" / f"{number}.wav", seed=number)
    return tmp_path


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*.json")}


def test_two_runs_with_one_output_folder_do_not_disturb_each_other(
    music: Path, network: list[str]
) -> None:
    call = [*COMMAND, *network, "music", "-a", "--quiet", "-o"]
    subprocess.run([*call, "alone"], cwd=music, check=True)
    together = [
        subprocess.Popen([*call, "together"], cwd=music, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in together:
        _, errors = process.communicate(timeout=300)
        assert (process.returncode, errors) == (0, "")
    assert results(music / "together") == results(music / "alone")
    assert len(results(music / "alone")) == 6
    assert list((music / "together").rglob(".partial-*")) == []
    again = subprocess.run(
        [*call[:-2], "-o", "together"], cwd=music, capture_output=True, text=True
    )
    assert "0 done, 6 reused" in again.stdout


def test_the_first_of_ten_thousand_results_needs_only_the_first_file(
    tmp_path: Path, network: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_song(tmp_path / "music" / "00000.wav", seconds=0.2)
    for number in range(1, MANY):
        os.link(first, tmp_path / "music" / f"{number:05}.wav")
    opened = []

    def digest(path: str | os.PathLike[str]) -> str:
        opened.append(path)
        if results(tmp_path / "out"):
            raise KeyboardInterrupt
        return file_digest(path)

    monkeypatch.setattr(prepare, "file_digest", digest)
    options = [*network, str(tmp_path / "music"), "-o", str(tmp_path / "out"), "--no-multiprocess"]
    assert main([*options, "--quiet"]) == 130
    assert results(tmp_path / "out")
    assert len(opened) < 50


@pytest.mark.parametrize("years", [-30, 30])
def test_a_change_of_the_clock_changes_nothing(
    music: Path,
    network: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    years: int,
) -> None:
    options = [*network, str(music / "music"), "-o", str(music / "out"), "--no-multiprocess"]
    assert main(options) == 0
    before = results(music / "out")
    seconds = years * 365 * 86_400
    for path in music.rglob("*"):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime + seconds))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - seconds / 2)
    capsys.readouterr()
    assert main(options) == 0
    assert "0 done, 6 reused" in capsys.readouterr().out
    assert results(music / "out") == before


def test_a_change_of_the_clock_removes_no_file_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    with replacing(tmp_path / "a.json") as temporary:
        temporary.write_text("whole")
        monkeypatch.setattr(time, "time", lambda: real() + 2 * ABANDONED)
        remove_partial(tmp_path)
    assert (tmp_path / "a.json").read_text() == "whole"


def test_a_song_that_is_replaced_after_planning_fails_with_a_message(
    music: Path,
    network: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    extract: Callable[..., object] = prepare.extract_features

    def disturb(path: str, *arguments: object, **options: object) -> object:
        if path.endswith("3.wav"):
            shutil.copyfile(music / "music" / "0.wav", path)
        return extract(path, *arguments, **options)

    monkeypatch.setattr(prepare, "extract_features", disturb)
    options = [*network, str(music / "music"), "-o", str(music / "out"), "--no-multiprocess"]
    assert main(options) == 1
    assert (
        "3.wav: changed while it was read; run again when it is complete" in capsys.readouterr().err
    )
    assert len(results(music / "out")) == 5
