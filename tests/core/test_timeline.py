"""The timeline's figure: it shows exactly the analysis, and stays small."""

import json
import re
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.timeline import draw_timeline
from allin1_mlx.edits import MoveBeat, apply
from allin1_mlx.types import FPS, Activations, Segment, find_duration

from ..support.small import measure_envelope


def compose(*, duration: float = 60.0, label: str = "verse") -> Analysis:
    """120 BPM in 4/4 from 0.5 s on, two sections."""
    beats = tuple(np.arange(0.5, duration, 0.5).round(2).tolist())
    positions = tuple(i % 4 + 1 for i in range(len(beats)))
    half = 0.5 + duration // 4 * 2
    return Analysis(
        path="song.wav",
        bpm=120,
        beats=beats,
        downbeats=beats[::4],
        beat_positions=positions,
        segments=(Segment(0.0, half, label), Segment(half, duration, "chorus")),
        duration=duration,
        meter=4,
    )


def with_activations(analysis: Analysis) -> Analysis:
    frames = int(find_duration(analysis) * FPS)
    noise = np.random.default_rng(0).random((4, frames), dtype=np.float32)
    label = np.zeros((10, frames), np.float32)
    return replace(analysis, activations=Activations(noise[0], noise[1], noise[2], label))


def named(figure: go.Figure) -> dict[str, go.Figure]:
    return {trace.name: trace for trace in figure.data}


def line_times(figure: go.Figure, prefix: str) -> list[float]:
    return sorted(t for n, trace in named(figure).items() if n.startswith(prefix) for t in trace.x)


def test_every_downbeat_has_a_line_and_every_other_beat_a_tick() -> None:
    analysis = compose()
    figure = draw_timeline(analysis)
    assert sorted(set(line_times(figure, "bars "))) == list(analysis.downbeats)
    assert len(line_times(figure, "bars ")) == 3 * len(analysis.downbeats)
    others = sorted(set(analysis.beats) - set(analysis.downbeats))
    assert sorted(set(named(figure)["beats"].x)) == others


def test_corrected_beats_are_marked_and_the_others_are_drawn_as_before() -> None:
    analysis = compose()
    assert "edited beats" not in named(draw_timeline(analysis))
    moved = apply(analysis, MoveBeat(1.0, 1.1))
    figure = draw_timeline(moved)
    assert set(named(figure)["edited beats"].x) == {1.1}
    assert named(figure)["edited beats"].meta is None  # never thinned
    assert named(figure)["beats"].x[0] == 1.1


def test_sections_lie_where_they_were_found() -> None:
    figure = draw_timeline(compose())
    for name in ("sections", "section tints", "overview"):
        block = named(figure)[name]
        starts = np.asarray(block.x) - np.asarray(block.width) / 2
        assert starts.tolist() == pytest.approx([0.0, 30.5])
        assert (starts + block.width).tolist() == pytest.approx([30.5, 60.0])
    assert list(named(figure)["sections"].text) == ["verse · 15 bars", "chorus · 15 bars"]


def test_hover_shows_time_bar_beat_and_section() -> None:
    hover = named(draw_timeline(compose()))["hover"]
    assert hover.hovertext[0] == "0:00.00 · verse"
    at = int(np.searchsorted(hover.x, 31.3))
    assert re.fullmatch(r"0:31\.3\d · bar 16\.2 · chorus", hover.hovertext[at])


def test_a_steady_tempo_is_a_flat_line() -> None:
    figure = draw_timeline(compose())
    assert list(named(figure)["tempo"].y) == pytest.approx([120.0] * len(compose().beats))
    low, high = figure.layout.yaxis3.range
    assert low < 120 < high
    assert high - low > 20


def test_bars_are_counted_from_where_bar_1_is() -> None:
    analysis = compose()
    figure = draw_timeline(replace(analysis, bar_one=analysis.downbeats[2]))
    assert figure.layout.meta["firstBar"] == -1
    first = dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))
    assert first[analysis.downbeats[2]] == "1"
    assert "bar -1.1" in named(figure)["hover"].hovertext[20]


def test_activations_are_drawn_where_they_were_kept() -> None:
    bare = draw_timeline(compose())
    full = draw_timeline(with_activations(compose()))
    added = set(named(full)) - set(named(bare))
    assert added == {"beat activation", "downbeat activation", "section activation"}
    assert full.layout.height > bare.layout.height
    assert max(named(full)["beat activation"].x) < 60


def test_the_waveform_is_as_long_as_the_song() -> None:
    samples = np.ones((2, 44_100 * 60), np.float32)
    figure = draw_timeline(compose(), envelope=measure_envelope(samples))
    for name in ("peak", "mid", "high", "overview wave"):
        assert 59 < max(named(figure)[name].x) < 60
    assert max(named(figure)["peak"].y) == 1
    assert "peak" not in named(draw_timeline(compose()))


def test_ten_minutes_stay_under_450_kilobytes_of_json() -> None:
    analysis = with_activations(compose(duration=600.0))
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 44_100 * 600)).astype(np.float32)
    figure = draw_timeline(analysis, envelope=measure_envelope(noise))
    assert len(figure.to_json()) < 450_000
    assert len(figure.data) < 30


def test_dark_and_light_differ_only_in_colours() -> None:
    light = draw_timeline(with_activations(compose())).to_json()
    dark = draw_timeline(with_activations(compose()), dark=True).to_json()
    assert light != dark
    blank = [re.sub(r"#[0-9a-fA-F]{6}", "#", text) for text in (light, dark)]
    assert blank[0] == blank[1]


def test_a_result_without_beats_and_sections_is_drawn() -> None:
    empty = Analysis("drone.wav", None, (), (), (), (), duration=0.2)
    figure = draw_timeline(empty)
    assert json.loads(figure.to_json())["layout"]["meta"]["duration"] == 1.0
    one = replace(empty, beats=(0.1,), downbeats=(0.1,), beat_positions=(1,))
    assert line_times(draw_timeline(one), "bars ")


def test_a_result_without_duration_ends_with_its_last_beat_or_section() -> None:
    assert find_duration(replace(compose(), duration=None)) == 60.0
    assert find_duration(replace(compose(), duration=None, segments=())) == 59.5
    assert find_duration(Analysis("", None, (), (), (), ())) == 0.0


def test_labels_cannot_break_out_of_the_figure() -> None:
    figure = draw_timeline(compose(label="</script><b>"))
    assert "<b>" not in figure.to_json().replace("\\u003c", "<")
