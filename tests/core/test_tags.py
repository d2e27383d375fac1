"""Titles and artists from the tags of files: read, and harmless if they are hostile."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from allin1_mlx.analysis import Analysis
from allin1_mlx.audio import load_audio
from allin1_mlx.display.pages.chart import write_chart
from allin1_mlx.exports import render
from allin1_mlx.tags import LONGEST_TAG, Tags, read_tags
from allin1_mlx.types import SAMPLE_RATE, Segment

HOSTILE = '<script>alert("&amp;")</script>\r\n\u202e' + 50_000 * "x"
SONG = Analysis(
    "music/track 07.flac", 120, (0.5, 1.0), (0.5,), (1, 2), (Segment(0, 2, "verse"),), duration=2.0
)


def write_song(path, **tags):
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1) as file:
        for name, text in tags.items():
            setattr(file, name, text)
        file.write(0.1 * np.sin(np.arange(SAMPLE_RATE)))
    return path


def frame(name, text):
    content = b"\x03" + text.encode()
    return name + len(content).to_bytes(4, "big") + b"\0\0" + content


def with_id3(*frames):
    body = b"".join(frames)
    size = bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + body + 64 * b"\xff\xfb\x90\x00"


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "wav", "aiff"])
def test_title_and_artist_are_those_of_the_file(tmp_path, suffix):
    path = write_song(tmp_path / f"a.{suffix}", title="Morning", artist="The Days")
    assert load_audio(path).tags == Tags("Morning", "The Days")
    assert Tags("Morning", "The Days").name == "The Days – Morning"


def test_a_file_without_tags_keeps_its_name(tmp_path):
    assert read_tags(write_song(tmp_path / "a.wav")) == Tags()
    assert "<h1>track 07</h1>" in write_chart(SONG)


def test_an_artist_without_a_title_is_not_a_name():
    assert Tags("", "The Days").name == ""


def test_texts_are_cut_and_lie_on_one_line(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(with_id3(frame(b"TIT2", "Año\nTwo\t\x07\u202e end"), frame(b"TPE1", HOSTILE)))
    found = read_tags(path)
    assert found.title == "Año Two ? end"
    assert len(found.artist) == LONGEST_TAG
    assert not set(found.artist) & set("\r\n\u202e")


@given(st.binary(max_size=300), st.sampled_from([b"", b"ID3\x03", b"fLaC", b"OggS\0", b"RIFF"]))
def test_damaged_tags_are_no_tags_or_short_ones(tmp_path_factory, content, head):
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(head + content)
    found = read_tags(path)
    assert max(len(found.title), len(found.artist)) <= LONGEST_TAG


def test_every_cut_of_a_tagged_file_can_be_read(tmp_path):
    whole = write_song(tmp_path / "a.flac", title="Title", artist="Artist").read_bytes()
    path = tmp_path / "cut"
    titles = set()
    for end in range(0, 400, 7):
        path.write_bytes(whole[:end])
        titles.add(read_tags(path).title)
    assert titles == {"", "Title"}


def test_tags_are_kept_in_the_result_file(tmp_path):
    named = replace(SONG, tags=Tags("Title", "Artist"))
    path = tmp_path / "song.json"
    path.write_text(named.to_json(), encoding="utf-8")
    assert json.loads(path.read_text())["title"] == "Title"
    assert Analysis.from_json(path) == named
    assert "title" not in json.loads(SONG.to_json())


def test_exports_have_title_and_artist():
    named = replace(SONG, tags=Tags("Title & more", "Artist <1>"))
    [collection] = render(named, "rekordbox").values()
    track = ElementTree.fromstring(collection).find(".//TRACK")
    assert track is not None
    assert (track.get("Name"), track.get("Artist")) == ("Title & more", "Artist <1>")
    [jams] = render(named, "jams").values()
    about = json.loads(jams)["file_metadata"]
    assert (about["title"], about["artist"]) == ("Title & more", "Artist <1>")
    assert "<h1>Artist &lt;1&gt; – Title &amp; more</h1>" in write_chart(named)


def test_a_hostile_title_adds_no_element_to_a_page():
    elements = []
    parser = HTMLParser()
    parser.handle_starttag = lambda name, attributes: elements.append(name)  # type: ignore[method-assign]
    parser.feed(write_chart(replace(SONG, tags=Tags.of(HOSTILE, HOSTILE))))
    assert elements
    assert "script" not in elements
