"""Files, folders and patterns become songs, in a fixed order and without other files."""

from __future__ import annotations

from pathlib import Path

import pytest

from allin1_mlx.batch.inputs import check_input, find_inputs
from allin1_mlx.errors import AudioError


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with songs and other things; it is the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.MP3",
        "a.wav",
        "cover.jpg",
        ".hidden.wav",
        "a.sonif.wav",
        "album/c.flac",
        "album/.trash/d.wav",
        "demix/spectral/a/bass.wav",
        "[live] e*.ogg",
    ):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_folder_gives_its_songs_in_order(music: Path) -> None:
    assert find_inputs(["music"]) == ["music/[live] e*.ogg", "music/a.wav", "music/b.MP3"]


def test_recursion_finds_songs_in_subfolders_but_not_the_programs_output(music: Path) -> None:
    found = find_inputs(["music"], recursive=True, outside=[music / "music" / "demix"])
    assert found == [*find_inputs(["music"]), "music/album/c.flac"]


def test_patterns_match_files_and_the_songs_of_folders(music: Path) -> None:
    assert find_inputs(["music/?.*"]) == ["music/a.wav", "music/b.MP3"]
    assert find_inputs(["music/al*"]) == ["music/album/c.flac"]
    assert find_inputs(["**/c.flac"]) == ["music/album/c.flac"]


def test_an_existing_file_whose_name_looks_like_a_pattern_is_a_file(music: Path) -> None:
    assert find_inputs(["music/[live] e*.ogg"]) == ["music/[live] e*.ogg"]


def test_a_missing_path_is_returned_and_fails_later_under_its_name(music: Path) -> None:
    (music / "empty").mkdir()
    missing = ["nowhere/x.wav", "*.nothing", "empty", "nul\0"]
    assert find_inputs(missing) == missing


def test_the_order_of_the_arguments_is_kept(music: Path) -> None:
    assert find_inputs(["music/b.MP3", "music/a.wav"]) == ["music/b.MP3", "music/a.wav"]


def test_a_path_that_is_no_song_is_reported(music: Path) -> None:
    (music / "empty").mkdir()
    for path, reason in {
        "nowhere/x.wav": "no such file",
        "../nowhere/": "no such folder",
        "music/a.wav/b.wav": "no such file",
        "*.nothing": "no file matches",
        "empty": "no sound files",
        "nul\0": "not a possible file name",
    }.items():
        with pytest.raises(AudioError, match=reason) as error:
            check_input(path)
        assert str(error.value).startswith(path.replace("\0", "?") + ": ")
    check_input("music/a.wav")
    check_input("music/[live] e*.ogg")
