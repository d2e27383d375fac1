"""User-supplied stems: found in the documented places, refused if they do not fit together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from allin1_mlx.demix.external import StemFiles, find_stems, load_stems, stems_digest
from allin1_mlx.errors import StemsError
from allin1_mlx.types import SAMPLE_RATE, STEMS

LEVELS = {"bass": 0.1, "drums": 0.2, "other": 0.3, "vocals": 0.4, "guitar": 0.05, "piano": 0.02}


def write_stems(
    folder: Path,
    *,
    pattern: str = "{}.wav",
    names: Iterable[str] = STEMS,
    seconds: float = 1.0,
    rate: int = SAMPLE_RATE,
) -> None:
    """Constant stereo stems with different levels; the left channel is twice as loud as the
    mean.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        level = LEVELS[name.lower()]
        samples = np.tile([2 * level, 0.0], (round(seconds * rate), 1))
        soundfile.write(folder / pattern.format(name), samples, rate)


def levels(found: StemFiles) -> list[float]:
    """The level of each stem that `load_stems` returns."""
    return [round(float(row.mean()), 3) for row in load_stems(found).samples]


def test_stems_come_mono_in_order_at_the_pipelines_rate(tmp_path: Path) -> None:
    write_stems(tmp_path / "song", seconds=1.0, rate=48_000)
    stems = load_stems(find_stems("elsewhere/song.mp3", tmp_path))
    assert stems.samples.shape == (4, SAMPLE_RATE)
    assert stems.samples.dtype == np.float32
    inner = stems.samples[:, 1000:-1000]
    expected = [[LEVELS[name]] for name in ("bass", "drums", "other", "vocals")]
    np.testing.assert_allclose(inner, np.broadcast_to(expected, inner.shape), atol=1e-3)
    assert stems.warnings == ()


@pytest.mark.parametrize(
    "pattern",
    [
        "My Song_{}.wav",
        "My Song-{}.flac",
        "My Song ({}).flac",
        "my song [{}].aiff",
        "MY SONG.{}.wav",
        "My Song - {}.ogg",
        "My Song_({}).wav",
    ],
)
def test_stems_named_after_their_song_are_found(tmp_path: Path, pattern: str) -> None:
    names = [name.title() for name in STEMS]
    write_stems(tmp_path, pattern=pattern, names=names)
    write_stems(tmp_path, pattern="My Song 2_{}.wav", seconds=2.0)
    found = find_stems("My Song.mp3", tmp_path)
    assert load_stems(found).samples.shape == (4, SAMPLE_RATE)


def test_one_folder_holds_the_stems_of_many_songs(tmp_path: Path) -> None:
    write_stems(tmp_path / "a", seconds=1.0)
    write_stems(tmp_path / "B (live)", seconds=2.0)
    for song, seconds in (("a.mp3", 1.0), ("b (LIVE).flac", 2.0)):
        found = find_stems(song, tmp_path, alone=False)
        assert load_stems(found).samples.shape[1] == seconds * SAMPLE_RATE


def test_folder_of_the_songs_folder_serves_songs_of_one_name(tmp_path: Path) -> None:
    for seconds, track in enumerate(("one", "two"), start=1):
        write_stems(tmp_path / track, seconds=seconds)
        found = find_stems(tmp_path / track / "mix.ogg", tmp_path, alone=False)
        assert found.paths["bass"] == tmp_path / track / "bass.wav"


def test_stems_in_the_folder_itself_belong_to_the_only_song(tmp_path: Path) -> None:
    write_stems(tmp_path)
    assert find_stems("song.mp3", tmp_path).paths["drums"] == tmp_path / "drums.wav"
    with pytest.raises(StemsError, match=r"^song\.mp3: .* any of several songs; put them into"):
        find_stems("song.mp3", tmp_path, alone=False)


def test_places_are_searched_in_their_documented_order(tmp_path: Path) -> None:
    song = tmp_path / "album" / "song.mp3"
    places = [
        (tmp_path, "{}.wav"),
        (tmp_path / "album", "{}.wav"),
        (tmp_path, "song_{}.wav"),
        (tmp_path / "song", "{}.wav"),
    ]
    for folder, pattern in places:
        write_stems(folder, pattern=pattern)
        assert find_stems(song, tmp_path).paths["bass"] == folder / pattern.format("bass")


def test_guitar_and_piano_are_added_to_other(tmp_path: Path) -> None:
    write_stems(tmp_path / "song", names=LEVELS)
    assert levels(find_stems("song.wav", tmp_path)) == [0.1, 0.2, 0.37, 0.4]


def test_accents_match_in_any_unicode_form(tmp_path: Path) -> None:
    write_stems(tmp_path / "Cafe\u0301")
    write_stems(tmp_path, pattern="Jose\u0301_{}.wav")
    assert find_stems("Caf\u00e9.mp3", tmp_path).paths
    assert find_stems("Jos\u00e9.mp3", tmp_path).paths


def test_files_that_are_not_sound_are_ignored(tmp_path: Path) -> None:
    write_stems(tmp_path)
    for name in ("bass.txt", "bass.wav.asd", "._bass.wav", "vocals.json"):
        (tmp_path / name).write_text("x")
    assert set(find_stems("song.mp3", tmp_path).paths) == set(STEMS)


def test_missing_stems_are_named(tmp_path: Path) -> None:
    write_stems(tmp_path / "song", names=("bass", "other"))
    with pytest.raises(
        StemsError,
        match=r"^song\.mp3: .*, drums and vocals are missing; found bass\.wav, other\.wav$",
    ):
        find_stems("song.mp3", tmp_path)


def test_without_any_stems_the_error_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(StemsError, match=r"^song\.mp3: .*expected song/bass\.wav or song_bass"):
        find_stems("song.mp3", tmp_path)
    with pytest.raises(StemsError, match=r"^nowhere: the folder of stems cannot be opened"):
        find_stems("song.mp3", tmp_path / "nowhere")


def test_two_files_for_one_stem_are_an_error(tmp_path: Path) -> None:
    write_stems(tmp_path)
    write_stems(tmp_path, pattern="{}.flac", names=("bass",))
    with pytest.raises(StemsError, match=r"bass\.flac and bass\.wav .* are both its bass"):
        find_stems("song.mp3", tmp_path)


def test_different_lengths_are_an_error_that_names_them(tmp_path: Path) -> None:
    write_stems(tmp_path, names=("bass", "drums", "other"), seconds=1.0)
    write_stems(tmp_path, names=("vocals",), seconds=0.9)
    with pytest.raises(StemsError, match=r"song\.mp3: .*bass\.wav 1\.000 s .*vocals\.wav 0\.900 s"):
        load_stems(find_stems("song.mp3", tmp_path))


def test_different_sample_rates_are_an_error_that_names_them(tmp_path: Path) -> None:
    write_stems(tmp_path, names=("bass", "other", "vocals"))
    write_stems(tmp_path, names=("drums",), rate=48_000)
    with pytest.raises(StemsError, match=r"bass\.wav .* 44100 Hz; drums\.wav .* at 48000 Hz"):
        load_stems(find_stems("song.mp3", tmp_path))


def test_stems_of_another_song_are_noticed_by_their_length(tmp_path: Path) -> None:
    write_stems(tmp_path, seconds=3.0)
    found = find_stems("song.mp3", tmp_path)
    assert load_stems(found, duration=3.1).samples.shape[1] == 3 * SAMPLE_RATE
    with pytest.raises(StemsError, match=r"^song\.mp3: lasts 9\.0 s but its stems 3\.0 s"):
        load_stems(found, duration=9.0)


def test_unreadable_stem_is_named_with_its_song(tmp_path: Path) -> None:
    write_stems(tmp_path)
    (tmp_path / "other.wav").write_text("nothing to hear\n")
    with pytest.raises(StemsError, match=r"^song\.mp3: stem other\.wav: is text, not audio"):
        load_stems(find_stems("song.mp3", tmp_path))


def test_digest_changes_with_any_stem_and_not_with_their_place(tmp_path: Path) -> None:
    write_stems(tmp_path / "a" / "song")
    write_stems(tmp_path / "b", pattern="song_{}.wav")
    first, moved = (load_stems(find_stems("song.mp3", tmp_path / x)).digest for x in "ab")
    assert first == moved
    assert len(first) == 8
    assert stems_digest(find_stems("song.mp3", tmp_path / "a")) == first
    write_stems(tmp_path / "b", pattern="song_{}.wav", names=("vocals",))
    soundfile.write(tmp_path / "b" / "song_vocals.wav", np.zeros((SAMPLE_RATE, 2)), SAMPLE_RATE)
    assert load_stems(find_stems("song.mp3", tmp_path / "b")).digest != first


def test_evaluation_tracks_work_by_their_own_folder_and_by_that_of_all(shared: Path) -> None:
    mdb = shared / "eval" / "mdb"
    songs = sorted(mdb.glob("*/mix.ogg"))
    assert len(songs) >= 13
    for song in songs:
        for folder, alone in ((song.parent, True), (mdb, False)):
            found = find_stems(song, folder, alone=alone)
            assert found.paths["vocals"] == song.parent / "vocals.ogg"
    stems = load_stems(find_stems(songs[0], mdb, alone=False))
    assert np.abs(stems.samples).max(axis=1).min() > 0.01
