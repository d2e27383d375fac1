"""Exports, read by other programs: beats within 1 ms, sections equal."""

import csv
import io
import itertools
import json
import struct
import warnings
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allin1_mlx.analysis import Analysis
from allin1_mlx.decoding.tempo import estimate_meter, estimate_tempo, round_tempo
from allin1_mlx.display.bars import number_bars
from allin1_mlx.edits import DeleteBeat, RelabelSection, ScaleTempo, SetMeter, TapTempo, apply
from allin1_mlx.errors import UsageError
from allin1_mlx.exports import NAMES, export, find_format, render
from allin1_mlx.types import Segment

with warnings.catch_warnings():  # what other packages do while they load is not our business
    warnings.simplefilter("ignore")
    import jams
    import pretty_midi
    import pyrekordbox.rbxml

MS = 0.001


def make_song(frames, *, meter=4, first=1, path="song.mp3", labels=("intro", "verse", "chorus")):
    """A detected song: beats at frames of 10 ms, a section from the start and at two downbeats."""
    times = np.asarray(frames) / 100
    positions = (np.arange(len(times)) + first - 1) % meter + 1
    downbeats = times[positions == 1]
    edges = [0.0, *downbeats[[len(downbeats) // 3, len(downbeats) // 2]].tolist()]
    end = float(times[-1]) + 1.25
    return Analysis(
        path=path,
        bpm=round_tempo(times),
        beats=tuple(times.tolist()),
        downbeats=tuple(downbeats.tolist()),
        beat_positions=tuple(positions.tolist()),
        segments=tuple(map(Segment, edges, [*edges[1:], end], labels)),
        duration=end,
        tempo=estimate_tempo(times),
        meter=estimate_meter(positions),
        program="allin1-mlx 0",
    )


PLAIN = make_song(np.round(33 + 48.4 * np.arange(400)))
SONGS = {
    "four-four": PLAIN,
    "three-four": make_song(np.round(120 + 61.3 * np.arange(200)), meter=3),
    "tempo drift": make_song(np.cumsum(np.linspace(40, 70, 200)).round()),
    "pickup": make_song(np.round(151 + 45.2 * np.arange(150)), first=3),
    "Unicode title": make_song(
        np.round(7 + 50 * np.arange(160)),
        path="/music/Mañana – 朝 & <3 🎵.flac",
        labels=("Einzug", "Strophe „eins“", "サビ"),
    ),
}
EDITED = {
    "thirds": apply(PLAIN, ScaleTempo("3/2")),
    "other meter": apply(PLAIN, SetMeter(7, PLAIN.downbeats[20])),
    "beat missing": apply(apply(PLAIN, DeleteBeat(PLAIN.beats[41])), RelabelSection(1.0, "Hook")),
    "beats on ticks of no frame": apply(PLAIN, TapTempo((3.14, 3.71, 4.28, 4.85))),
    "a late start": make_song(np.round(4321 + 50 * np.arange(100)), first=2),
    "a long pause": make_song(np.r_[50 * np.arange(40), 6000 + 50 * np.arange(40)]),
}
every_song = pytest.mark.parametrize(
    "song", [*SONGS.values(), *EDITED.values()], ids=[*SONGS, *EDITED]
)


def check_sections(found, song: Analysis, *, tolerance=MS) -> None:
    """Start, end and label of each section, as another program read them."""
    assert [label for _, _, label in found] == [s.label for s in song.segments]
    starts, ends = [a for a, _, _ in found], [b for _, b, _ in found]
    assert starts == pytest.approx([s.start for s in song.segments], abs=tolerance)
    assert ends == pytest.approx([s.end for s in song.segments], abs=tolerance)


@every_song
def test_audacity_labels(song):
    files = render(song, "audacity")
    rows = [line.split("\t") for line in files[".beats.txt"].decode().splitlines()]
    assert [float(a) for a, _, _ in rows] == pytest.approx(song.beats, abs=MS)
    assert all(a == b for a, b, _ in rows)
    places = zip(number_bars(song), song.beat_positions, strict=True)
    assert [label for _, _, label in rows] == [f"{bar}.{beat}" for bar, beat in places]
    rows = [line.split("\t") for line in files[".sections.txt"].decode().splitlines()]
    check_sections([(float(a), float(b), label) for a, b, label in rows], song)


@every_song
def test_tables(song):
    files = {
        k: io.StringIO(v.decode("utf-8-sig"), newline="") for k, v in render(song, "csv").items()
    }
    beats = list(csv.DictReader(files[".beats.csv"]))
    assert [float(row["time"]) for row in beats] == pytest.approx(song.beats, abs=MS)
    assert [int(row["beat"]) for row in beats] == list(song.beat_positions)
    assert [int(row["bar"]) for row in beats] == number_bars(song).tolist()
    sections = list(csv.DictReader(files[".sections.csv"]))
    check_sections([(float(r["start"]), float(r["end"]), r["label"]) for r in sections], song)


@every_song
def test_mir_eval_reads_beats_and_sections(tmp_path, song):
    (beats,) = export(song, "beats", tmp_path / "song")
    times, positions = mir_eval.io.load_labeled_events(str(beats))
    assert times == pytest.approx(np.array(song.beats), abs=MS)
    assert [int(p) for p in positions] == list(song.beat_positions)
    (sections,) = export(song, "lab", tmp_path / "song")
    intervals, labels = mir_eval.io.load_labeled_intervals(str(sections))
    check_sections([(*row, label) for row, label in zip(intervals, labels, strict=True)], song)


@every_song
@pytest.mark.filterwarnings("ignore")
def test_jams_reads_beats_tempo_and_sections(tmp_path, song):
    (path,) = export(song, "jams", tmp_path / "song")
    read = jams.load(str(path), validate=True, strict=True)
    (beats,) = read.search(namespace="^beat$")
    times, values = beats.to_event_values()
    assert times == pytest.approx(np.array(song.beats), abs=MS)
    assert list(values) == list(song.beat_positions)
    (tempo,) = read.search(namespace="tempo")
    assert tempo.data[0].value == pytest.approx(song.tempo.bpm)
    (sections,) = read.search(namespace="segment_open")
    intervals, labels = sections.to_interval_values()
    check_sections([(*row, label) for row, label in zip(intervals, labels, strict=True)], song)
    assert read.file_metadata.duration == pytest.approx(song.duration)


def read_reaper(content: bytes):
    """Regions and markers, times in seconds, as REAPER's manual describes the table."""
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))

    def seconds(text: str) -> float:
        hours, minutes, rest = text.split(":")
        return 3600 * int(hours) + 60 * int(minutes) + float(rest)

    regions = [r for r in rows if r["#"].startswith("R")]
    markers = [r for r in rows if r["#"].startswith("M")]
    assert all(
        seconds(r["Length"]) == pytest.approx(seconds(r["End"]) - seconds(r["Start"]), abs=2 * MS)
        for r in regions
    )
    return (
        [(seconds(r["Start"]), seconds(r["End"]), r["Name"]) for r in regions],
        [(seconds(r["Start"]), r["Name"]) for r in markers],
    )


@every_song
def test_reaper_has_sections_as_regions_and_bars_as_markers(song):
    regions, markers = read_reaper(render(song, "reaper")[".reaper.csv"])
    check_sections(regions, song)
    assert [time for time, _ in markers] == pytest.approx(song.downbeats, abs=MS)
    assert markers[0][1] == "bar 1"


def read_rekordbox(path: Path):
    """Beats with positions, cues, and the track, by the grid that the TEMPO markers lay."""
    track = pyrekordbox.rbxml.RekordboxXml(path).get_track(0)
    beats = []
    tempos = track.tempos
    for index, tempo in enumerate(tempos):
        stop = tempos[index + 1].Inizio if index + 1 < len(tempos) else track.TotalTime + 1
        meter = int(tempo.Metro.split("/")[0])
        for k in itertools.count():
            time = tempo.Inizio + k * 60 / tempo.Bpm
            if time > stop - 0.5 * 60 / tempo.Bpm:
                break
            beats.append((time, (tempo.Battito - 1 + k) % meter + 1))
    return beats, [(mark.Start, mark.Name, mark.Type, mark.Num) for mark in track.marks], track


@every_song
def test_pyrekordbox_reads_the_grid_and_a_memory_cue_for_each_section(tmp_path, song):
    (path,) = export(song, "rekordbox", tmp_path / "song")
    beats, cues, track = read_rekordbox(path)
    found = [beat for beat, _ in beats]
    for time, position in zip(song.beats, song.beat_positions, strict=True):
        nearest = int(np.abs(np.subtract(found, time)).argmin())
        assert found[nearest] == pytest.approx(time, abs=MS)
        assert beats[nearest][1] == position
    assert len(found) >= len(song.beats)
    assert [name for _, name, _, _ in cues] == [s.label for s in song.segments]
    assert [t for t, _, _, _ in cues] == pytest.approx([s.start for s in song.segments], abs=MS)
    assert {(kind, number) for _, _, kind, number in cues} == {("cue", -1)}
    assert track.AverageBpm == pytest.approx(song.tempo.bpm, abs=0.01)


def test_rekordbox_finds_the_song_by_its_path(tmp_path):
    song = SONGS["Unicode title"]
    audio = tmp_path / "Ordner ä" / "50% & mehr #1.flac"
    content = render(song, "rekordbox", audio=audio)[".rekordbox.xml"].decode()
    location = content.split('Location="')[1].split('"')[0].replace("&amp;", "&")
    assert unquote(location) == f"file://localhost{audio}"
    bare = render(song, "rekordbox")[".rekordbox.xml"].decode()
    assert "/music/" not in unquote(bare)


def test_a_steady_song_needs_few_rekordbox_markers():
    steady = apply(PLAIN, TapTempo((3.14, 3.71, 4.28, 4.85)))
    assert render(steady, "rekordbox")[".rekordbox.xml"].count(b"<TEMPO") < 40


def read_midi(content: bytes):
    """Meta events (tick, type, data), notes (tick, on) and the division, by the specification."""
    assert content[:4] == b"MThd"
    size, kind, tracks, division = struct.unpack(">IHHH", content[4:14])
    assert (size, kind, tracks) == (6, 1, 2)
    metas, notes, at = [], [], 14
    for _ in range(tracks):
        assert content[at : at + 4] == b"MTrk"
        end = at + 8 + struct.unpack(">I", content[at + 4 : at + 8])[0]
        at, tick = at + 8, 0

        def number() -> int:
            nonlocal at
            value = 0
            while True:
                byte = content[at]
                at += 1
                value = value << 7 | byte & 127
                if byte < 128:
                    return value

        while at < end:
            tick += number()
            status = content[at]
            if status == 0xFF:
                kind = content[at + 1]
                at += 2
                length = number()
                metas.append((tick, kind, content[at : at + length]))
                at += length
            else:  # notes of three bytes; the writer uses no running status
                assert status in (0x80, 0x90)
                notes.append((tick, status == 0x90))
                at += 3
        assert metas[-1][1] == 0x2F
        assert at == end
    return metas, notes, division


def time_at(tick: int, metas, division: int) -> float:
    """Seconds at a tick, from the tempo events."""
    tempos = [(t, int.from_bytes(d, "big")) for t, kind, d in metas if kind == 0x51]
    time, here, tempo = 0.0, 0, 500_000
    for at, value in tempos:
        if at >= tick:
            break
        time += (at - here) * tempo / division / 1e6
        here, tempo = at, value
    return time + (tick - here) * tempo / division / 1e6


def bar_ticks(metas, division: int, last: int) -> list[int]:
    """The ticks of all bar lines, from the time signatures."""
    signatures = [(t, d[0], 2 ** d[1]) for t, kind, d in metas if kind == 0x58]
    bars = []
    for index, (tick, numerator, denominator) in enumerate(signatures):
        stop = signatures[index + 1][0] if index + 1 < len(signatures) else last
        length = numerator * 4 * division // denominator
        assert index + 1 == len(signatures) or (stop - tick) % length == 0
        bars.extend(range(tick, stop, length))
    return bars


@every_song
def test_the_midi_tempo_map_puts_beats_bars_and_sections_where_they_are(song):
    metas, notes, division = read_midi(render(song, "midi")[".mid"])
    last = notes[-1][0]
    times = np.array([time_at(t, metas, division) for t in range(0, last, division // 4)])
    beats = np.array(song.beats)
    tick = np.diff(beats).min() / division  # seconds
    nearest = np.abs(beats[:, None] - times).min(axis=1)
    assert nearest.max() <= tick
    bars = [time_at(t, metas, division) for t in bar_ticks(metas, division, last)]
    assert all(np.abs(np.subtract(bars, t)).min() <= tick for t in song.downbeats)
    within = [t for t in bars if song.downbeats[0] - tick <= t <= song.downbeats[-1] + tick]
    assert within == pytest.approx(song.downbeats, abs=tick)
    markers = [(time_at(t, metas, division), d.decode()) for t, kind, d in metas if kind == 6]
    assert [label for _, label in markers] == [s.label for s in song.segments]
    assert [t for t, _ in markers] == pytest.approx([s.start for s in song.segments], abs=tick)


@every_song
def test_the_midi_note_spans_the_song(song):
    metas, notes, division = read_midi(render(song, "midi")[".mid"])
    assert [(on, t == 0) for t, on in notes] == [(True, True), (False, False)]
    assert time_at(notes[1][0], metas, division) == pytest.approx(song.duration, abs=MS)


@every_song
def test_pretty_midi_reads_the_beats_and_bars(tmp_path, song):
    (path,) = export(song, "midi", tmp_path / "song")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = pretty_midi.PrettyMIDI(str(path), charset="utf-8")
    beat = np.diff(song.beats).min()
    downbeats = read.get_downbeats()
    assert all(np.abs(downbeats - t).min() <= beat / read.resolution for t in song.downbeats)
    first = read.time_to_tick(song.beats[0])
    ticks = first + read.resolution * np.arange(len(song.beats))
    if song is not EDITED["a long pause"]:  # whose pause is several beats long
        times = np.array([read.tick_to_time(int(t)) for t in ticks])
        assert times == pytest.approx(np.array(song.beats), abs=beat / read.resolution)
    assert read.get_end_time() == pytest.approx(song.duration, abs=MS)


def test_a_pickup_becomes_a_short_first_bar():
    song = SONGS["pickup"]  # 1.51 s, two beats, then the first downbeat
    metas, _, division = read_midi(render(song, "midi")[".mid"])
    signatures = [(t, d[0], 2 ** d[1]) for t, kind, d in metas if kind == 0x58]
    lead = round(4 * 1.51 / 0.45) + 8  # sixteenths before the first downbeat
    assert lead == 21  # a short bar of 5, then a whole one
    assert signatures == [(0, 5, 16), (5 * division // 4, 4, 4)]


def count_tempos(metas) -> int:
    return sum(kind == 0x51 for _, kind, _ in metas)


def test_a_simplified_tempo_map_has_few_tempos_and_keeps_beats_within_10_ms():
    full, _, _ = read_midi(render(PLAIN, "midi")[".mid"])
    metas, _, division = read_midi(render(PLAIN, "midi", simplify=True)[".mid"])
    assert count_tempos(full) > 100
    assert count_tempos(metas) <= 3
    first = round(4 * 0.33 / 0.48) * division // 4
    for index, beat in enumerate(PLAIN.beats):
        assert time_at(first + index * division, metas, division) == pytest.approx(beat, abs=0.0101)
    drift, _, _ = read_midi(render(SONGS["tempo drift"], "midi", simplify=True)[".mid"])
    assert 5 < count_tempos(drift) < 60


def song_of(times):
    """A song whose beats are exact to the millisecond."""
    return make_song(np.round(times, 3) * 100)


@pytest.mark.parametrize("bpm", [97.5, 123.45, 124, 128, 174])
def test_a_song_of_one_tempo_has_one_tempo_in_midi_and_rekordbox(bpm):
    exact = 0.3317 + np.arange(int(5 * bpm)) * 60 / bpm  # five minutes
    song = song_of(exact)
    metas, _, division = read_midi(render(song, "midi")[".mid"])
    assert count_tempos(metas) == 2  # the lead-in's and the song's
    lead = [t for t, kind, _ in metas if kind == 0x51][1]
    read = [time_at(lead + index * division, metas, division) for index in range(len(exact))]
    assert read == pytest.approx(exact, abs=MS)
    [tempo] = ElementTree.fromstring(render(song, "rekordbox")[".rekordbox.xml"]).iter("TEMPO")
    assert float(tempo.get("Bpm")) == bpm
    grid = float(tempo.get("Inizio")) + np.arange(len(exact)) * 60 / float(tempo.get("Bpm"))
    assert grid == pytest.approx(exact, abs=MS)


def test_midi_follows_a_drifting_song_within_5_ms():
    exact = 0.3317 + np.cumsum(0.5 * (1 + 0.04 * np.sin(np.arange(600) / 40)))
    metas, _, division = read_midi(render(song_of(exact), "midi")[".mid"])
    lead = [t for t, kind, _ in metas if kind == 0x51][1]
    read = [time_at(lead + index * division, metas, division) for index in range(len(exact))]
    assert read == pytest.approx(exact, abs=0.005)


def test_a_drifting_song_is_met_within_5_ms_in_rekordbox():
    exact = 0.3317 + np.cumsum(0.5 * (1 + 0.04 * np.sin(np.arange(600) / 40)))
    content = render(song_of(exact), "rekordbox")[".rekordbox.xml"]
    tempos = [
        (float(tempo.get("Inizio")), 60 / float(tempo.get("Bpm")))
        for tempo in ElementTree.fromstring(content).iter("TEMPO")
    ]
    read = []
    for (start, period), (end, _) in itertools.pairwise([*tempos, (exact[-1] + 0.4, 0)]):
        read += [start + index * period for index in range(round((end - start) / period))]
    assert len(tempos) > 20
    assert read == pytest.approx(exact, abs=0.005)


HOSTILE = "a\tb\nc\r\nd \"e\", <f> & 'g' ]]> \x00\x07 é😀 ;=1+1"
TAMED = "a b c d \"e\", <f> & 'g' ]]> ?? é😀 ;=1+1"


def test_user_supplied_labels_break_no_format(tmp_path):
    odd = tuple(replace(s, label=HOSTILE) for s in PLAIN.segments)
    song = replace(PLAIN, segments=odd, path='odd\n\x01<&">.mp3')
    expected = replace(PLAIN, segments=tuple(replace(s, label=TAMED) for s in odd))
    rows = render(song, "audacity")[".sections.txt"].decode().split("\n")[:-1]
    assert [row.split("\t")[2] for row in rows] == [TAMED] * 3
    table = io.StringIO(render(song, "csv")[".sections.csv"].decode("utf-8-sig"), newline="")
    assert [row["label"] for row in csv.DictReader(table)] == [TAMED] * 3
    (lab,) = export(song, "lab", tmp_path / "song")
    assert mir_eval.io.load_labeled_intervals(str(lab))[1] == [TAMED] * 3
    regions, _ = read_reaper(render(song, "reaper")[".reaper.csv"])
    check_sections(regions, expected)
    (xml,) = export(song, "rekordbox", tmp_path / "song")
    assert [name for _, name, _, _ in read_rekordbox(xml)[1]] == [TAMED] * 3
    metas, _, _ = read_midi(render(song, "midi")[".mid"])
    assert [d.decode() for _, kind, d in metas if kind == 6] == [TAMED] * 3
    data = json.loads(render(song, "jams")[".jams"])
    assert [o["value"] for o in data["annotations"][2]["data"]] == [TAMED] * 3


@pytest.mark.parametrize("label", ["=1+1", "+49", "-solo-", "@home", '=HYPERLINK("http://x")'])
def test_a_spreadsheet_does_not_run_a_label_as_a_formula(label):
    song = replace(PLAIN, segments=(replace(PLAIN.segments[0], label=label),))
    table = io.StringIO(render(song, "csv")[".sections.csv"].decode("utf-8-sig"), newline="")
    assert next(csv.DictReader(table))["label"] == f"'{label}"


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(st.text(min_size=1, max_size=30))
def test_every_format_can_store_any_label(label):
    song = replace(PLAIN, segments=(replace(PLAIN.segments[0], label=label),), path=label)
    for name in NAMES:
        assert list(render(song, name)) == [file.suffix for file in find_format(name).files]
    rows = render(song, "audacity")[".sections.txt"].decode()
    assert rows.count("\n") == 1
    assert rows.count("\t") == 2


def test_a_lone_surrogate_in_a_label_is_written_as_a_question_mark():
    song = replace(PLAIN, segments=(replace(PLAIN.segments[0], label="a\ud800b"),))
    for name in NAMES:
        render(song, name)
    assert render(song, "lab")[".lab"].endswith(b"a?b\n")


SILENT = Analysis("silence.wav", None, (), (), (), (), duration=3.0)
EMPTY = Analysis("", None, (), (), (), ())
ONE_BEAT = Analysis("a.wav", None, (1.5,), (), (3,), (Segment(0.0, 2.0, "x"),), duration=2.0)


@pytest.mark.parametrize("song", [SILENT, EMPTY, ONE_BEAT], ids=["silence", "nothing", "one beat"])
def test_a_song_without_beats_or_sections_gives_valid_files(tmp_path, song):
    files = {name: export(song, name, tmp_path / "song") for name in NAMES}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = jams.load(str(files["jams"][0]), validate=True, strict=True)
        midi = pretty_midi.PrettyMIDI(str(files["midi"][0]), charset="utf-8")
    assert len(read.search(namespace="^beat$")[0].data) == len(song.beats)
    assert midi.get_end_time() >= (song.duration or 0) - MS
    grid, cues, _ = read_rekordbox(files["rekordbox"][0])
    assert [t for t, _ in grid][:1] == list(song.beats)
    assert [name for _, name, _, _ in cues] == [s.label for s in song.segments]
    assert files["beats"][0].read_text() == "".join(f"{t:.6f}\t3\n" for t in song.beats)
    assert files["lab"][0].read_text().count("\n") == len(song.segments)
    assert files["csv"][0].read_text("utf-8-sig").startswith("time,bar,beat")
    assert files["reaper"][0].read_text().startswith("#,Name,Start,End,Length")


def test_files_are_named_after_the_song_and_written_completely(tmp_path):
    suffixes = []
    for name in NAMES:
        own = [file.suffix for file in find_format(name).files]
        paths = export(PLAIN, name, tmp_path / "new" / "my.song v1.2")
        assert [p.name for p in paths] == [f"my.song v1.2{suffix}" for suffix in own]
        assert [p.read_bytes() for p in paths] == list(render(PLAIN, name).values())
        suffixes += own
    assert len(set(suffixes)) == len(suffixes) == len(list((tmp_path / "new").iterdir()))


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="format 'cubase'; known are audacity, beats"):
        render(PLAIN, "cubase")


def test_corrected_values_are_exported():
    song = apply(PLAIN, ScaleTempo("2"))
    assert render(song, "beats")[".beats"].count(b"\n") == len(song.beats) == 799
    assert b"corrected by hand" in render(song, "jams")[".jams"]
    assert b"corrected by hand" not in render(PLAIN, "jams")[".jams"]
