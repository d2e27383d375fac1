"""Timings are measured, written completely, read and drawn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from allin1_mlx.display.timings import MAX_ROWS, StageTime, Timings, plot_timings, read_timings
from allin1_mlx.errors import Cancelled, ResultError, UsageError


def stages_of(tracks: int) -> list[StageTime]:
    """Three stages of each track, one track after the other."""
    stages = []
    for track in range(tracks):
        for k, name in enumerate(("decode", "network", "beats")):
            start = 1.7e9 + 3 * track + k
            duration = 0.5 + track / 100
            stages.append(StageTime(name, f"song {track}.mp3", start, start + duration, duration))
    return stages


def test_a_stage_is_timed_and_written_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "t.jsonl"
    timings = Timings(path)
    before = time.time()
    with timings.stage("network", track="Ça \u202e\n.mp3"):
        time.sleep(0.05)
    after = time.time()
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert list(line) == ["stage", "track", "start", "end", "duration"]
    assert (line["stage"], line["track"]) == ("network", "Ça \u202e\n.mp3")
    assert 0.05 <= line["duration"] <= after - before + 0.01
    assert before - 0.01 <= line["start"] <= line["end"] <= after + 0.01
    assert line["end"] - line["start"] == pytest.approx(line["duration"], abs=1e-4)


def test_written_timings_can_be_read(tmp_path: Path) -> None:
    timings = Timings(tmp_path / "t.jsonl")
    for stage in stages_of(3):
        timings.record(stage)
    Timings(tmp_path / "t.jsonl").record(stages_of(4)[-1])
    read = read_timings(tmp_path / "t.jsonl")
    assert read[:-1] == timings.stages == stages_of(3)
    assert read[-1].track == "song 3.mp3"


def test_without_a_file_stages_are_only_kept() -> None:
    timings = Timings()
    with timings.stage("beats", track="a"):
        pass
    assert [stage.stage for stage in timings.stages] == ["beats"]


def test_a_stage_that_fails_or_is_cancelled_is_not_recorded(tmp_path: Path) -> None:
    timings = Timings(tmp_path / "t.jsonl")
    with pytest.raises(Cancelled), timings.stage("network", track="a"):
        raise Cancelled
    assert timings.stages == []
    assert not (tmp_path / "t.jsonl").exists()


def test_lines_of_several_processes_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    code = (
        "import sys\n"
        "from allin1_mlx.display.timings import StageTime, Timings\n"
        f"timings = Timings({str(path)!r})\n"
        "for k in range(300):\n"
        "    timings.record(StageTime('s' * k, sys.argv[1] * 99, k, k + 1, 1))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(n)], env=environment) for n in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    read = read_timings(path)
    assert len(read) == 900
    for n in range(3):
        own = [stage.start for stage in read if stage.track == str(n) * 99]
        assert own == list(range(300))


def test_lines_cut_off_by_a_full_disk_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    Timings(path).record(stages_of(1)[0])
    line = path.read_text()
    path.write_text(line + line[:30] + "\n\n" + line + line[:50])
    assert len(read_timings(path)) == 2


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        '{"stage": "a"}',
        "[1, 2]",
        "3",
        '{"stage": "a", "track": "b", "start": "x", "end": 1, "duration": 1}',
        '{"stage": "a", "track": "b", "start": 0, "end": 1, "duration": -1}',
        '{"stage": "a", "track": "b", "start": 0, "end": NaN, "duration": 1}',
    ],
)
def test_other_lines_are_refused_with_their_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "t.jsonl"
    Timings(path).record(stages_of(1)[0])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ResultError, match=r"^t\.jsonl, line 2: not the timing of a stage"):
        read_timings(path)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_timings(tmp_path / "t.jsonl")


def test_the_picture_names_tracks_stages_and_totals(tmp_path: Path) -> None:
    plot_timings(stages_of(3), tmp_path / "t.svg")
    picture = (tmp_path / "t.svg").read_text(encoding="utf-8")
    for text in ("song 0.mp3", "song 2.mp3", "decode", "network", "beats", "3 tracks, 4.59 s"):
        assert text in picture


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_picture_has_the_kind_of_its_suffix(tmp_path: Path, suffix: str, magic: bytes) -> None:
    plot_timings(stages_of(2), tmp_path / f"t.{suffix}")
    assert (tmp_path / f"t.{suffix}").read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [f"t.{suffix}"]


def test_no_stages_and_unusual_names_are_drawn(tmp_path: Path) -> None:
    plot_timings([], tmp_path / "none.png")
    odd = [StageTime("a", name, 0, 1, 1) for name in ("$x_", "👩‍🎤", "أغنية", "long " * 99)]
    plot_timings(odd, tmp_path / "odd.svg")
    assert "$x_" in (tmp_path / "odd.svg").read_text(encoding="utf-8")


def test_of_many_tracks_the_slowest_are_drawn(tmp_path: Path) -> None:
    plot_timings(stages_of(MAX_ROWS + 5), tmp_path / "t.svg")
    picture = (tmp_path / "t.svg").read_text(encoding="utf-8")
    assert f"{MAX_ROWS + 5} tracks, the {MAX_ROWS} slowest shown" in picture
    assert "song 4.mp3" not in picture
    assert "song 5.mp3" in picture


def test_unknown_kind_of_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"t\.bmp: pictures are written as pdf, png, svg"):
        plot_timings(stages_of(1), tmp_path / "t.bmp")
    assert list(tmp_path.iterdir()) == []
