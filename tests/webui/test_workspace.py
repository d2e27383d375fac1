"""The server's folder: removed at its end; folders of killed servers are removed too."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from allin1_mlx_ui.workspace import PREFIX, open_workspace, remove_leftovers

KILLED = """
import os
from allin1_mlx_ui.workspace import open_workspace
with open_workspace() as folder:
    (folder / "song.mp3").write_text("music")
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_no_files_stay_when_the_server_ends(temporary: Path) -> None:
    with open_workspace() as folder:
        (folder / "song.mp3").write_text("music")
        assert folder.parent == temporary
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks that a killed process gives back")
def test_files_of_a_killed_server_are_removed_by_the_next(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    (left,) = temporary.iterdir()
    assert (left / "song.mp3").exists()
    with open_workspace() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_the_files_of_a_running_server_stay(temporary: Path) -> None:
    with open_workspace() as folder:
        remove_leftovers()
        assert folder.exists()


def test_other_folders_are_not_changed(temporary: Path) -> None:
    (temporary / f"{PREFIX}something").mkdir()
    (temporary / "another").mkdir()
    remove_leftovers()
    assert len(list(temporary.iterdir())) == 2
