"""Results of different songs never get the same name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from allin1_mlx.audio import file_digest
from allin1_mlx.batch.naming import LONGEST, InputSong, name_songs, settle_name, shorten, take_shard
from allin1_mlx.files import make_unique


def put(path: Path, content: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return str(path)


def test_the_result_of_a_single_song_has_its_stem(tmp_path: Path) -> None:
    [song] = name_songs([put(tmp_path / "My song.v2.mp3", "a")])
    assert song.name == "My song.v2"


def test_songs_of_one_stem_all_get_a_digest(tmp_path: Path) -> None:
    paths = [put(tmp_path / f"{i}" / "mix.wav", f"song {i}") for i in range(200)]
    names = [song.name for song in name_songs(paths)]
    assert names == [f"mix.{file_digest(path)[:8]}" for path in paths]
    assert len(set(names)) == 200


def test_copies_of_one_file_are_numbered(tmp_path: Path) -> None:
    paths = [put(tmp_path / f"{i}" / "mix.wav", "the same") for i in range(3)]
    digest = file_digest(paths[0])[:8]
    names = [song.name for song in name_songs(paths)]
    assert names == [f"mix.{digest}", f"mix.{digest}-2", f"mix.{digest}-3"]


def test_stems_that_differ_in_case_or_accents_only_count_as_equal(tmp_path: Path) -> None:
    """A file system of macOS would replace one file by the other."""
    paths = [put(tmp_path / n / s, n) for n, s in [("a", "\u00e9.wav"), ("b", "E\u0301.wav")]]
    assert len({song.name.casefold() for song in name_songs(paths)}) == 2
    assert all(len(song.name) > 8 for song in name_songs(paths))


def test_a_song_named_twice_is_analysed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "a.wav", "a")
    assert [s.path for s in name_songs(["a.wav", "./a.wav", str(tmp_path / "a.wav")])] == [
        str(tmp_path / "a.wav")
    ]


def test_a_name_leaves_room_for_every_suffix() -> None:
    for stem in ("x" * 251, "é" * 125, "🎵" * 62, "\udcff" * 250):
        name = shorten(stem)
        assert len(os.fsencode(name)) <= LONGEST
        assert name != shorten(stem[:-1] + "y")
    assert shorten("x" * LONGEST) == "x" * LONGEST


def test_results_of_another_song_keep_their_name(tmp_path: Path) -> None:
    result = tmp_path / "mix.json"
    result.write_text(json.dumps({"path": "elsewhere/mix.wav", "audio_sha256": "b" * 64}))
    song = InputSong("here/mix.wav", "mix")
    assert settle_name(song, "a" * 64, tmp_path) == "mix.aaaaaaaa"
    marked = tmp_path / "mix.aaaaaaaa.json"
    marked.write_text(json.dumps({"path": "third/mix.wav", "audio_sha256": "a" * 8 + "c" * 56}))
    assert settle_name(song, "a" * 64, tmp_path) == "mix.aaaaaaaa-2"


@pytest.mark.parametrize(
    "found",
    [
        json.dumps({"path": "here/mix.wav", "audio_sha256": "b" * 64}),  # the file has changed
        json.dumps({"path": "elsewhere/mix.wav", "audio_sha256": "a" * 64}),  # it has moved
        json.dumps({"path": "here/mix.wav"}),  # of a reference program
        '{"path": "here/mi',  # damaged
        "",
    ],
)
def test_a_song_keeps_its_name_if_the_existing_result_is_its_own(
    tmp_path: Path, found: str
) -> None:
    (tmp_path / "mix.json").write_text(found)
    assert settle_name(InputSong("here/mix.wav", "mix"), "a" * 64, tmp_path) == "mix"


def test_a_json_file_that_is_no_result_is_not_overwritten(tmp_path: Path) -> None:
    for foreign in ('{"name": "my project"}', "[1, 2]", '{"path": 3}', '{"path": "a\\u0000b"}'):
        (tmp_path / "mix.json").write_text(foreign)
        assert settle_name(InputSong("mix.wav", "mix"), "a" * 64, tmp_path) == "mix.aaaaaaaa"


def test_every_song_is_in_one_shard_whatever_else_there_is() -> None:
    songs = [InputSong(f"/data/{i}.wav", f"song {i}") for i in range(100)]
    parts = [take_shard(songs, part, 3) for part in (1, 2, 3)]
    assert sorted((s for part in parts for s in part), key=songs.index) == songs
    assert all(len(part) > 20 for part in parts)
    moved = [InputSong(f"/mnt/other/{i}.wav", f"song {i}") for i in range(50, 120)]
    for part in (1, 2, 3):
        there = {song.name for song in take_shard(moved, part, 3)}
        assert {s.name for s in parts[part - 1][:]} & {s.name for s in moved} <= there


def test_no_two_names_are_the_same_whatever_the_stems() -> None:
    stems = ["mix", "Mix", "mix.aaaaaaaa-2", "mix", "other"]
    digests = ["aaaaaaaa1", "aaaaaaaa1", "", "bbbbbbbb2", ""]
    names = make_unique(stems, lambda index: digests[index])
    assert names == ["mix.aaaaaaaa", "Mix.aaaaaaaa-2", "mix.aaaaaaaa-2-2", "mix.bbbbbbbb", "other"]
