"""The saved page of a song: complete, safe, with the song's sound at the right time."""

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pages.saved import write_saved_page
from allin1_mlx.display.pages.sound import MARK, PackedSound, cut, pack_sound
from allin1_mlx.types import SAMPLE_RATE, Segment


def compose(*, duration: float = 6.0, label: str = "verse") -> Analysis:
    """120 BPM in 4/4 from 0.5 s on, a section after half a second of silence."""
    beats = tuple(np.arange(0.5, duration, 0.5).round(2).tolist())
    return Analysis(
        path="songs/song.wav",
        bpm=120,
        beats=beats,
        downbeats=beats[::4],
        beat_positions=tuple(i % 4 + 1 for i in range(len(beats))),
        segments=(Segment(0.0, 0.5, "start"), Segment(0.5, duration, label)),
        duration=duration,
        meter=4,
    )


def drum(seconds: float = 6.0) -> np.ndarray:
    """Samples (2, S): a burst of noise on each beat, the loudest at 4.0 s."""
    rng = np.random.default_rng(3)
    samples = np.zeros((2, round(seconds * SAMPLE_RATE)), np.float32)
    for time in np.arange(0.5, seconds, 0.5):
        start = round(time * SAMPLE_RATE)
        hit = rng.standard_normal((2, 2000)) * np.exp(-np.arange(2000) / 300)
        samples[:, start : start + 2000] += (0.2 if time == 4.0 else 0.1) * hit
    return samples


@pytest.fixture(scope="module")
def sound() -> PackedSound:
    return pack_sound(cut(drum()))


def read_script(page: str, name: str) -> str:
    found = re.search(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_sound_is_as_long_as_the_song_and_a_tenth_of_its_size(sound: PackedSound, tmp_path):
    path = tmp_path / "song.mp3"
    path.write_bytes(sound.mp3)
    samples, rate = soundfile.read(path)
    assert (sound.frames, rate) == (6 * SAMPLE_RATE, SAMPLE_RATE)
    assert samples.shape == (6 * SAMPLE_RATE, 2)
    assert len(sound.mp3) < 4 * sound.frames / 10


def test_the_mark_is_at_the_clearest_onset_of_the_song(sound: PackedSound):
    onset = 4 * SAMPLE_RATE
    assert sound.mark_start < onset < sound.mark_start + MARK
    here = drum()[:, sound.mark_start : sound.mark_start + MARK].sum(axis=0) / 2
    assert sound.mark == pytest.approx(here * 32767, abs=1)


def test_the_mark_does_not_depend_on_the_size_of_blocks():
    samples = drum()
    parts = [np.ascontiguousarray(part.T) for part in np.array_split(samples, 3, axis=1)]
    split = pack_sound(parts)
    here = samples[:, split.mark_start : split.mark_start + MARK].sum(axis=0) / 2
    assert split.mark == pytest.approx(here * 32767, abs=1)


@pytest.mark.parametrize("frames", [0, 100, 3 * SAMPLE_RATE])
def test_silence_has_no_mark(frames: int):
    silent = pack_sound(cut(np.zeros((2, frames), np.float32)))
    assert silent.frames == frames
    assert not silent.mark.any()


def test_a_page_contains_everything_that_its_player_needs(sound: PackedSound):
    song = compose()
    page = write_saved_page(song, sound=sound)
    told = json.loads(read_script(page, "song"))
    assert base64.b64decode(read_script(page, "sound")) == sound.mp3
    assert told["beats"] == list(song.beats)
    assert told["positions"] == list(song.beat_positions)
    assert told["sections"] == [{"start": 0.5, "end": 6.0}]
    assert told["bars"] == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3]
    assert told["markStart"] == sound.mark_start
    assert [len(base64.b64decode(click)) for click in told["clicks"]] == [2 * 4410, 2 * 4410]
    assert page.count('<button type="button">') == 1  # a section; silence is none


def test_a_page_without_sound_has_no_player():
    page = write_saved_page(compose())
    assert 'id="sound"' not in page
    assert 'id="play"' not in page
    assert "verse" in page


@pytest.mark.parametrize("sounds", [False, True], ids=["silent", "with sound"])
def test_a_page_needs_no_other_file_and_no_network(sound: PackedSound, sounds: bool):
    page = write_saved_page(compose(), sound=sound if sounds else None)
    head = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "http" not in head
    assert "url(" not in head
    assert not re.search(r"<script[^>]*src=", page)
    assert "attachThinning(Plotly, 'timeline')" in page
    assert "export function" not in page.split("attachThinning", 1)[1]


def test_names_and_labels_cannot_break_out(sound: PackedSound):
    label = "</script><script>alert(1)</script><b>"
    song = replace(compose(label=label), path="<img src=x onerror=alert(1)>.wav")
    page = write_saved_page(song, sound=sound)
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page


def test_the_printed_page_is_the_song_chart(sound: PackedSound):
    page = write_saved_page(compose(), sound=sound)
    assert page.count('<main class="chart"') == 1
    printed = page.split("@media print")[-1].split("</style>")[0]
    assert "display: none" in printed
    assert "@media print {\n  .page {\n    display: none;" in page


def test_a_song_without_beats_and_sections_gives_a_page():
    nothing = Analysis("silence.wav", None, (), (), (), (), duration=3.0)
    page = write_saved_page(nothing, sound=pack_sound(cut(np.zeros((2, 1000), np.float32))))
    assert json.loads(read_script(page, "song"))["beats"] == []
    assert "No sections were found." in page
