"""The static picture shows what the result contains."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from allin1_mlx.analysis import Analysis
from allin1_mlx.display.pictures.envelope import Envelope
from allin1_mlx.display.plot import draw_analysis, plot_analysis
from allin1_mlx.errors import UsageError
from allin1_mlx.types import FPS, SAMPLE_RATE, Activations, Segment, Tempo

from ..support.small import measure_envelope


def analysis_of(
    duration: float, *, bpm: int = 120, labels: tuple[str, ...] = ("intro", "verse", "chorus")
) -> Analysis:
    """A song in 4/4 with a pickup of one beat and sections of equal length."""
    beats = np.round(np.arange(0.1, duration, 60 / bpm), 2)
    positions = tuple((k + 3) % 4 + 1 for k in range(len(beats)))
    edges = np.linspace(0, duration, len(labels) + 1)
    return Analysis(
        path="folder/My Song.mp3",
        bpm=bpm,
        beats=tuple(beats.tolist()),
        downbeats=tuple(float(t) for t, p in zip(beats, positions, strict=True) if p == 1),
        beat_positions=positions,
        segments=tuple(
            Segment(float(a), float(b), label)
            for (a, b), label in zip(pairwise(edges), labels, strict=True)
        ),
        duration=duration,
        tempo=Tempo(bpm + 0.02, 0.9),
        meter=4,
        model="harmonix-all",
    )


def texts(figure: Figure) -> list[str]:
    """All texts of a picture."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def bar_numbers(figure: Figure) -> list[int]:
    """The bar numbers above the sections."""
    return [int(text.get_text()) for text in figure.axes[0].texts if text.get_text().isdigit()]


def envelope_of(duration: float) -> Envelope:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, (2, round(duration * SAMPLE_RATE)))
    return measure_envelope(samples.astype(np.float32))


def test_the_picture_names_song_sections_bars_and_tempo() -> None:
    written = texts(draw_analysis(analysis_of(96.4), envelope=envelope_of(96.4)))
    for text in ("My Song.mp3", "intro", "verse", "chorus", "16 bars", "0:30", "1:30"):
        assert text in written
    assert "120.02 BPM  ·  4 beats a bar  ·  1:36.4  ·  harmonix-all" in written


def test_bar_numbers_thin_out_as_songs_get_longer() -> None:
    short, song, long = (bar_numbers(draw_analysis(analysis_of(t))) for t in (20, 240, 3600))
    assert short == list(range(1, 11))
    for numbers in (song, long):
        assert 10 < len(numbers) < 40
        assert numbers[0] == 1
        assert len(set(np.diff(numbers))) == 1
    assert np.diff(song)[0] < np.diff(long)[0]


def test_bars_stand_where_the_downbeats_are() -> None:
    analysis = analysis_of(20)
    figure = draw_analysis(analysis)
    lines = [c for c in figure.axes[1].collections if len(c.get_paths()) == len(analysis.downbeats)]
    x = [path.vertices[0, 0] for path in lines[0].get_paths()]
    np.testing.assert_allclose(x, analysis.downbeats)


def test_the_tempo_curve_shows_the_tempo() -> None:
    (curve,) = draw_analysis(analysis_of(60)).axes[2].lines
    np.testing.assert_allclose(curve.get_ydata(), 120, rtol=0.02)


def test_kept_activations_have_their_own_row() -> None:
    values = np.linspace(0, 1, 20 * FPS, dtype=np.float32)
    kept = Activations(values, values, values, np.zeros((10, 20 * FPS), np.float32))
    plain = analysis_of(20)
    with_them = replace(plain, activations=kept)
    assert len(draw_analysis(plain).axes) == 3
    assert len(draw_analysis(with_them).axes) == 4
    assert len(draw_analysis(with_them).axes[3].lines) == 3


def test_labels_stay_inside_their_sections_or_are_left_out() -> None:
    labels = ("verse", "my own very long words") * 30
    figure = draw_analysis(analysis_of(240, labels=labels))
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.axes[0]
    width = axes.get_window_extent(renderer).width / len(labels)
    written = [text for text in axes.texts if not text.get_text().isdigit()]
    assert len(written) >= 30
    for text in written:
        assert text.get_window_extent(renderer).width <= width


@pytest.mark.parametrize("duration", [0.0, 0.2, 3.0, 7200.0])
def test_songs_of_any_length_are_drawn(tmp_path: Path, duration: float) -> None:
    envelope = Envelope(*(np.full(round(duration * FPS), 99, np.uint8) for _ in range(5)))
    plot_analysis(analysis_of(duration), tmp_path / "a.png", envelope=envelope)
    assert (tmp_path / "a.png").stat().st_size > 5_000


def test_silence_and_results_of_other_programs_are_drawn(tmp_path: Path) -> None:
    bare = Analysis("", None, (), (), (), (Segment(0, 5, "start"),))
    plot_analysis(bare, tmp_path / "a.svg")
    assert "too few beats" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    plot_analysis(Analysis("x.wav", None, (1.0,), (), (3,), ()), tmp_path / "b.svg")


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [("pdf", b"%PDF"), ("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")],
)
def test_the_suffix_chooses_the_kind(tmp_path: Path, suffix: str, magic: bytes) -> None:
    plot_analysis(analysis_of(20), tmp_path / "new" / f"a.{suffix}")
    assert (tmp_path / "new" / f"a.{suffix}").read_bytes().startswith(magic)
    assert [p.name for p in (tmp_path / "new").iterdir()] == [f"a.{suffix}"]


@pytest.mark.parametrize("name", ["a.bmp", "a"])
def test_other_kinds_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=rf"^{name}: pictures are written as pdf, png, svg"):
        plot_analysis(analysis_of(20), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_titles_are_shown_literally(tmp_path: Path) -> None:
    odd = replace(analysis_of(20), path="Ca$h_{2} $ong & <b>👩‍🎤 أغنية.mp3")
    plot_analysis(odd, tmp_path / "a.svg")
    assert "Ca$h_{2} $ong &amp; &lt;b&gt;" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    long = replace(analysis_of(20), path="x" * 255 + ".mp3")
    assert any(text.endswith("x…") for text in texts(draw_analysis(long)))


def test_equal_results_give_equal_files(tmp_path: Path) -> None:
    for suffix in ("pdf", "png", "svg"):
        for name in ("a", "b"):
            plot_analysis(analysis_of(20), tmp_path / f"{name}.{suffix}")
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_matplotlib_is_not_loaded_before_a_picture_is_drawn() -> None:
    code = (
        "import sys, allin1_mlx.display.plot, allin1_mlx.display.timings\n"
        "assert 'matplotlib' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
