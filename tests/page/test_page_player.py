"""The player: song and click on one clock, at every speed, through jumps and loops."""

from typing import Any

import numpy as np
import pytest

from .sound import RENDER
from .visits import Visit

JUMPS: list[list[Any]] = [
    [7.0, "seek", 100.2],
    [15.5, "seek", 31.0],
    [22.0, "setLoop", [32.5, 36.5]],
    [51.3, "setLoop", None],
    [60.0, "seek", 3.0],
    [70.0, "setLoop", [100.5, 101.5]],
    [90.0, "setLoop", [120.5, 128.5]],
    [120.0, "setLoop", None],
    [133.7, "seek", 55.55],
    [150.1, "seek", 56.0],
    [165.0, "setSpeed", 1],
]


def nearest(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far each time is from the nearest of the others."""
    return np.abs(times[:, None] - others[None, :]).min(axis=1)


@pytest.mark.parametrize("speed", [0.5, 1])
def test_click_and_song_stay_together_for_three_minutes(opened: Visit, speed: float) -> None:
    plan = [step for step in JUMPS if step[1] != "setSpeed"]
    arguments = {"seconds": 180, "plan": plan, "speed": speed, "period": 0.5}
    heard = opened.run(RENDER, arguments)
    song, click = (np.array(heard[name]) / 44_100 for name in ("song", "click"))
    assert len(click) > 300 * speed
    # What sounds in the moment of a jump is cut off in one of them at most once.
    cuts = np.array([step[0] for step in plan])
    apart = nearest(click, song)[nearest(click, cuts) > 0.3]
    missed = nearest(song, click)[nearest(song, cuts) > 0.3]
    assert max(apart.max(), missed.max()) < 0.005
    if speed == 1:
        assert max(apart.max(), missed.max()) < 1 / 44_100


def test_a_loop_lasts_as_long_as_it_says(opened: Visit) -> None:
    plan: list[list[Any]] = [[1.0, "setLoop", [10.5, 12.5]]]
    arguments = {"seconds": 60, "plan": plan, "speed": 1, "period": 0.5}
    heard = opened.run(RENDER, arguments)
    click = np.array(heard["click"])
    inside = click[click > 3 * 44_100]
    assert set(np.diff(inside).tolist()) == {22_050}


@pytest.mark.parametrize("speed", [0.8, 1.5])
def test_beats_are_even_at_every_speed(opened: Visit, speed: float) -> None:
    arguments = {"seconds": 40, "plan": [], "speed": speed, "period": 0.5}
    heard = opened.run(RENDER, arguments)
    gaps = np.diff(heard["click"]) / 44_100
    assert gaps == pytest.approx(0.5 / speed, abs=0.009)
    assert gaps.mean() == pytest.approx(0.5 / speed, abs=0.001)


def test_the_position_is_what_sounds(opened: Visit) -> None:
    arguments = {"seconds": 30, "plan": [[5.0, "setLoop", [20.5, 22.5]]], "speed": 1, "period": 0.5}
    heard = opened.run(RENDER, arguments)
    song = np.array(heard["song"]) / 44_100
    for now, position in heard["positions"]:
        if now < 1 or abs(now - 5) < 0.5:
            continue
        since_beat = (position - 0.5) % 0.5
        sounded = song[song <= now + 1e-9]
        error = (now - sounded[-1]) - since_beat
        assert abs((error + 0.25) % 0.5 - 0.25) < 0.013, now


STRETCH = """
async ({ speed, pitch }) => {
  const { Stretcher } = await import(new URL("allin1/static/stretch.js", document.baseURI));
  const frames = 8 * 44100;
  const tape = {
    has: () => true,
    read(from, count, left, right) {
      for (let i = 0; i < count; i += 1) {
        left[i] = right[i] = 0.5 * Math.sin((2 * Math.PI * pitch * (from + i)) / 44100);
      }
    },
  };
  const clicks = [];
  for (let t = 0.5; t < 7.5; t += 0.5) {
    clicks.push({ frame: t * 44100, sound: new Float32Array(10) });
  }
  const beats = clicks.map((click) => click.frame);
  const stretcher = new Stretcher({ tape, frames, clicks, beats });
  stretcher.speed = speed;
  const count = Math.round(frames / speed);
  const left = new Float32Array(count);
  const { length } = stretcher.render(left, new Float32Array(count));
  return { length, samples: Array.from(left) };
}
"""


@pytest.mark.parametrize("speed", [0.5, 1, 1.5])
def test_speed_does_not_change_the_pitch(opened: Visit, speed: float) -> None:
    heard = opened.run(STRETCH, {"speed": speed, "pitch": 440.0})
    sound = np.array(heard["samples"])
    assert heard["length"] == round(8 * 44_100 / speed)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    frequency = np.fft.rfftfreq(len(sound), 1 / 44_100)
    assert frequency[spectrum.argmax()] == pytest.approx(440, abs=0.5)
    near = np.abs(frequency - 440) < 8
    assert (spectrum[near] ** 2).sum() > 0.99 * (spectrum**2).sum()
    loudness = np.sqrt(np.convolve(sound**2, np.ones(1024) / 1024, "valid"))
    assert loudness.min() > 0.9 * loudness.max()


def test_full_speed_is_the_song_itself(opened: Visit) -> None:
    heard = opened.run(STRETCH, {"speed": 1, "pitch": 100.0})
    song = 0.5 * np.sin(2 * np.pi * 100 * np.arange(8 * 44_100) / 44_100)
    assert np.abs(np.array(heard["samples"]) - song).max() < 1e-6


def test_the_playhead_moves_with_the_sound(opened: Visit) -> None:
    opened.page.get_by_role("button", name="Play").click()
    opened.page.wait_for_function("allin1.player.position > 0.3")
    gaps = opened.run("""async () => {
      const gaps = [];
      for (let i = 0; i < 600 && gaps.length < 60; i += 1) {
        const frame = await new Promise(requestAnimationFrame);
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (performance.now() - frame > 25) continue; // this look is late, not the playhead
        const head = document.querySelector(".playhead:not(.small)");
        const x = new DOMMatrix(getComputedStyle(head).transform).m41;
        gaps.push(Math.abs(allin1.view.toTime(x) - allin1.player.position));
      }
      return gaps;
    }""")
    assert len(gaps) == 60
    assert max(gaps) < 0.05
    opened.page.keyboard.press("Space")
    assert opened.run("allin1.player.playing") is False


def test_real_time_is_song_time(opened: Visit) -> None:
    opened.page.get_by_role("button", name="Play").click()
    opened.page.wait_for_function("allin1.player.position > 0.2")
    before, after = opened.run("""async () => {
      const look = () => [allin1.player.context.currentTime, allin1.player.position];
      const before = look();
      await new Promise((resolve) => setTimeout(resolve, 2000));
      return [before, look()];
    }""")
    assert after[1] - before[1] == pytest.approx(after[0] - before[0], abs=0.001)


def test_a_section_loops_for_two_rounds(opened: Visit) -> None:
    opened.run("allin1.moves.loopRange([2.5, 3.5])")
    opened.page.get_by_role("button", name="Play").click()
    positions = opened.run("""async () => {
      const seen = [];
      while (seen.length < 160) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen.push(allin1.player.position);
      }
      return seen;
    }""")
    assert min(positions) > 2.4
    assert max(positions) < 3.55
    assert (np.diff(positions) < -0.8).sum() >= 2


def test_volumes_reach_the_sound(opened: Visit) -> None:
    opened.page.get_by_role("button", name="Play").click()
    opened.page.get_by_role("button", name="More", exact=True).click()
    slider = opened.page.get_by_role("slider", name="Click volume")
    slider.fill("30")
    opened.page.wait_for_timeout(300)
    gains = "['song', 'click'].map((bus) => allin1.player.output.buses[bus].gain.value)"
    assert opened.run(gains) == pytest.approx([1, 0.09], abs=1e-3)
    opened.page.locator(".practice-bar").get_by_role("button", name="Click").click()
    opened.page.wait_for_timeout(300)
    assert opened.run(gains) == pytest.approx([1, 0], abs=1e-3)


def test_the_view_follows_and_can_be_let_go(opened: Visit) -> None:
    opened.run("allin1.view.setRange(0, 2)")
    opened.page.get_by_role("button", name="Play").click()
    opened.page.wait_for_function("allin1.view.range[0] > 1", timeout=8000)
    opened.page.get_by_role("button", name="Follow").click()
    stays = opened.run("allin1.view.range[1]")
    opened.page.wait_for_function(f"allin1.player.position > {stays} + 0.3", timeout=8000)
    assert opened.run("allin1.view.range[1]") == stays


def test_the_end_is_the_end(opened: Visit) -> None:
    opened.run("allin1.moves.jump(39.6)")
    opened.page.get_by_role("button", name="Play").click()
    opened.page.wait_for_function("!allin1.player.playing", timeout=5000)
    assert opened.run("allin1.player.position") == pytest.approx(40.0)
    opened.page.get_by_role("button", name="Play").click()
    opened.page.wait_for_function("allin1.player.playing && allin1.player.position < 5")
