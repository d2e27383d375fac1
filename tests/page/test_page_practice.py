"""Practising: the bar at the bottom, count-in, speed trainer, pitch, clicks, loops."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from .sound import RENDER
from .visits import Known, Visit

RATE = 44_100

# Renders a sine through the player's performance; gives the left channel.
PERFORM = """
async ({ speed, pitch, hz, seconds }) => {
  const load = (name) => import(new URL(`allin1/static/${name}`, document.baseURI));
  const { Stretcher } = await load("stretch.js");
  const { Performance } = await load("performance.js");
  const tape = {
    has: () => true,
    read(from, count, left, right) {
      for (let i = 0; i < count; i += 1) {
        left[i] = right[i] = 0.5 * Math.sin((2 * Math.PI * hz * (from + i)) / 44100);
      }
    },
  };
  const beats = [];
  for (let t = 1; t < seconds * 2; t += 0.5) beats.push(Math.round(t * 44100));
  const frames = seconds * 4 * 44100;
  const stretcher = new Stretcher({ tape, frames, clicks: [], beats });
  stretcher.speed = speed / pitch;
  stretcher.seek(0);
  const performance = new Performance(stretcher, pitch);
  const count = seconds * 44100;
  const [left, right, click] = [0, 1, 2].map(() => new Float32Array(count));
  performance.render(left, right, click);
  return Array.from(left);
}
"""


def measure_hz(samples: list[float], near: float) -> float:
    """The frequency of a sine near a frequency, from the peak of its spectrum."""
    sound = np.array(samples)[RATE:]
    window = sound * np.hanning(len(sound))
    size = 1 << 21
    spectrum = np.abs(np.fft.rfft(window, size))
    step = RATE / size
    low, high = (int(near * factor / step) for factor in (0.9, 1.1))
    peak = low + int(spectrum[low:high].argmax())
    a, b, c = np.log(spectrum[peak - 1 : peak + 2])
    return float(step * (peak + 0.5 * (a - c) / (a - 2 * b + c)))


@pytest.mark.parametrize("speed", [0.7])
@pytest.mark.parametrize("semitones", [-6, 0.31, 5])
def test_transposition_is_exact_within_a_cent(
    opened: Visit, semitones: float, speed: float
) -> None:
    pitch = 2 ** (semitones / 12)
    heard = opened.run(PERFORM, {"speed": speed, "pitch": pitch, "hz": 440.0, "seconds": 5})
    cents = 1200 * np.log2(measure_hz(heard, 440 * pitch) / (440 * pitch))
    assert abs(cents) < 1


def impulses(seen: Visit, **arguments: object) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times at which song and click are heard."""
    plain = {"seconds": 30, "plan": [], "speed": 1, "period": 0.5}
    heard = seen.run(RENDER, plain | arguments)
    return np.array(heard["song"]) / RATE, np.array(heard["click"]) / RATE


@pytest.mark.parametrize("speed", [0.5, 1, 1.5])
@pytest.mark.parametrize("pitch", [1, 2 ** (-5 / 12)])
def test_clicks_are_in_time_at_every_speed_and_pitch(
    opened: Visit, speed: float, pitch: float
) -> None:
    song, click = impulses(opened, speed=speed, seconds=12, plan=[[0.1, "setPitch", pitch]])
    pairs = [(c, song[np.abs(song - c).argmin()]) for c in click if 0.5 < c < 11.5]
    assert len(pairs) > 8
    apart = [abs(c - s) for c, s in pairs]
    assert max(apart) < 0.001


@pytest.mark.parametrize(("bars", "speed"), [(1, 0.8), (2, 1)])
def test_the_count_in_leads_into_the_song(opened: Visit, bars: int, speed: float) -> None:
    song, click = impulses(opened, bars=bars, speed=speed)
    counted = 4 * bars
    assert np.diff(click[: counted + 4]) == pytest.approx(0.5 / speed, abs=0.001)
    assert song[0] == pytest.approx(click[counted], abs=0.005)


def test_each_round_of_a_loop_is_counted_in(opened: Visit) -> None:
    plan = [[0.1, "setLoop", [8.5, 12.5]]]
    song, click = impulses(opened, bars=1, plan=plan, seconds=40)
    rounds = np.flatnonzero(np.diff(song) > 1.5)
    assert len(rounds) >= 4
    gaps = song[rounds + 1] - song[rounds]
    assert gaps == pytest.approx(2.5, abs=0.005)  # the last beat, and a bar of four
    late = click[click > 3]
    assert np.diff(late) == pytest.approx(0.5, abs=0.001)  # the pulse never stops


def test_a_round_follows_the_other_without_a_gap(opened: Visit) -> None:
    for speed in (0.7, 1, 1.25):
        plan = [[0.1, "setLoop", [8.5, 12.5]]]
        song, click = impulses(opened, plan=plan, speed=speed, seconds=40)
        for heard in (song, click):
            inside = heard[heard > 1]
            assert np.diff(inside) == pytest.approx(0.5 / speed, abs=0.005)


def test_the_trainer_gets_faster_with_the_rounds(opened: Visit) -> None:
    trainer = {"from": 0.6, "to": 0.8, "step": 0.1, "rounds": 2}
    plan = [[0.1, "setLoop", [8.5, 10.5]], [0.2, "setTrainer", trainer]]
    _, click = impulses(opened, plan=plan, seconds=40)
    gaps = np.diff(click[click > 0.6])
    speeds = (0.5 / gaps).round(2)
    changes = speeds[np.insert(np.diff(speeds) != 0, 0, True)]
    assert changes == pytest.approx([0.6, 0.7, 0.8], abs=0.021)
    counts = [int(np.sum(np.abs(speeds - speed) < 0.02)) for speed in (0.6, 0.7)]
    assert counts == pytest.approx([8, 8], abs=1)  # two rounds of four beats


def test_a_change_while_playing_leaves_no_gap(opened: Visit) -> None:
    plan = [
        [3.0, "setPitch", 1],
        [5.1, "setLoop", [0, 239]],
        [7.3, "setSpeed", 1],
        [9.9, "setTrainer", None],
    ]
    song, click = impulses(opened, plan=plan, seconds=14)
    for heard in (song, click):
        assert np.diff(heard) == pytest.approx(0.5, abs=1 / RATE)


def test_the_chorus_is_practised_after_four_actions(opened: Visit) -> None:
    """Count-in, speed, the chorus, loop: with the click it is on from the start."""
    page = opened.page
    page.locator(".practice-bar [data-action=countIn]").click()
    page.get_by_role("slider", name="Speed").fill("80")
    page.locator(".timeline").click(position=section_place(opened, 2))
    page.get_by_role("button", name="Loop this section from its start").click()
    page.wait_for_function("allin1.player.playing && allin1.player.heard?.speed > 0")
    chorus = opened.run("allin1.sheet.sections[2]")
    assert opened.run("allin1.player.loop") == [chorus["start"], chorus["end"]]
    assert opened.run("allin1.player.heard.speed") == pytest.approx(0.8)
    assert opened.run("allin1.practice.settings.countIn") == 1
    assert opened.run("allin1.player.levels.click.on")
    assert opened.run("allin1.player.position") >= chorus["start"] - 0.02


def section_place(seen: Visit, index: int) -> dict[str, float]:
    """The middle of a section's block, from the corner of the timeline."""
    x, y = seen.run(
        """(index) => {
          const { view, sheet } = allin1;
          const { start, end } = sheet.sections[index];
          const [top, bottom] = view.rows.sections;
          return [view.toX((start + end) / 2), (top + bottom) / 2];
        }""",
        index,
    )
    return {"x": x, "y": y}


def test_the_bar_says_which_bar_of_which_section_sounds(opened: Visit) -> None:
    opened.run("allin1.moves.jump(12.6)")
    assert opened.page.locator(".practice-bar .place").inner_text() == "bar 2 of 5 · verse"
    assert opened.page.locator(".practice-bar .time").inner_text() == "0:12.6 / 0:40.0"


def test_the_ends_of_a_loop_are_dragged_to_bars(opened: Visit) -> None:
    opened.run("allin1.moves.loopRange([10.5, 20.5])")
    edge = opened.page.locator(".loop-edge.end").bounding_box()
    assert edge is not None
    at = (edge["x"] + edge["width"] / 2 - 5, edge["y"] + edge["height"] / 2)
    away = opened.run("allin1.view.scale") * 3.7
    opened.drag(at, (at[0] - away, at[1]))
    assert opened.run("allin1.player.loop") == [10.5, 16.5]
    opened.page.keyboard.down("Alt")
    opened.drag((at[0] - 4 * opened.run("allin1.view.scale"), at[1]), (at[0], at[1]))
    opened.page.keyboard.up("Alt")
    assert opened.run("allin1.player.loop")[1] == pytest.approx(20.5, abs=0.1)


def test_keys_set_the_ends_of_a_loop_and_the_speed(opened: Visit) -> None:
    press = opened.page.keyboard.press
    opened.run("allin1.moves.jump(8.6)")
    press("a")
    opened.run("allin1.moves.jump(14.4)")
    press("b")
    assert opened.run("allin1.player.loop") == [8.5, 14.5]
    press(",")
    press(",")
    assert opened.run("allin1.practice.speed") == 90
    press(".")
    assert opened.run("allin1.practice.speed") == 95
    press("1")
    assert opened.run("allin1.practice.speed") == 100
    press("n")
    assert opened.run("allin1.practice.settings.countIn") == 1


def test_loops_are_saved_by_name_and_come_back_with_the_result(
    visit: Callable[..., Visit], known: Known, tmp_path: Path
) -> None:
    seen = visit()
    seen.upload(known.result, known.sound)
    seen.wait_for("done")
    seen.page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    seen.run("allin1.moves.loopRange([10.5, 14.5])")
    seen.page.get_by_role("button", name="More", exact=True).click()
    seen.page.get_by_label("Name of the loop").fill("riff")
    seen.page.get_by_role("button", name="Save loop").click()
    saved = seen.page.get_by_role("button", name="riff · 0:11–0:15")
    saved.wait_for()
    with seen.page.expect_download() as download:
        seen.page.get_by_role("link", name="Result (JSON)").click()
    result = tmp_path / "known.json"
    download.value.save_as(result)
    assert json.loads(result.read_text())["loops"] == [{"name": "riff", "start": 10.5, "end": 14.5}]
    again = visit()
    again.upload(result, known.sound)
    again.wait_for("done")
    again.page.wait_for_function("allin1.sheet?.frames > 0 && !allin1.view.pending")
    again.page.get_by_role("button", name="More", exact=True).click()
    again.page.get_by_role("button", name="riff · 0:11–0:15").click()
    assert again.run("allin1.player.loop") == [10.5, 14.5]
    again.page.get_by_role("button", name="Remove the loop riff").click()
    again.page.get_by_role("button", name="riff · 0:11–0:15").wait_for(state="detached")


def test_clicks_between_beats_and_their_sounds(opened: Visit) -> None:
    opened.page.get_by_role("button", name="More", exact=True).click()
    opened.page.locator(".practice-settings").get_by_label("Every").select_option("triplets")
    frames = opened.run("allin1.player.stretcher.clickFrames")
    assert np.diff(frames[:12]) == pytest.approx(RATE / 6, abs=1)
    first = "Array.from(allin1.player.stretcher.clicks[0].sound.slice(0, 400))"
    plain = opened.run(first)
    opened.page.get_by_label("Sound").select_option("wood")
    assert opened.run(first) != plain
    same = """() => {
      const { clicks } = allin1.player.stretcher;
      return clicks[0].sound === clicks[3].sound;
    }"""
    assert not opened.run(same)
    opened.page.get_by_label("Accent on beat 1").uncheck()
    assert opened.run(same)


def test_the_pitch_is_shown_and_reset(opened: Visit) -> None:
    page = opened.page
    page.get_by_role("button", name="More", exact=True).click()
    for _ in range(8):
        page.get_by_role("button", name="A semitone lower").click()
    assert page.locator(".semitones").inner_text() == "−6 semitones"
    page.get_by_role("slider", name="Fine tuning").fill("-12")
    assert opened.run("allin1.player.pitch") == pytest.approx(2 ** (-612 / 1200))
    page.get_by_role("button", name="Original pitch").click()
    assert opened.run("allin1.player.pitch") == 1


def test_the_settings_are_there_at_the_next_visit(visit: Callable[..., Visit]) -> None:
    seen = visit()
    seen.run("allin1.practice.set({ sound: 'bell', countIn: 2 })")
    seen.page.reload()
    seen.page.wait_for_function("window.allin1 !== undefined")
    settings = seen.run("allin1.practice.settings")
    assert (settings["sound"], settings["countIn"]) == ("bell", 2)
    seen.run('localStorage.setItem(\'allin1 practice\', \'{"sound": 7, "countIn": "x"}\')')
    seen.page.reload()
    seen.page.wait_for_function("window.allin1 !== undefined")
    settings = seen.run("allin1.practice.settings")
    assert (settings["sound"], settings["countIn"]) == ("click", 0)
