"""A result file is input: whatever it contains, it is refused in one line or works everywhere."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.hostile_results import ATTACKS, damage, make_result
from tests.support.small import write_network, write_song

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import file_digest
from allin1_mlx.cli.main import main
from allin1_mlx.display.bars import count_bars, number_bars
from allin1_mlx.display.click import count_in
from allin1_mlx.edits import (
    AddBeat,
    MoveBoundary,
    SplitSection,
    TapTempo,
    apply,
    compare,
    describe_edits,
    replay,
)
from allin1_mlx.errors import EditError, ResultError
from allin1_mlx.exports import NAMES, render
from allin1_mlx.types import LONGEST_BAR, Segment


def use(analysis: Analysis) -> None:
    """Use a result like the page and the command line."""
    for name in NAMES:
        assert render(analysis, name)
    assert len(count_in(analysis.beats, analysis.beat_positions, bars=2).beats) < 200_100
    assert len(number_bars(analysis)) == len(analysis.beats)
    assert np.isfinite(count_bars(analysis, analysis.segments)).all()
    describe_edits(analysis)
    compare(analysis)
    assert replay(analysis, ()).detection is None
    analysis.to_json().encode()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(ATTACKS[name](make_result()).encode("latin-1"))
    with pytest.raises(ResultError, match=r"^odd\.json: ") as caught:
        Analysis.from_json(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_file_that_is_not_damaged_works(tmp_path: Path) -> None:
    path = tmp_path / "song.json"
    path.write_text(json.dumps(make_result()), encoding="utf-8")
    use(Analysis.from_json(path))


def test_a_damaged_file_is_refused_or_works(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    random = np.random.default_rng(18)
    refusals = []
    for _ in range(150):
        path.write_bytes(damage(make_result(), random))
        try:
            use(Analysis.from_json(path))
        except ResultError as e:
            refusals.append(str(e))
    assert all(line.startswith("odd.json: ") and line.isprintable() for line in refusals)
    assert 75 <= len(refusals) < 150


@pytest.mark.parametrize("name", ATTACKS)
def test_the_command_line_keeps_a_broken_result(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    network = write_network(tmp_path / "net")
    digest = file_digest(write_song(tmp_path / "song.wav"))
    path = tmp_path / "struct" / "song.json"
    path.parent.mkdir()
    broken = ATTACKS[name](make_result(sha256=digest)).encode("latin-1")
    path.write_bytes(broken)
    older = path.with_name("song.json.broken")
    older.write_bytes(b"an older one")
    assert main(["song.wav", "--no-multiprocess", *network]) == 0
    assert Analysis.from_json(path).path == "song.wav"
    assert older.read_bytes() == b"an older one"
    assert path.with_name("song.json.broken-2").read_bytes() == broken
    printed = capsys.readouterr()
    assert "renamed to song.json.broken-2" in printed.out + printed.err
    assert "Traceback" not in printed.err


def test_corrections_of_a_song_of_another_length_are_kept_but_not_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    digest = file_digest(write_song(tmp_path / "song.wav", seconds=2.0))
    path = tmp_path / "struct" / "song.json"
    path.parent.mkdir()
    older = json.dumps(make_result(sha256=digest))  # of 20 seconds
    path.write_text(older, encoding="utf-8")
    assert main(["song.wav", "--no-multiprocess", *write_network(tmp_path / "net")]) == 0
    assert Analysis.from_json(path).edits == ()
    assert path.with_name("song.json.broken").read_text(encoding="utf-8") == older
    printed = capsys.readouterr()
    assert "belongs to a song of 20.0 s, this one has 2.0 s" in printed.out + printed.err


def test_thousands_of_edits_are_replayed_or_refused() -> None:
    song = Analysis(
        "", 150, (1.0, 1.4), (1.0,), (1, 2), (Segment(0.0, 2000.0, "x"),), duration=2000.0
    )
    splits = [SplitSection(0.2 * n + 0.2) for n in range(4900)]
    moves = [MoveBoundary(edit.at, edit.at + 0.01) for edit in splits]
    assert len(replay(song, splits + moves).segments) == 4901
    with pytest.raises(EditError, match="too many edits for a song"):
        replay(song, [TapTempo((1.0, 1.5, 2.0))] * 2000)


def test_corrections_stay_within_what_a_file_can_hold() -> None:
    times = tuple(np.arange(1.0, 40.0, 1.0).tolist())
    song = Analysis("", 60, times, times[:1], (1, *range(2, 33), *([2] * 7)), (), duration=60.0)
    assert max(song.beat_positions) == LONGEST_BAR
    with pytest.raises(EditError, match="a bar has 32 beats at most"):
        apply(
            replace(song, beats=times[:32], beat_positions=song.beat_positions[:32]), AddBeat(1.5)
        )
