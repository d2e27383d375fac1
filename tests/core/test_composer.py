"""Composed songs: exact truth, usual forms, sound that is finite and audible."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allin1_mlx.types import LABELS, SAMPLE_RATE
from allin1_mlx_training import bank as banks
from allin1_mlx_training.bank import Bank, analyse, load_bank, note_loudness, template
from allin1_mlx_training.composer import compose, compose_score
from allin1_mlx_training.instruments.drums import PIECES, strike
from allin1_mlx_training.instruments.patches import FAMILIES, draw_patch
from allin1_mlx_training.instruments.voices import play
from allin1_mlx_training.music.forms import club_form, song_form
from allin1_mlx_training.music.pop909 import load_tunes, pack
from allin1_mlx_training.music.score import DRUMS, VOCALS
from allin1_mlx_training.music.statistics import LABEL_OF_PART, load_statistics, part_of
from allin1_mlx_training.music.styles import load_styles
from allin1_mlx_training.shards import quantise, read_shard, truth, write_shard

SEEDS = range(100, 130)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A bank with one instrument per family (every third pitch) and one drum per piece."""
    arrays: dict[str, Any] = {}
    for family in FAMILIES:
        patch = draw_patch(family, 0)
        notes = [
            [template(play(patch, pitch=p, seconds=0.5), frames=banks.LENGTH)]
            for p in range(patch.low, patch.low + 12, 3)
        ]
        spread = np.repeat(np.array(notes), 3, axis=0)
        arrays[f"note|{family}|own0|{patch.low}"] = banks.quantise(spread)
    for piece in PIECES:
        hits = [template(strike(piece, seed=0, velocity=v), frames=105) for v in (0.45, 1.0)]
        arrays[f"drum|{piece}|own0"] = banks.quantise(np.array(hits))
    path = tmp_path_factory.mktemp("bank") / "bank.npz"
    np.savez(path, **arrays)
    return load_bank(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_truth_of_a_song_is_consistent(seed: int) -> None:
    score = compose_score(seed)
    beats = np.array(score.beats)
    assert (np.diff(beats) > 0).all()
    assert beats[0] >= 0
    assert beats[-1] <= score.duration
    assert len(beats) == len(score.positions)
    for before, after in itertools.pairwise(score.positions):
        assert after in (before + 1, 1)
    assert max(score.positions) >= score.meter
    edges = [s.start for s in score.segments]
    assert edges[0] == 0
    assert score.segments[-1].end == score.duration
    for a, b in itertools.pairwise(score.segments):
        assert a.end == b.start
        assert a.start < a.end
    assert {s.label for s in score.segments} <= set(LABELS)


@pytest.mark.parametrize("seed", SEEDS)
def test_sections_begin_on_downbeats(seed: int) -> None:
    score = compose_score(seed)
    downbeats = [t for t, p in zip(score.beats, score.positions, strict=True) if p == 1]
    inner = [s.start for s in score.segments if s.label not in ("start", "end")][1:]
    for start in inner:
        assert min(abs(start - t) for t in downbeats) < 1e-9


def test_same_seed_is_the_same_song(bank: Bank) -> None:
    first, second = compose(7, bank), compose(7, bank)
    assert first.score == second.score
    assert np.array_equal(first.stems, second.stems)
    assert compose_score(8) != first.score


@pytest.mark.parametrize("style", [s.name for s in load_styles()])
def test_every_style_makes_a_song(style: str, bank: Bank) -> None:
    song = compose(11, bank, style=style)
    stems = song.stems.astype(np.float32)
    assert song.score.style == style
    assert stems.shape == (4, int(np.ceil(song.score.duration * 100)), 81)
    assert np.isfinite(stems).all()
    assert (stems >= 0).all()
    assert stems.sum(axis=0).max() > 1
    assert 60 <= song.score.duration <= 330


def test_tempos_are_within_the_range_of_the_decoder() -> None:
    bpm = np.array([compose_score(seed).bpm for seed in range(200)])
    assert bpm.min() >= 52
    assert bpm.max() <= 215
    assert 105 < np.median(bpm) < 135


def test_drums_sound_on_the_beats() -> None:
    shares = []
    for seed in range(40):
        score = compose_score(seed, style="house")
        hits = np.array([h.start for d in score.drums if d.piece == "kick" for h in d.hits])
        if len(hits) > 50:
            beats = np.array(score.beats)
            shares.append(np.mean([np.abs(beats - t).min() < 0.02 for t in hits]))
    assert np.mean(shares) > 0.9


def test_drum_energy_rises_at_beats(bank: Bank) -> None:
    song = compose(3, bank, style="rock")
    level = np.log10(1 + song.stems[DRUMS].astype(np.float32)).sum(axis=1)
    rise = np.maximum(np.diff(level), 0)
    frames = np.round(np.array(song.score.beats[:-1]) * 100).astype(int)
    near = np.mean([rise[max(0, f - 3) : f + 2].max() for f in frames[:-1]])
    between = np.mean([rise[f + 6 : f + 11].max() for f in frames[:-1]])
    assert near > 1.5 * between


def test_choruses_are_more_similar_to_each_other_than_to_verses(bank: Bank) -> None:
    closer = []
    for seed in range(300, 312):
        song = compose(seed, bank, style="pop")
        means: dict[str, list[np.ndarray]] = {"chorus": [], "verse": []}
        level = np.log10(1 + np.sqrt((song.stems.astype(np.float32) ** 2).sum(axis=0)))
        for s in song.score.segments:
            if s.label in means and s.end - s.start > 6:
                means[s.label].append(level[int(s.start * 100) : int(s.end * 100)].mean(axis=0))
        if len(means["chorus"]) < 2 or not means["verse"]:
            continue
        own = np.mean([np.abs(a - b).mean() for a, b in itertools.combinations(means["chorus"], 2)])
        other = np.mean([np.abs(a - b).mean() for a in means["chorus"] for b in means["verse"]])
        closer.append(own < other)
    assert len(closer) >= 5
    assert np.mean(closer) > 0.7


def test_forms_follow_the_statistics() -> None:
    rng = np.random.default_rng(0)
    for group in load_statistics():
        for _ in range(20):
            form = song_form(rng, group=group, bars=(50, 110))
            assert 25 <= sum(part.bars for part in form) <= 220
            assert all(part.label(sung=True) in LABELS for part in form)
    club = club_form(rng, bars=(60, 110), vocal=False)
    assert club[0].name == "intro"


def test_nobody_sings_in_instrumental_songs() -> None:
    for seed in range(400, 430):
        score = compose_score(seed)
        sung = any(track.stem == VOCALS for track in score.tracks)
        labels = {s.label for s in score.segments}
        assert sung or not labels & {"verse", "chorus"}


def test_names_of_annotations_are_understood() -> None:
    assert part_of("instchorus") == "inst"
    assert part_of("PreChorus2") == "prechorus"
    assert part_of("silence") is None
    assert set(LABEL_OF_PART.values()) <= set(LABELS)


def test_analysis_of_a_sine_finds_its_band() -> None:
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    sound = 0.5 * np.sin(2 * np.pi * 1000 * t)
    bands = analyse(sound.astype(np.float32))
    assert bands.shape == (100, 81)
    loudest = bands[50].argmax()
    other = analyse((0.5 * np.sin(2 * np.pi * 2000 * t)).astype(np.float32))[50].argmax()
    assert other - loudest == 12


def test_every_instrument_and_drum_sounds() -> None:
    for family in FAMILIES:
        patch = draw_patch(family, 3)
        sound = play(patch, pitch=patch.low + 5, seconds=0.4)
        assert np.isfinite(sound).all()
        assert 0.01 < np.abs(sound).max() < 5, family
        assert np.array_equal(sound, play(patch, pitch=patch.low + 5, seconds=0.4))
    for piece in PIECES:
        hit = strike(piece, seed=2)
        assert np.isfinite(hit).all()
        assert np.abs(hit).max() <= 1.001


def test_instruments_are_in_tune() -> None:
    for family in ("acoustic", "piano", "saw", "organ"):
        patch = draw_patch(family, 1)
        sound = play(patch, pitch=57, seconds=1.0)[2000:42000]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
        hz = np.fft.rfftfreq(1 << 18, 1 / SAMPLE_RATE)
        window = (hz > 208) & (hz < 232)
        cents = 1200 * np.log2(hz[window][spectrum[window].argmax()] / 220)
        assert abs(cents) < 12, family


def test_notes_are_equally_loud(bank: Bank) -> None:
    for instruments in bank.instruments.values():
        power = instruments[0].power(instruments[0].low + 4, 0)
        assert 0.05 < note_loudness(power) < 1.3


def test_shards_read_back(bank: Bank, tmp_path: Path) -> None:
    songs = [compose(seed, bank, style="techno") for seed in (1, 2)]
    write_shard(tmp_path, 0, songs)
    read = list(read_shard(tmp_path / "songs_00000.npy"))
    assert [fact["seed"] for _, fact in read] == [1, 2]
    for (frames, fact), song in zip(read, songs, strict=True):
        assert np.array_equal(frames, quantise(song.stems))
        assert fact["beats"] == truth(song.score)["beats"]
        json.dumps(fact)


def test_tunes_are_packed_and_arranged(tmp_path: Path) -> None:
    texts = {
        "human_label1.txt": "i4A8B8b1A8B8o4",
        "finalized_chord.txt": "C:maj [0, 4, 7] 0 2\nG:maj/B [2, 7, 11] 11 162\n",
        "melody.txt": "0 64\n" + "60 4\n62 4\n64 8\n" * 36,
        "tempo.txt": "100",
    }
    with tarfile.open(tmp_path / "tunes.tar.xz", "w:xz") as archive:
        for name, text in texts.items():
            info = tarfile.TarInfo(f"pop909/001/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    assert pack(tmp_path / "tunes.tar.xz", tmp_path / "tunes.json.gz") == 1
    (tune,) = load_tunes(tmp_path / "tunes.json.gz")
    assert [(p.name, p.bars) for p in tune.parts][:3] == [("intro", 4), ("verse", 8), ("chorus", 9)]
    assert tune.chord(0, 1.0) == (0, 4, 7)
    assert tune.chord(0, 2.0) == tune.chord(5, 0.0) == (11, 2, 7)
    assert tune.melody[3] == ()
    assert tune.melody[4] == ((0.0, 1.0, 60), (1.0, 1.0, 62), (2.0, 2.0, 64))
    used = 0
    for seed in range(12):
        score = compose_score(seed, style="ballad", tunes=(tune,))
        labels = [s.label for s in score.segments if s.label not in ("start", "end")]
        used += labels in ([p.label(sung=s) for p in tune.parts] for s in (True, False))
    assert 0 < used < 12
