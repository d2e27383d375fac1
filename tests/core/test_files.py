"""Files are written completely or not at all; files of killed processes are removed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from allin1_mlx.batch.results import save_array
from allin1_mlx.batch.stages import explain
from allin1_mlx.files import ABANDONED, printable, remove_partial, replacing

full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")


def test_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "from allin1_mlx.files import replacing\n"
        f"with replacing({str(tmp_path / 'a.json')!r}) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".partial-*.json"))) == 1
    remove_partial(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_running_process_stay(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.json") as temporary:
        temporary.write_text("whole")
        remove_partial(tmp_path)
    assert (tmp_path / "a.json").read_text() == "whole"


def test_unfinished_files_of_other_machines_stay_for_a_day(tmp_path: Path) -> None:
    file = tmp_path / ".partial-00000000-1-abc.json"
    file.touch()
    remove_partial(tmp_path)
    assert file.exists()
    os.utime(file, (0, file.stat().st_mtime - ABANDONED - 60))
    remove_partial(tmp_path)
    assert not file.exists()


@full_disk
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="No space") as caught,
        replacing(tmp_path / "a.npy"),
    ):
        save_array(np.zeros((10_000, 4), np.float32), Path("/dev/full"))
    assert caught.value.errno == errno.ENOSPC
    message = explain(caught.value, "song.mp3")
    assert message.startswith(f"song.mp3: the disk of {tmp_path} is full (No space left")


@full_disk
def test_a_disk_that_fills_up_with_activations_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from allin1_mlx.batch import results
    from allin1_mlx.types import Activations

    kept = Activations(*(np.zeros(shape, np.float32) for shape in [9, 9, 9, (10, 9)]))
    with pytest.raises(OSError, match="No space") as caught, replacing(tmp_path / "a.npz"):
        results._save_activations(kept, Path("/dev/full"))
    assert str(tmp_path) in explain(caught.value, "song.mp3")


def test_an_array_is_saved_in_the_format_of_numpy(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)
    save_array(array, tmp_path / "ours")
    np.save(tmp_path / "theirs.npy", array)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


def test_a_name_cannot_turn_the_direction_of_a_line() -> None:
    assert printable("song\u202e3pm.exe") == "song?3pm.exe"
    assert printable("\u0635\u0648\u062a \U0001f3b5.wav") == "\u0635\u0648\u062a \U0001f3b5.wav"
