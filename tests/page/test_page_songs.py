"""Songs on the page: added, analysed, cancelled, failed, opened, taken along."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from allin1_mlx import Analysis
from allin1_mlx.cli.main import main
from allin1_mlx.result_file import to_values
from allin1_mlx.types import SAMPLE_RATE

from .visits import Known, Visit, compose


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """15 seconds that have to be analysed."""
    path = tmp_path_factory.mktemp("new") / "my song.wav"
    soundfile.write(path, compose(15.0).T, SAMPLE_RATE, "PCM_16")
    return path


def row(seen: Visit, name: str) -> str:
    return seen.page.locator(".songs li", has_text=name).first.inner_text()


def fetch(seen: Visit, link: str) -> bytes:
    with seen.page.expect_download() as download:
        seen.page.get_by_role("link", name=link).click()
    return Path(download.value.path()).read_bytes()


def test_a_song_is_analysed_and_its_json_is_that_of_the_command_line(
    visit: Callable[..., Visit], song: Path, tmp_path: Path
) -> None:
    seen = visit()
    seen.upload(song)
    seen.wait_for("done", name="my song.wav")
    seen.wait_for_timeline()
    assert "120 BPM" in row(seen, "my song.wav")
    out = tmp_path / "out"
    assert main([str(song), "-m", "bundled", "-o", str(out)]) == 0
    theirs = (out / "my song.json").read_text()
    ours = fetch(seen, "Result (JSON)").decode()
    assert ours == theirs.replace(json.dumps(str(song)), '"my song.wav"')
    beats = seen.run("allin1.sheet.beats")
    assert np.median(np.diff(beats)) == pytest.approx(0.5, abs=0.011)


def test_a_real_song_from_drop_to_sections(visit: Callable[..., Visit], shared: Path) -> None:
    seen = visit()
    seen.upload(shared / "eval/mdb/MusicDelta_Rock/mix.ogg")
    seen.wait_for("done")
    seen.wait_for_timeline()
    assert seen.page.locator(".sections tbody tr").count() >= 1
    assert len(seen.run("allin1.sheet.beats")) > 15
    seen.page.get_by_role("button", name="Confidence").click()
    seen.page.wait_for_function("allin1.view.rows.activations !== undefined")


def test_a_cancelled_run_gives_no_result(visit: Callable[..., Visit], tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, compose(300.0).T, SAMPLE_RATE, "PCM_16")
    seen = visit()
    seen.upload(long)
    seen.wait_for("working")
    seen.page.get_by_role("button", name="Cancel long.wav").click()
    seen.wait_for("cancelled")
    seen.page.get_by_role("button", name="Remove long.wav").click()
    seen.page.locator(".songs li").wait_for(state="detached")
    seen.upload(long)  # the next song is analysed from its beginning
    seen.wait_for("done")


def test_songs_wait_for_their_turn_and_can_be_withdrawn(
    visit: Callable[..., Visit], song: Path, tmp_path: Path
) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, compose(300.0).T, SAMPLE_RATE, "PCM_16")
    seen = visit()
    seen.upload(long, song)
    seen.wait_for("queued", name="my song.wav")
    seen.page.get_by_role("button", name="Cancel my song.wav").click()
    seen.wait_for("cancelled", name="my song.wav")
    seen.wait_for("done", name="long.wav")


def test_a_cancelled_song_can_be_tried_again(visit: Callable[..., Visit], tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, compose(240.0).T, SAMPLE_RATE, "PCM_16")
    seen = visit()
    seen.upload(long)
    seen.page.get_by_role("button", name="Cancel long.wav").click()
    seen.wait_for("cancelled")
    seen.page.get_by_role("button", name="Try again: long.wav").click()
    seen.wait_for("done")
    seen.wait_for_timeline()


def test_the_example_song_is_one_click_away(visit: Callable[..., Visit]) -> None:
    seen = visit()
    seen.page.get_by_role("button", name="Try the example song").click()
    seen.wait_for("done", name="example")
    seen.wait_for_timeline()
    assert len(seen.run("allin1.sheet.beats")) > 100


def test_a_file_dropped_beside_the_drop_zone_is_taken(
    visit: Callable[..., Visit], known: Known
) -> None:
    seen = visit()
    seen.run(
        """(text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], "known.json"));
      const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
      document.querySelector("h1").dispatchEvent(drop);
    }""",
        known.result.read_text(),
    )
    seen.wait_for("done")
    seen.wait_for_timeline()


def test_a_broken_file_shows_its_fault(visit: Callable[..., Visit], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp3"
    broken.write_text("this is no music")
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    seen = visit()
    seen.upload(broken, empty)
    seen.wait_for("failed", name="broken.mp3")
    seen.wait_for("failed", name="empty.wav")
    shown = row(seen, "broken.mp3")
    assert shown.count("broken.mp3") == 1
    assert seen.page.get_by_role("button", name="Try again").count() == 0
    assert str(tmp_path) not in shown
    assert "/" not in shown.replace("w/", "")
    assert "empty" in row(seen, "empty.wav")


def test_two_songs_of_one_name_are_two_songs(visit: Callable[..., Visit], tmp_path: Path) -> None:
    paths = []
    for folder, period in (("one", 0.5), ("two", 0.6)):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "mix.wav")
        soundfile.write(paths[-1], compose(15.0, period=period).T, SAMPLE_RATE, "PCM_16")
    seen = visit()
    seen.upload(paths[0])
    seen.upload(paths[1])
    seen.page.wait_for_function(
        "document.querySelectorAll('.songs li[data-state=done]').length === 2", timeout=120_000
    )
    packed = tmp_path / "all.zip"
    packed.write_bytes(fetch(seen, "All results (ZIP)"))
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
        tempos = [json.loads(archive.read(name))["tempo"]["bpm"] for name in names]
    titles = seen.page.locator(".songs .name").all_inner_texts()
    assert titles == ["mix.wav", "mix.wav (2)"]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"mix\.[0-9a-f]{8}\.json", name) for name in names)
    assert sorted(tempos) == pytest.approx([100, 120], abs=2)


def test_a_result_opens_without_sound(visit: Callable[..., Visit], known: Known) -> None:
    seen = visit()
    seen.upload(known.result)
    seen.wait_for_timeline()
    assert (
        "add the song's file to hear it"
        in seen.page.locator(".practice-settings .silence").text_content()
    )
    seen.page.get_by_role("button", name="More", exact=True).click()
    assert seen.page.get_by_role("button", name="Song", exact=True).is_disabled()
    assert seen.page.get_by_role("link", name="Song with click").count() == 0
    seen.page.get_by_role("button", name="Play").click()
    seen.page.wait_for_function("allin1.player.position > 0.3")
    assert fetch(seen, "Result (JSON)").decode() == known.analysis.to_json()


def test_sound_finds_the_result_that_waits_for_it(
    visit: Callable[..., Visit], known: Known, tmp_path: Path
) -> None:
    renamed = tmp_path / "another name.wav"
    renamed.write_bytes(known.sound.read_bytes())
    seen = visit()
    seen.upload(known.result)
    seen.wait_for("done")
    seen.upload(renamed)
    seen.page.wait_for_function("allin1.sheet && allin1.sheet.frames > 0")
    assert seen.page.locator(".songs li").count() == 1


def test_a_result_of_the_reference_programs_opens(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    result = tmp_path / "theirs.json"
    theirs = {
        "path": "/home/somebody/music/theirs.mp3",
        "bpm": 100,
        "beats": [0.6, 1.2, 1.8, 2.4, 3.0],
        "downbeats": [0.6, 3.0],
        "beat_positions": [1, 2, 3, 4, 1],
        "segments": [{"start": 0.0, "end": 4.0, "label": "verse"}],
    }
    result.write_text(json.dumps(theirs))
    seen = visit()
    seen.upload(result)
    seen.wait_for_timeline()
    assert seen.page.locator("h2", has_text="theirs.mp3").is_visible()
    saved = json.loads(fetch(seen, "Result (JSON)"))
    assert saved["path"] == "theirs.mp3"
    assert saved["beats"] == theirs["beats"]


def test_a_json_file_that_is_no_result_is_reported(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    other = tmp_path / "settings.json"
    other.write_text('{"volume": 11}')
    seen = visit()
    seen.upload(other)
    seen.wait_for("failed", name="settings.json")
    assert "bpm" in row(seen, "settings.json")


def test_click_tracks_lie_on_the_beats(opened: Visit, known: Known, tmp_path: Path) -> None:
    (tmp_path / "click.wav").write_bytes(fetch(opened, "Click track: WAV"))
    click, rate = soundfile.read(tmp_path / "click.wav")
    assert rate == SAMPLE_RATE
    assert len(click) == 40 * SAMPLE_RATE
    for beat in known.analysis.beats:
        start = round(beat * SAMPLE_RATE)
        assert not click[start - 100 : start].any()
        assert click[start] != 0
    (tmp_path / "mix.wav").write_bytes(fetch(opened, "Song with click: WAV"))
    mix, _ = soundfile.read(tmp_path / "mix.wav")
    song, _ = soundfile.read(known.sound)
    assert mix.shape == song.shape
    assert np.abs(mix).max() <= 1
    ratio = np.linalg.norm(mix - song) / np.linalg.norm(song)
    assert 0.1 < ratio < 3


def test_names_with_letters_of_all_kinds_stay_as_they_are(
    visit: Callable[..., Visit], known: Known, tmp_path: Path
) -> None:
    name = "Ünï <b>çöde<i> 'q' \"z\" 日本 🎵 & %41#?.json"
    copy = tmp_path / name
    analysis = to_values(known.analysis) | {"path": name.replace(".json", ".wav")}
    analysis["segments"][0]["label"] = "<img src=x onerror=alert(1)>"
    copy.write_text(json.dumps(analysis))
    seen = visit()
    seen.upload(copy)
    seen.wait_for_timeline()
    assert seen.page.locator("h2").first.inner_text() == name.replace(".json", ".wav")
    assert seen.page.locator("img[src=x]").count() == 0
    with seen.page.expect_download() as download:
        seen.page.get_by_role("link", name="Result (JSON)").click()
    assert Analysis.from_json(download.value.path()).path == name.replace(".json", ".wav")


def test_what_is_added_opens_unless_another_is_clicked(
    visit: Callable[..., Visit], known: Known, song: Path, tmp_path: Path
) -> None:
    seen = visit()
    seen.upload(known.result)
    seen.page.wait_for_function("allin1.sheet && allin1.sheet.name === 'known.wav'")
    other = tmp_path / "other.json"
    other.write_text(json.dumps(to_values(known.analysis) | {"path": "other.wav"}))
    seen.upload(other)
    seen.page.wait_for_function("allin1.sheet.name === 'other.wav'")
    seen.upload(song)
    seen.page.locator(".songs li", has_text="my song.wav").wait_for()
    seen.page.get_by_role("button", name="known.wav", exact=True).click()
    seen.wait_for("done", name="my song.wav")
    seen.page.wait_for_timeout(300)
    assert seen.run("allin1.sheet.name") == "known.wav"
    copy = tmp_path / "a copy.wav"
    copy.write_bytes(song.read_bytes())
    seen.upload(copy)
    seen.page.wait_for_function("allin1.sheet.name === 'my song.wav'")
    assert seen.page.locator(".songs li").count() == 3
    assert seen.page.locator(".dropzone .news").inner_text() == (
        "my song.wav is in the list already."
    )
