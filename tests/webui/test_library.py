"""The library's folder: who may use it, and what it must not change."""

import argparse
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from allin1_mlx_ui.app import parse
from allin1_mlx_ui.library import (
    LibraryError,
    choose_library,
    default_library,
    describe_place,
    open_library,
    owner_folder,
)


def test_only_the_user_may_enter(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "library"
    with open_library(folder) as library:
        assert library.folder == folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    with open_library(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_with_other_files_is_refused_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    mode = tmp_path.stat().st_mode
    with pytest.raises(LibraryError, match="holds other files"):
        open_library(tmp_path)
    assert tmp_path.stat().st_mode == mode
    assert [file.name for file in tmp_path.iterdir()] == ["diary.txt"]


def test_a_file_is_no_library(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(LibraryError, match="cannot be used"):
        open_library(file)


@pytest.mark.skipif(os.name != "posix", reason="needs locks of files")
def test_two_servers_do_not_share_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import sys; from pathlib import Path; from allin1_mlx_ui.library import open_library\n"
        "library = open_library(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    monkeypatch.setattr("allin1_mlx_ui.library.default_library", lambda: tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(LibraryError, match="in use by another"):
            choose_library(tmp_path, is_off=False)
        without = choose_library(None, is_off=False)  # works, but says that it keeps nothing
        assert without.folder is None
        assert "will not be kept" in without.warning
        other.kill()
    with open_library(tmp_path):
        pass


def test_the_default_is_the_platforms_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_DATA_HOME", "/data")
        assert default_library() == Path("/data/allin1-mlx/library")
    assert default_library().name == "library"


def test_users_whose_names_look_alike_have_different_folders(tmp_path: Path) -> None:
    names = ["", "local", "anna", "Anna", "anna ", "../anna", "ännä", "a" * 300, "a" * 301]
    folders = {str(owner_folder(tmp_path, name)).casefold() for name in names}
    assert len(folders) == len(names)
    assert all(owner_folder(tmp_path, name).parent == tmp_path for name in names)


def test_the_page_says_where_songs_are_and_how_to_delete_them(tmp_path: Path) -> None:
    alone = describe_place(tmp_path, has_users=False)
    assert str(tmp_path) in alone
    assert "deletes everything" in alone
    shared = describe_place(tmp_path, has_users=True)
    assert str(tmp_path) not in shared
    assert "no other user" in shared
    assert "Nothing is kept" in describe_place(None, has_users=False)


@pytest.mark.parametrize(
    "options",
    [
        ["--user", "a", "--user", "b", "--password", "c"],
        ["--user", "a", "--password", ""],
        ["--user", "a", "--user", "a", "--password", "b", "--password", "c"],
        ["--library", "x", "--no-library"],
    ],
)
def test_options_that_do_not_fit_are_a_usage_error(options: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(options)
    assert stop.value.code == 2


def test_there_may_be_several_users() -> None:
    options: argparse.Namespace = parse(
        ["--user", "a", "--password", "1", "--user", "b", "--password", "2"]
    )
    assert list(zip(options.user, options.password, strict=True)) == [("a", "1"), ("b", "2")]
