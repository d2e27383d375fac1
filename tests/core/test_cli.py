"""The effect of each option of the command line on a song."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import load_audio
from allin1_mlx.cli.main import main
from allin1_mlx.display.timings import read_timings
from allin1_mlx.edits import Nudge, RelabelSection, apply
from allin1_mlx.weights.registry import HTDEMUCS_FILE

from ..support.small import RATE, SMALL, write_network, write_song
from .test_htdemucs import file_shapes, random_arrays, save

Run = Callable[..., int]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name a small random network of four stems."""
    return write_network(tmp_path_factory.mktemp("network"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: list[str]) -> Run:
    """Runs the command in an empty folder, with the small network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "1")

    def run(*arguments: str) -> int:
        return main([*network, *arguments])

    return run


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_song(tmp_path / "song.wav", seed=1)


def files(folder: Path) -> set[str]:
    """All files below a folder except receipts and the songs in it."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and ".made" not in path.parts
    }


def result(folder: Path, name: str = "song") -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def stamp(path: Path) -> tuple[int, int]:
    """A value that changes when the file is written again."""
    return path.stat().st_mtime_ns, path.stat().st_ino


def test_a_song_gives_its_result_in_struct(
    run: Run, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("song.wav") == 0
    assert files(tmp_path) == {"song.wav", "struct/song.json"}
    found = result(tmp_path / "struct")
    assert list(found)[:6] == [
        *("path", "bpm", "beats", "downbeats", "beat_positions", "segments"),
    ]
    assert (found["path"], found["demix"], found["duration"]) == ("song.wav", "spectral", 2.0)
    assert "done    song.wav -> struct/song.json" in capsys.readouterr().out


def test_the_tempo_printed_is_the_steady_one_as_on_the_page(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_song(tmp_path / "song.wav", seconds=8, bpm=117)
    steady = write_network(tmp_path / "net", steady=True)
    assert main(["song.wav", *steady]) == 0
    found = result(tmp_path / "struct")
    assert f"({found['tempo']['bpm']:.2f} BPM, " in capsys.readouterr().out


def test_arrays_are_written_beside_the_result_or_to_their_folder(
    run: Run, song: Path, tmp_path: Path
) -> None:
    assert run("song.wav", "-a", "-e", "-o", "out") == 0
    with np.load(tmp_path / "out" / "song.activ.npz") as arrays:
        shapes = {key: (arrays[key].shape, arrays[key].dtype.name) for key in arrays}
    assert shapes == {
        "beat": ((200,), "float32"),
        "downbeat": ((200,), "float32"),
        "segment": ((200,), "float32"),
        "label": ((10, 200), "float32"),
    }
    assert np.load(tmp_path / "out" / "song.embed.npy").shape == (4, 200, SMALL.dim)
    assert run("song.wav", "--activ", "--embed", "--array-dir", "arrays") == 0
    assert {"arrays/song.activ.npz", "arrays/song.embed.npy"} <= files(tmp_path)


@pytest.mark.parametrize(
    ("kind", "begins"), [("pdf", b"%PDF"), ("png", b"\x89PNG"), ("svg", b"<?xml"), ("html", b"<!d")]
)
def test_pictures_of_each_kind(
    run: Run, song: Path, tmp_path: Path, kind: str, begins: bytes
) -> None:
    chosen = [] if kind == "pdf" else ["--viz-format", kind]
    assert run("song.wav", "-v", "--viz-dir", "pictures", *chosen) == 0
    assert (tmp_path / "pictures" / f"song.{kind}").read_bytes().startswith(begins)


@pytest.mark.parametrize("options", [[], ["--no-multiprocess"]], ids=["processes", "one process"])
def test_a_page_with_sound_contains_the_song(
    run: Run, song: Path, tmp_path: Path, options: list[str]
) -> None:
    asked = ("song.wav", "-v", "--viz-format", "html", *options)
    assert run(*asked) == 0
    page = tmp_path / "viz" / "song.html"
    assert 'id="sound"' not in page.read_text()
    assert run(*asked, "--with-sound") == 0  # of a finished result
    found = re.search(r'id="sound">([^<]+)<', page.read_text())
    assert found is not None
    (tmp_path / "found.mp3").write_bytes(base64.b64decode(found[1]))
    heard, expected = (load_audio(tmp_path / name).samples for name in ("found.mp3", "song.wav"))
    assert heard.shape == expected.shape
    assert np.corrcoef(heard[0], expected[0])[0, 1] > 0.9
    written = page.stat().st_mtime_ns
    assert run(*asked, "--with-sound") == 0
    assert page.stat().st_mtime_ns == written


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
def test_a_sonification_has_clicks_where_the_result_has_beats(
    run: Run, tmp_path: Path, kind: str
) -> None:
    """The difference to the song begins at the beat's sample, 1 / 44 100 s at most from it."""
    write_song(tmp_path / f"song.{kind}", seed=1)
    steady = write_network(tmp_path / "net", steady=True)  # boundaries would be audible, too
    assert main([f"song.{kind}", "--sonify", "--sonif-dir", "clicks", *steady]) == 0
    before = load_audio(tmp_path / f"song.{kind}").samples[0]
    after = load_audio(tmp_path / "clicks" / f"song.sonif.{kind}").samples[0]
    found = result(tmp_path / "struct")
    beats, segments = found["beats"], found["segments"]
    assert len(beats) > 2
    assert len(segments) == 1
    assert len(after) == len(before)
    added = np.abs(after - before)
    for beat in beats:
        first = round(beat * RATE)
        if first < 1000:
            continue  # nothing is before it to compare with
        if kind == "mp3":  # which smears what it encodes
            assert added[first : first + 200].max() > 4 * added[first - 1000 : first - 600].max()
        else:
            assert np.flatnonzero(added[first - 40 : first + 40] > 1e-4)[0] == 40


def test_inputs_of_other_kinds_are_sonified_as_wav(run: Run, tmp_path: Path) -> None:
    write_song(tmp_path / "song.ogg")
    assert run("song.ogg", "-s") == 0
    assert "sonif/song.sonif.wav" in files(tmp_path)


def test_spectrograms_are_kept_and_reused(
    run: Run, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("song.wav", "-k", "--spec-dir", "s", "--timings-path", "1.jsonl") == 0
    assert "there is no sound of the stems" in capsys.readouterr().err
    kept = np.load(tmp_path / "s" / "song.npy")
    assert (kept.shape, kept.dtype.name) == ((4, 200, 81), "float32")
    first = (tmp_path / "struct" / "song.json").read_bytes()
    again = ("song.wav", "--overwrite", "json", "--spec-dir", "s", "--timings-path", "2.jsonl")
    assert run(*again) == 0
    assert (tmp_path / "struct" / "song.json").read_bytes() == first
    stages = [{line.stage for line in read_timings(tmp_path / f"{n}.jsonl")} for n in (1, 2)]
    assert stages[0] - stages[1] == {"spectrogram"}


def test_user_supplied_stems_are_used_and_kept_as_sound(
    run: Run, song: Path, tmp_path: Path
) -> None:
    for number, stem in enumerate(("bass", "drums", "other", "vocals")):
        write_song(tmp_path / "stems" / "song" / f"{stem}.wav", seed=10 + number)
    assert run("song.wav", "--stems-dir", "stems", "-k", "--demix-dir", "d") == 0
    assert str(result(tmp_path / "struct")["demix"]).startswith("external ")
    for stem in ("bass", "drums", "other", "vocals"):
        kept, rate = soundfile.read(tmp_path / "d" / "external" / "song" / f"{stem}.wav")
        given, _ = soundfile.read(tmp_path / "stems" / "song" / f"{stem}.wav")
        assert rate == RATE
        np.testing.assert_allclose(kept, given.mean(axis=1), atol=1e-6)
    before = stamp(tmp_path / "struct" / "song.json")
    assert run("song.wav", "--stems-dir", "stems") == 0
    assert stamp(tmp_path / "struct" / "song.json") == before
    write_song(tmp_path / "stems" / "song" / "bass.wav", seed=99)
    assert run("song.wav", "--stems-dir", "stems") == 0
    assert stamp(tmp_path / "struct" / "song.json") != before


def test_stems_in_the_folder_itself_belong_to_a_single_song(
    run: Run, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stem in ("bass", "drums", "other", "vocals"):
        write_song(tmp_path / "stems" / f"{stem}.wav")
    assert run("song.wav", "--stems-dir", "stems") == 0
    write_song(tmp_path / "other.wav")
    assert run("song.wav", "other.wav", "--stems-dir", "stems", "--no-multiprocess") == 1
    assert "could belong to any of several songs" in capsys.readouterr().err


def test_both_spectrogram_paths_find_the_same(run: Run, song: Path, tmp_path: Path) -> None:
    for backend in ("mlx", "mlx_fast"):
        assert run("song.wav", "-a", "-o", backend, "--spec-backend", backend) == 0
    one, other = (
        np.load(tmp_path / backend / "song.activ.npz")["beat"] for backend in ("mlx", "mlx_fast")
    )
    assert 0 < np.abs(one - other).max() < 1e-4


def test_the_spectrogram_check_reports_differences(
    run: Run, song: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("missing.wav", "song.wav", "--spec-check", "--no-multiprocess") == 1
    line = next(x for x in capsys.readouterr().out.splitlines() if "spectrogram check" in x)
    assert "song.wav" in line
    most, mean = (float(x) for x in line.split() if "e-" in x)
    assert 0 < mean < most < 1e-4
    assert "equal enough" in line


def test_timings_are_written_and_drawn(run: Run, song: Path, tmp_path: Path) -> None:
    arguments = ("--timings-path", "t/t.jsonl", "--timings-viz-path", "t/t.png")
    assert run("song.wav", *arguments) == 0
    text = (tmp_path / "t" / "t.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["stage"] for line in lines] == [
        *("decode", "spectrogram", "network", "beats", "sections", "write"),
    ]
    assert {line["track"] for line in lines} == {"song.wav"}
    assert all(line["duration"] >= 0 for line in lines)
    assert (tmp_path / "t" / "t.png").read_bytes().startswith(b"\x89PNG")


def test_intermediate_files_change_no_result_and_are_removed(
    run: Run, song: Path, tmp_path: Path
) -> None:
    assert run("song.wav", "-o", "one") == 0
    assert run("song.wav", "-o", "other", "--no-mlx-in-memory", "--timings-path", "t") == 0
    assert result(tmp_path / "one") == result(tmp_path / "other")
    assert (tmp_path / "spec").is_dir()  # they went through it
    assert files(tmp_path) == {"song.wav", "one/song.json", "other/song.json", "t"}


def test_compatibility_switches_change_no_result(run: Run, song: Path, tmp_path: Path) -> None:
    assert run("song.wav", "-o", "one") == 0
    switches = ("--no-ensemble-parallel", "--no-mlx-compile", "--no-multiprocess")
    assert run("song.wav", "-o", "other", *switches) == 0
    assert result(tmp_path / "one") == result(tmp_path / "other")


def test_a_finished_song_is_not_analysed_again(
    run: Run, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = ("-v", "--viz-format", "svg", "-s", "-a", "-e", "-k")
    assert run("song.wav", *outputs) == 0
    before = {name: stamp(tmp_path / name) for name in files(tmp_path)}
    assert len(before) == 7
    capsys.readouterr()
    assert run("song.wav", *outputs) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("reused  song.wav")
    assert {name: stamp(tmp_path / name) for name in files(tmp_path)} == before


@pytest.mark.parametrize("processes", ["--no-multiprocess", "--jobs=2"])
def test_songs_that_are_finished_need_no_network(
    run: Run, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    write_song(tmp_path / "other.wav", seed=2)
    outputs = ("-v", "--viz-format", "svg", "-s", "-a", "-k", processes)
    assert run("song.wav", "other.wav", *outputs) == 0

    def load_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr("allin1_mlx.pipeline.load_network", load_network)
    assert run("song.wav", "other.wav", *outputs) == 0
    (tmp_path / "viz" / "song.svg").unlink()
    assert run("song.wav", "other.wav", *outputs) == 0
    assert (tmp_path / "viz" / "song.svg").exists()
    write_song(tmp_path / "third.wav", seed=3)
    with pytest.raises(AssertionError, match="the network was loaded"):
        run("song.wav", "other.wav", "third.wav", *outputs)


STAGE_FILES = {
    "json": {"struct/song.json", "struct/song.activ.npz"},
    "viz": {"viz/song.svg"},
    "sonify": {"sonif/song.sonif.wav"},
    "spec": {"spec/song.npy"},
}


@pytest.mark.parametrize(
    ("stages", "redone"),
    [
        ("viz", {"viz"}),
        ("sonify", {"sonify"}),
        ("viz,sonify", {"viz", "sonify"}),
        ("json", {"json", "viz", "sonify"}),
        ("spec", {"spec", "json", "viz", "sonify"}),
        ("demix", {"spec", "json", "viz", "sonify"}),
        ("all", {"spec", "json", "viz", "sonify"}),
    ],
)
def test_overwrite_repeats_a_stage_and_everything_made_from_it(
    run: Run, song: Path, tmp_path: Path, stages: str, redone: set[str]
) -> None:
    outputs = ("-v", "--viz-format", "svg", "-s", "-a", "-k")
    assert run("song.wav", *outputs) == 0
    before = {name: stamp(tmp_path / name) for name in files(tmp_path)}
    contents = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    assert run("song.wav", *outputs, "--overwrite", stages) == 0
    changed = {name for name in files(tmp_path) if stamp(tmp_path / name) != before[name]}
    assert changed == {file for stage in redone for file in STAGE_FILES[stage]}
    assert {n: (tmp_path / n).read_bytes() for n in contents if n[-3:] != "npz"} == {
        n: c for n, c in contents.items() if n[-3:] != "npz"
    }


def test_missing_files_are_added_without_running_the_network_again(
    run: Run, song: Path, tmp_path: Path
) -> None:
    assert run("song.wav") == 0
    before = stamp(tmp_path / "struct" / "song.json")
    assert run("song.wav", "-v", "--viz-format", "svg", "-s", "--timings-path", "t.jsonl") == 0
    assert stamp(tmp_path / "struct" / "song.json") == before
    assert {"viz/song.svg", "sonif/song.sonif.wav"} <= files(tmp_path)
    assert {line.stage for line in read_timings(tmp_path / "t.jsonl")} == {"decode"}


def test_a_changed_song_is_analysed_again(run: Run, song: Path, tmp_path: Path) -> None:
    outputs = ("-v", "--viz-format", "svg", "-s", "-a", "-e", "-k")
    assert run("song.wav", *outputs) == 0
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    write_song(song, seed=2)
    assert run("song.wav", *outputs) == 0
    assert files(tmp_path) == set(before)
    assert not [name for name in before if (tmp_path / name).read_bytes() == before[name]]


def test_arrays_of_an_old_song_are_not_used_for_a_new_song(
    run: Run, song: Path, tmp_path: Path
) -> None:
    assert run("song.wav", "-a") == 0
    stale = (tmp_path / "struct" / "song.activ.npz").read_bytes()
    write_song(song, seed=2)
    assert run("song.wav") == 0
    assert run("song.wav", "-a") == 0
    assert (tmp_path / "struct" / "song.activ.npz").read_bytes() != stale


def test_another_network_analyses_again(run: Run, song: Path, tmp_path: Path) -> None:
    assert run("song.wav") == 0
    first = result(tmp_path / "struct")
    other = write_network(tmp_path / "net", seed=4)  # of the same name, with other weights
    assert main(["song.wav", *other]) == 0
    second = result(tmp_path / "struct")
    assert second["model"] != first["model"]
    assert second["beats"] != first["beats"]


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "other format"])
def test_a_damaged_result_does_not_count_as_finished(
    run: Run, song: Path, tmp_path: Path, damage: str
) -> None:
    assert run("song.wav") == 0
    path = tmp_path / "struct" / "song.json"
    good = path.read_text(encoding="utf-8")
    damaged = {
        "cut": good[: len(good) // 2],
        "empty": "",
        "text": "no JSON",
        "other format": good.replace('"schema_version": 1', '"schema_version": 99'),
    }
    path.write_text(damaged[damage], encoding="utf-8")
    assert run("song.wav") == 0
    assert path.read_text(encoding="utf-8") == good


def correct(path: Path) -> str:
    """Correct a result as on the page; returns its new text."""
    corrected = apply(apply(Analysis.from_json(path), Nudge(7)), RelabelSection(0.1, "my part"))
    path.write_text(corrected.to_json(), encoding="utf-8")
    return corrected.to_json()


def test_corrections_by_hand_survive_an_analysis(run: Run, song: Path, tmp_path: Path) -> None:
    assert run("song.wav", "-v", "--viz-format", "svg") == 0
    path, picture = tmp_path / "struct" / "song.json", tmp_path / "viz" / "song.svg"
    detected, before = path.read_text(), picture.read_bytes()
    corrected = correct(path)
    assert run("song.wav", "-v", "--viz-format", "svg") == 0
    assert path.read_text() == corrected
    assert picture.read_bytes() != before
    assert run("song.wav", "--overwrite") == 0
    assert path.read_text() == corrected
    write_song(song, seed=2)  # another recording under the same name
    assert run("song.wav") == 0
    assert path.read_text() == corrected
    assert len(files(tmp_path / "struct")) == 2
    write_song(song, seed=1)
    assert run("song.wav", "--overwrite", "edits") == 0
    assert path.read_text() == detected


def test_exports_are_written_again_only_if_the_result_changes(
    run: Run, song: Path, tmp_path: Path
) -> None:
    arguments = ("song.wav", "--export", "lab,midi,csv", "--export-dir", "x")
    assert run(*arguments) == 0
    names = {"song.lab", "song.mid", "song.beats.csv", "song.sections.csv"}
    assert files(tmp_path / "x") == names
    before = {name: stamp(tmp_path / "x" / name) for name in names}
    assert run(*arguments) == 0
    assert {name: stamp(tmp_path / "x" / name) for name in names} == before
    correct(tmp_path / "struct" / "song.json")
    assert run(*arguments) == 0
    assert "my part" in (tmp_path / "x" / "song.lab").read_text()


def test_results_of_another_song_survive(run: Run, song: Path, tmp_path: Path) -> None:
    assert run("song.wav") == 0
    first = (tmp_path / "struct" / "song.json").read_bytes()
    other = write_song(tmp_path / "elsewhere" / "song.wav", seed=2)
    assert run(str(other)) == 0
    assert (tmp_path / "struct" / "song.json").read_bytes() == first
    [second] = [name for name in files(tmp_path / "struct") if name != "song.json"]
    digest = json.loads((tmp_path / "struct" / second).read_text())["audio_sha256"]
    assert second == f"song.{digest[:8]}.json"


def test_songs_that_later_share_a_stem_keep_their_finished_results(
    run: Run, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_song(tmp_path / "elsewhere" / "song.wav", seed=2)
    assert run("song.wav") == 0
    capsys.readouterr()
    assert run("song.wav", "elsewhere/song.wav", "--no-multiprocess") == 0
    assert "1 done, 1 reused, 0 failed" in capsys.readouterr().out
    assert len(files(tmp_path / "struct")) == 3


NAMES = {
    "spaces": "my  song .wav",
    "emoji": "🎵🎶.wav",
    "Arabic": "أغنية جميلة.wav",
    "combining": "e\u0301a\u0308 n\u0303.wav",
    "dash": "-song.wav",
    "dots": "..song..wav",
    "line end": "so\nng\t\x1b[31m.wav",
    "not UTF-8": "so\udcffng.wav",
    "255 bytes": "x" * 251 + ".wav",
    "255 bytes of UTF-8": "é" * 125 + "x.wav",
    "no suffix": "song",
    "html": "<b>&amp;'\"$x^2$.wav",
}


@pytest.mark.parametrize("kind", NAMES)
def test_odd_names_work_and_are_printed_safely(
    run: Run, song: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(song, tmp_path / NAMES[kind])
    outputs = ("-v", "--viz-format", "svg", "-s", "-a", "-e", "-k", "--no-multiprocess")
    assert run(*outputs, "--timings-path", "t", "--", NAMES[kind]) == 0, capsys.readouterr().err
    assert len(files(tmp_path)) == 8
    out = capsys.readouterr().out
    assert "\x1b" not in out
    [done] = [line for line in out.splitlines() if line.startswith("done")]
    assert ".json" in done
    capsys.readouterr()
    assert run(*outputs, "--", NAMES[kind]) == 0
    assert "reused" in capsys.readouterr().out


def test_an_output_folder_that_cannot_be_made_is_reported_before_the_work(
    run: Run, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for options in (["-o", "file/x"], ["-v", "--viz-dir", "file"], ["-s", "--sonif-dir", "file/s"]):
        assert run("song.wav", *options) == 2
        err = capsys.readouterr().err
        assert "nothing can be written there" in err
        assert "file" in err
    assert files(tmp_path) == {"song.wav", "file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_output_folder_is_reported(
    run: Run, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir(mode=0o555)
    assert run("song.wav", "-o", "out") == 2
    assert "Permission denied" in capsys.readouterr().err


def test_the_command_line_names_the_option_that_helps(
    song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path / "cache"))
    assert main(["song.wav", "-m", "harmonix-all", "--offline"]) == 2
    reported = capsys.readouterr().err
    assert "`allin1-mlx weights download harmonix-all`; --mlx-weights-dir names another" in reported
    assert main(["song.wav", "-m", "bundled", "--demix", "spectral"]) == 2
    assert "leave out --stems-dir and --demix" in capsys.readouterr().err


def test_quiet_prints_failures_only(
    run: Run, song: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("song.wav", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert run("song.wav", "missing.wav", "-q", "--no-multiprocess") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "failed  missing.wav: there is no such file; check its name and place"
    ]


def test_missing_songs_are_reported_and_nothing_is_downloaded_for_them(
    run: Run,
    song: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The exit code is that of failed songs, not of a failed download."""
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "0")
    monkeypatch.setenv("ALLIN1_MLX_WEIGHTS_URL", "http://127.0.0.1:9/")
    absent = ("nope.mp3", "../x/nofolder/", "a/b.wav", "*.flac")
    assert main([*absent, "-m", "harmonix-all"]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "failed  nope.mp3: there is no such file; check its name and place",
        "failed  ../x/nofolder/: there is no such folder; check its name and place",
        "failed  a/b.wav: there is no such file; check its name and place",
        "failed  *.flac: no file matches this pattern; check it",
    ]
    assert out == "0 done, 0 reused, 4 failed\n"
    assert files(tmp_path) == {"song.wav"}
    assert not (tmp_path / "struct").exists()
    offline = ("-m", "harmonix-all", "--offline")
    monkeypatch.delenv("ALLIN1_MLX_WEIGHTS_URL")
    assert main(["nope.mp3", "song.wav", *offline]) == 2
    reported = capsys.readouterr().err.splitlines()
    assert reported[0].startswith("failed  nope.mp3: ")
    assert "harmonix-all" in reported[1]
    assert main(["nope.mp3"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["nope.mp3", "-m", "bundled", "--demix", "spectral"]) == 2  # wrong in any case


@pytest.mark.parametrize(("count", "times"), [(2, 1), (5, 1), (6, 2)])
def test_only_many_failures_are_repeated_at_the_end(
    run: Run, song: Path, capsys: pytest.CaptureFixture[str], count: int, times: int
) -> None:
    assert run("song.wav", *(f"{n}.wav" for n in range(count)), "--no-multiprocess") == 1
    out, err = capsys.readouterr()
    assert f"1 done, 0 reused, {count} failed" in out
    for number in range(count):
        assert err.count(f"  {number}.wav: there is no such file") == times


def test_folders_and_patterns_are_inputs(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("music/a.wav", "music/sub/b.wav", "other/c.wav"):
        write_song(tmp_path / name)
    assert run("music", "o*/*.wav", "--no-multiprocess") == 0
    assert files(tmp_path / "struct") == {"a.json", "c.json"}
    assert run("music", "-r", "--no-multiprocess", "-o", "all") == 0
    assert files(tmp_path / "all") == {"a.json", "b.json"}
    (tmp_path / "empty").mkdir()
    assert run("empty") == 1
    assert "there are no sound files in this folder" in capsys.readouterr().err


@pytest.fixture
def separator(tmp_path: Path) -> list[str]:
    """Options that name a narrow separator of random weights, in the authors' format."""
    folder = tmp_path / "weights"
    folder.mkdir()
    state = random_arrays(file_shapes(decoder_residual=False))
    save(folder / HTDEMUCS_FILE.name, state)
    return ["--demix", "htdemucs", "--mlx-weights-dir", str(folder)]


def test_separated_stems_are_kept_and_reused(
    run: Run, song: Path, tmp_path: Path, separator: list[str]
) -> None:
    """The result is the same for new stems and for stems read from files."""
    assert run("song.wav", *separator, "-o", "plain") == 0
    assert run("song.wav", *separator, "-k", "-o", "kept", "--timings-path", "1") == 0
    assert result(tmp_path / "plain")["demix"] == "htdemucs"
    stems = tmp_path / "demix" / "htdemucs" / "song"
    sounds = {path.name: soundfile.read(path) for path in stems.glob("*.wav")}
    assert set(sounds) == {"bass.wav", "drums.wav", "other.wav", "vocals.wav"}
    assert all(samples.shape == (88_200, 2) for samples, _ in sounds.values())
    (tmp_path / "spec" / "song.npy").unlink()
    assert run("song.wav", *separator, "-o", "again", "--timings-path", "2") == 0
    assert run("song.wav", *separator, "-o", "disk", "--no-mlx-in-memory", "--demix-dir", "d") == 0
    for folder in ("kept", "again", "disk"):
        assert result(tmp_path / folder) == result(tmp_path / "plain")
    stages = [{line.stage for line in read_timings(tmp_path / n)} for n in ("1", "2")]
    assert stages[0] - stages[1] == {"demix"}
    assert not list((tmp_path / "d").rglob("*.wav"))


def test_another_seed_separates_again(
    run: Run, song: Path, tmp_path: Path, separator: list[str]
) -> None:
    assert run("song.wav", *separator, "-a") == 0
    assert run("song.wav", *separator, "-a", "--demix-seed", "7", "-o", "seven") == 0
    assert result(tmp_path / "seven")["demix"] == "htdemucs seed 7"
    one, other = (np.load(tmp_path / f / "song.activ.npz")["beat"] for f in ("struct", "seven"))
    assert np.abs(one - other).max() > 0
    assert run("song.wav", *separator, "-a", "--demix-seed", "7") == 0
    assert (tmp_path / "struct" / "song.json").read_text() == (
        tmp_path / "seven" / "song.json"
    ).read_text()
