"""Corrections of the page: applied by the core, and described for the page."""

from pathlib import Path
from typing import Any

import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.errors import EditError
from allin1_mlx.exports import NAMES, find_format
from allin1_mlx.types import Segment, Tempo
from allin1_mlx_ui.corrections import correct, describe_corrections, describe_sections
from allin1_mlx_ui.exports import list_offers, make_file
from allin1_mlx_ui.song import Song
from allin1_mlx_ui.songs import Session

BEATS = tuple(0.5 + 0.5 * i for i in range(78))
FOUND = Analysis(
    path="song.wav",
    bpm=120,
    beats=BEATS,
    downbeats=BEATS[::4],
    beat_positions=tuple(i % 4 + 1 for i in range(len(BEATS))),
    segments=(
        Segment(0.0, 10.5, "intro"),
        Segment(10.5, 20.5, "verse"),
        Segment(20.5, 40.0, "chorus"),
    ),
    duration=40.0,
    tempo=Tempo(120.0, 1.0),
    meter=4,
)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path)


@pytest.fixture
def song(session: Session) -> Song:
    song = session.add("song.wav")
    session.change(song, analysis=FOUND, state="done", revision=1)
    return song


def now(song: Song) -> Analysis:
    assert song.analysis is not None
    return song.analysis


def described(song: Song) -> dict[str, Any]:
    return describe_corrections(song, now(song))


def test_a_correction_is_a_new_revision_that_can_be_undone_and_redone(
    session: Session, song: Song
) -> None:
    correct(session, song, {"do": "scale_tempo", "factor": "1/2"})
    assert now(song).beats == BEATS[::2]
    assert song.revision == 2
    assert (described(song)["canUndo"], described(song)["canRedo"]) == (True, False)
    correct(session, song, {"do": "undo"})
    assert now(song) == FOUND
    assert (described(song)["canUndo"], described(song)["canRedo"]) == (False, True)
    correct(session, song, {"do": "redo"})
    assert now(song).beats == BEATS[::2]
    correct(session, song, {"do": "undo"})
    correct(session, song, {"do": "nudge", "ms": 5})
    assert not described(song)["canRedo"]


def test_a_song_without_corrections_has_none_to_describe(song: Song) -> None:
    answer = described(song)
    assert (answer["changes"], answer["any"], answer["ghosts"]) == ([], False, [])
    assert answer["bpm"] == 120.0
    assert [section["reset"] for section in describe_sections(FOUND)] == [None] * 3


def test_deleted_beats_alone_are_a_correction_too(session: Session, song: Song) -> None:
    correct(session, song, {"do": "delete_beat", "at": BEATS[-1]})
    assert described(song)["any"]


def test_corrections_are_described_and_marked(session: Session, song: Song) -> None:
    correct(session, song, {"do": "scale_tempo", "factor": "1/2"})
    correct(session, song, {"do": "move_boundary", "at": 10.5, "to": 12.5})
    correct(session, song, {"do": "relabel_section", "at": 30.0, "label": "solo"})
    answer = described(song)
    assert [change["words"] for change in answer["changes"]] == [
        "Tempo halved",
        "Sections: 1 boundary moved",
        "1 section renamed",
    ]
    assert answer["ghosts"] == [10.5]
    assert answer["bpm"] == 120.0
    sections = describe_sections(now(song))
    assert [section["moved"] for section in sections] == [False, True, False]
    assert [section["renamed"] for section in sections] == [False, False, True]


@pytest.mark.parametrize(
    "command",
    [
        {"do": "move_boundary", "at": 10.5, "to": 12.5},
        {"do": "move_boundary", "at": 10.5, "to": 8.5},
        {"do": "relabel_section", "at": 15.0, "label": "solo"},
        {"do": "split_section", "at": 14.5, "label": "solo"},
        {"do": "delete_section", "at": 15.0},
        {"do": "merge_sections", "at": 20.5},
    ],
)
def test_a_section_that_is_reset_is_as_it_was_detected(
    session: Session, song: Song, command: dict[str, Any]
) -> None:
    correct(session, song, command)
    resets = [section["reset"] for section in describe_sections(now(song))]
    assert any(resets)
    start, end = next(reset for reset in resets if reset)
    correct(session, song, {"do": "reset", "what": "sections", "start": start, "end": end})
    assert now(song).segments == FOUND.segments
    assert not described(song)["any"]


@pytest.mark.parametrize(
    ("command", "edge"),
    [
        ({"do": "move_boundary", "at": 10.5, "to": 12.9}, 12.5),
        ({"do": "move_boundary", "at": 10.5, "to": 10.9}, 10.5),
        ({"do": "move_boundary", "at": 10.5, "to": 20.0}, 20.0),  # the bar there begins a section
        ({"do": "split_section", "at": 13.0}, 12.5),
        ({"do": "split_section", "at": 11.0}, 11.0),
    ],
)
def test_boundaries_snap_to_a_bar_if_requested(
    session: Session, song: Song, command: dict[str, Any], edge: float
) -> None:
    correct(session, song, command | {"snap": True})
    assert edge in [segment.start for segment in now(song).segments]
    correct(session, song, {"do": "undo"})
    correct(session, song, command)
    wished = command.get("to", command["at"])
    assert wished in [segment.start for segment in now(song).segments]


@pytest.mark.parametrize(
    "command",
    [
        None,
        [],
        "undo",
        7,
        {},
        {"do": "explode"},
        {"do": ["undo"]},
        {"do": "undo", "times": 2},
        {"do": "add_beat", "at": 0.51},
        {"do": "move_boundary", "at": 3.0, "to": 4.0, "snap": True},
        {"do": "split_section", "at": 1e308, "snap": True},
        {"do": "reset", "what": "tempo", "start": 1, "end": 2},
    ],
)
def test_a_refused_correction_changes_nothing(session: Session, song: Song, command: Any) -> None:
    with pytest.raises(EditError):
        correct(session, song, command)
    assert now(song) is FOUND
    assert song.revision == 1


def test_a_song_cannot_be_corrected_before_it_is_analysed(session: Session) -> None:
    with pytest.raises(EditError, match="not been analysed"):
        correct(session, session.add("new.wav"), {"do": "undo"})


def test_every_format_is_offered_and_every_offer_can_be_made(song: Song) -> None:
    offered = {file.name for offer in list_offers() for file in offer.files}
    assert offered == {name + file.suffix for name in NAMES for file in find_format(name).files}
    for offer in list_offers():
        for file in offer.files:
            name, content = make_file(song, FOUND, file.name, simplify=file.simplify)
            assert name.startswith("song.")
            assert content


def test_exports_contain_the_corrected_beats(session: Session, song: Song) -> None:
    correct(session, song, {"do": "scale_tempo", "factor": "1/2"})
    _, content = make_file(song, now(song), "beats.beats", simplify=False)
    assert len(content.splitlines()) == len(BEATS[::2])


@pytest.mark.parametrize("name", ["", "midi", "midi.", "midi.lab", "exe.exe", "../midi.mid"])
def test_an_unknown_export_is_not_found(song: Song, name: str) -> None:
    with pytest.raises(KeyError):
        make_file(song, FOUND, name, simplify=False)
