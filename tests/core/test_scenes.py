"""Passages of dance music without a kick: their notes, and their constant beat."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from allin1_mlx.types import FPS
from allin1_mlx_training.composer import compose_score
from allin1_mlx_training.mixing import duck
from allin1_mlx_training.music.forms import club_form
from allin1_mlx_training.music.rhythm import bar_pattern
from allin1_mlx_training.music.score import OTHER, Score
from allin1_mlx_training.music.styles import load_styles

CLUB = ("house", "techno", "trance", "hardstyle", "edmpop", "techhouse")
SONGS = [(style, seed) for style in CLUB for seed in range(6)]
LONG = 16  # beats


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    return [compose_score(seed, style=style) for style, seed in SONGS]


def kickless_beats(score: Score) -> list[tuple[int, int]]:
    """The runs (first, end) of at least LONG beats during which no kick begins."""
    kicks = [h.start for d in score.drums if d.piece.startswith("kick") for h in d.hits]
    counts, _ = np.histogram(np.array(kicks) + 0.02, np.array(score.beats))
    edges = np.flatnonzero(np.diff(np.concatenate([[1], counts, [1]]) == 0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= LONG]


def onsets(score: Score) -> NDArray[np.float64]:
    """Onsets of all notes and hits, in beats from the first one."""
    starts = [n.start for t in score.tracks for n in t.notes]
    starts += [h.start for d in score.drums for h in d.hits]
    return np.interp(np.sort(starts), score.beats, np.arange(len(score.beats)))


def test_a_ghost_kick_pumps_a_break_without_drums(scores: list[Score]) -> None:
    pumped = [score for score in scores if score.pump and score.pump.depth > 0.5]
    breathing = []
    for score in pumped:
        powers = np.ones((int(score.duration * FPS) + 1, 4, 1), np.float32)
        duck(powers, score)
        frames = np.round(np.array(score.beats) * FPS).astype(int)
        for first, end in kickless_beats(score):
            inner = frames[first + 4 : end]  # after the last kick has died away
            on, before = powers[inner + 2, OTHER, 0], powers[inner - 3, OTHER, 0]
            breathing.append(np.mean(on < 0.8 * before) > 0.7)
    assert len(breathing) > 20
    assert 0.65 < np.mean(breathing) < 1


def test_offbeats_prevail_in_many_kickless_passages(scores: list[Score]) -> None:
    songs = 0
    for score in scores:
        phases = onsets(score)
        for first, end in kickless_beats(score):
            phase = phases[(phases >= first + 0.1) & (phases < end - 0.1)] % 1
            on = np.sum((phase < 0.1) | (phase > 0.9))
            if on < np.sum(np.abs(phase - 0.5) < 0.1):
                songs += 1
                break
    assert songs / len(scores) > 0.75


def test_the_kick_comes_back_in_every_club_song(scores: list[Score]) -> None:
    for score in scores:
        silent = sum(end - first for first, end in kickless_beats(score))
        assert silent < 0.95 * len(score.beats)
        assert any(d.piece == "kick" and len(d.hits) > LONG for d in score.drums)


def test_sequenced_songs_have_a_whole_number_of_beats_per_minute(scores: list[Score]) -> None:
    steady = [np.ptp(np.diff(score.beats)) < 1e-6 for score in scores]
    assert np.mean(steady) > 0.9
    assert np.mean([score.bpm == round(score.bpm) for score in scores]) > 0.75


def test_slow_club_music_has_shorter_phrases() -> None:
    rng = np.random.default_rng(0)
    slow = [part.bars for _ in range(40) for part in club_form(rng, bars=(37, 85), vocal=False)]
    fast = [part.bars for _ in range(40) for part in club_form(rng, bars=(50, 114), vocal=False)]
    assert max(slow) == 16
    assert max(fast) == 32


def test_rock_and_waltzes_have_no_such_scenes() -> None:
    assert {s.name for s in load_styles() if s.kickless} >= set(CLUB)
    assert all(s.kickless == 0 for s in load_styles() if s.group == "rock")
    assert all((s.meter, s.steps) == (4, 4) for s in load_styles() if s.kickless)


def test_a_figure_of_three_continues_across_bar_lines() -> None:
    rng = np.random.default_rng(0)
    threes = bar_pattern("threes", rng, beats=4, per_beat=4, kick=np.zeros(16))
    starts = [4 * bar + at for bar in range(6) for at, _, _ in threes.within(bar, beats=4)]
    assert starts == [0.75 * i for i in range(32)]
    eighths = bar_pattern("root8", rng, beats=4, per_beat=4, kick=np.zeros(16))
    assert eighths.within(3, beats=4) == eighths.onsets
