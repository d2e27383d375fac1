"""The training of the bundled checkpoint: batches, targets, scores, and that it learns."""

import itertools
import json
from dataclasses import replace

import mir_eval
import numpy as np
import pytest

from allin1_mlx.network.backend import mx
from allin1_mlx.network.loading import Network, load_network
from allin1_mlx.network.model import AllInOne, Config
from allin1_mlx.network.predict import Prediction
from allin1_mlx.types import CLASSES_PER_OCTAVE, LABELS, LOWEST_TEMPO
from allin1_mlx.weights import Access, find_model
from allin1_mlx_training.augment import Crop, cut, draw_batch
from allin1_mlx_training.corpus import Corpus, load_beats
from allin1_mlx_training.evaluate import Answer, Reference, f_measure, mean_scores, score_answer
from allin1_mlx_training.exams import exam_of, examine
from allin1_mlx_training.loss import losses, total_loss
from allin1_mlx_training.targets import (
    TASKS,
    TrainingSong,
    find_voice,
    prepare,
    targets_of,
    truth_of,
)
from allin1_mlx_training.teacher import (
    TAUGHT,
    Lesson,
    check_lesson,
    label_songs,
    load_lessons,
    save_lesson,
)
from allin1_mlx_training.train import Corpora, batches
from allin1_mlx_training.trainer import Recipe, Trainer

CONFIG = Config(
    stems=1,
    dim=8,
    depth=4,
    step=2,
    shortest=160,
    instrument_attention=False,
    threshold=0.1,
    voice=True,
    tempo_classes=50,
)
RECIPE = Recipe(
    CONFIG, steps=100, frames=1000, composed_items=3, real_items=0, beat_items=0, seed=5
)


def clicking_song(bpm: float, frames: int = 1500, stems: int = 4) -> TrainingSong:
    """Broad hits on the beats, louder on downbeats; a verse, then a brighter chorus."""
    beats = np.arange(0.5, frames / 100 - 0.1, 60 / bpm)
    positions = np.arange(len(beats)) % 4 + 1
    levels = np.zeros((frames, stems, 81), np.uint8)
    for time, position in zip(beats, positions, strict=True):
        at = round(time * 100)
        levels[at : at + 4, min(1, stems - 1)] = 150 if position == 1 else 90
    half = beats[len(beats) // 8 * 4]
    levels[round(half * 100) :, stems - 1, 40:] += 60
    segments = [(0.0, half, "verse"), (half, frames / 100, "chorus")]
    return TrainingSong(
        f"click {bpm}", levels, truth_of(beats, positions.tolist(), segments, frames)
    )


def corpora(composed: Corpus) -> Corpora:
    return Corpora(composed, Corpus([]), Corpus([]))


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus([clicking_song(bpm) for bpm in (90, 110, 128)])


def test_a_hundred_steps_lower_the_loss_on_a_fixed_batch(corpus):
    trainer = Trainer(RECIPE)
    batch = draw_batch(np.random.default_rng(1), [(corpus, 3)], RECIPE.frames)

    def loss(model: AllInOne) -> float:
        return float(np.array(total_loss(losses(model(batch.spectrogram), batch))))

    before = loss(trainer.model)
    for _ in range(100):
        trainer.step(batch)
    assert loss(trainer.model) < 0.8 * before
    assert loss(trainer.averaged()) < before


def test_training_continues_where_it_was_stopped(corpus, tmp_path):
    def run(trainer: Trainer, steps: int) -> None:
        for batch in itertools.islice(batches(RECIPE, corpora(corpus), trainer.steps), steps):
            trainer.step(batch)

    uncut, first, second = Trainer(RECIPE), Trainer(RECIPE), Trainer(RECIPE)
    run(uncut, 4)
    run(first, 2)
    first.save(tmp_path / "state.safetensors")
    second.restore(tmp_path / "state.safetensors")
    run(second, 2)
    assert second.steps == uncut.steps == 4
    x = mx.random.uniform(shape=(1, 1, 400, 81))
    for a, b in ((uncut.model, second.model), (uncut.averaged(), second.averaged())):
        np.testing.assert_allclose(np.array(a(x)), np.array(b(x)), atol=1e-6)


def test_batches_depend_on_seed_and_number_alone(corpus):
    first = list(itertools.islice(batches(RECIPE, corpora(corpus), 0), 3))
    again = next(batches(RECIPE, corpora(corpus), 2))
    assert np.array_equal(np.array(first[2].spectrogram), np.array(again.spectrogram))
    other = next(batches(replace(RECIPE, seed=6), corpora(corpus), 2))
    assert not np.array_equal(np.array(first[2].spectrogram), np.array(other.spectrogram))


@pytest.mark.parametrize(("rate", "first", "lead"), [(1.0, 0, 0), (0.9, 120, 0), (1.1, 33, 50)])
def test_targets_stay_on_the_sound_when_a_song_is_stretched(rate, first, lead):
    song = clicking_song(100)
    crop = Crop(song.frames, index=0, first=first, rate=rate, frames=900, lead=lead)
    target = np.array(cut(Corpus([song]), [crop], np.ones((1, 4)), 1000)[1])[0].T
    shown, sounds = crop.positions(1000)
    level = np.where(sounds, song.stems[np.rint(shown).astype(int), 1, 0], 0).astype(float)
    onsets = np.flatnonzero((level[1:] > 0) & (level[:-1] == 0)) + 1
    peaks = np.flatnonzero((target[0, 1:-1] > 0.5) & (target[0, 1:-1] >= target[0, 2:])) + 1
    assert len(onsets) > 8
    for onset in onsets[onsets > lead + 3]:
        assert np.abs(peaks - onset).min() <= 1
    np.testing.assert_allclose(target[3:13].sum(axis=0), 1, rtol=1e-6)
    assert (target[3 + LABELS.index("start"), :lead] == 1).all()
    assert (target[3 + LABELS.index("end"), lead + 900 :] == 1).all()


def test_silence_after_a_song_that_ends_early_is_its_end():
    song = clicking_song(100, frames=800)
    crop = Crop(song.frames, index=0, first=0.0, rate=1.0, frames=1000, lead=0)
    mix, targets, _ = cut(Corpus([song]), [crop], np.ones((1, 4)), 1000)
    assert (np.array(targets)[0, 800:, 3 + LABELS.index("end")] == 1).all()
    assert (np.array(mix)[0, 800:] == 0).all()


def test_batches_are_finite_and_have_the_shapes_of_the_network(corpus):
    real = Corpus([clicking_song(120, stems=1)])
    batch = draw_batch(np.random.default_rng(3), [(corpus, 2), (real, 2)], 800)
    assert batch.spectrogram.shape == (4, 1, 800, 81)
    assert batch.targets.shape == (4, 14, 800)
    assert batch.tempo.shape == (4, 800)
    assert batch.known.shape == (4, len(TASKS))
    assert np.isfinite(np.array(batch.spectrogram)).all()


def test_f_measure_equals_mir_eval():
    rng = np.random.default_rng(4)
    for _ in range(50):
        reference = np.unique(rng.uniform(0, 60, 40).round(2))
        estimate = np.unique((reference + rng.normal(0, 0.06, len(reference))).round(2))[5:]
        estimate = estimate[estimate >= 0]
        expected = mir_eval.beat.f_measure(reference, estimate)
        assert f_measure(reference, estimate, window=0.07) == pytest.approx(expected)
    assert f_measure([], [], window=0.07) == 1
    assert f_measure([1.0], [], window=0.07) == 0


def test_a_perfect_answer_scores_one():
    song = clicking_song(120, frames=6000)
    target = targets_of(song.truth, 6000).clip(1e-4, 1 - 1e-4)
    logits = np.concatenate([np.log(target[:3] / (1 - target[:3])), np.log(target[3:])])
    logits[2, target[2] == target[2].min()] = -200  # no boundary at all, where there is none
    exam = exam_of(song)
    sections = np.searchsorted(song.truth.boundaries, np.arange(6000), side="right")
    mix = np.random.default_rng(1).uniform(0, 1, (sections[-1] + 1, 81))[sections]
    answer = Answer(
        Prediction(logits.astype(np.float32)), mix.astype(np.float32), exam.reference, 0.1
    )
    scores = score_answer(answer)
    assert scores["beat"] == scores["downbeat"] == scores["boundary 0.5 s"] == 1
    assert scores["label"] > 0.99


def test_mean_scores_leave_out_songs_without_sections():
    assert mean_scores([{"beat": 1.0, "label": 0.5}, {"beat": 0.0}]) == {"beat": 0.5, "label": 0.5}


def test_a_teacher_labels_a_mix_and_reports_how_far_its_folds_agree(tmp_path):
    mx.random.seed(1)
    folds = tuple(AllInOne(Config(dim=8, depth=2)) for _ in range(2))
    mix = clicking_song(120, stems=1).stems[:, 0]
    (lesson,) = label_songs({"a": mix}, Network("two", folds))
    assert lesson.song.truth.soft.shape == (13, 1500)
    assert 0 <= lesson.agreement <= 1
    save_lesson(lesson, tmp_path / "0.npz")
    (again,) = load_lessons(tmp_path, {"a": mix})
    assert again.song.name == "a"
    assert again.agreement == lesson.agreement
    assert np.array_equal(again.song.truth.soft, lesson.song.truth.soft)
    assert np.array_equal(again.song.truth.downbeats, lesson.song.truth.downbeats)


def test_a_teachers_beats_count_only_if_the_bundled_network_finds_them_too(tmp_path):
    song = clicking_song(120, frames=3000, stems=1)
    bundled = load_network(find_model("bundled", Access(tmp_path)))
    taught = replace(song.truth, known=TAUGHT)
    moved = replace(taught, downbeats=taught.downbeats + 50)
    wrong = replace(taught, beats=taught.beats + 25, downbeats=taught.downbeats + 25)
    known = [
        check_lesson(Lesson(replace(song, truth=truth), 1.0), bundled).song.truth.known
        for truth in (taught, moved, wrong)
    ]
    assert known == [TAUGHT, TAUGHT - {"downbeat"}, TAUGHT - {"beat", "downbeat"}]


def test_exams_give_scores_for_every_threshold():
    model = AllInOne(CONFIG)
    exam = exam_of(clicking_song(90))
    assert exam.mix.shape == (1500, 81)
    scores = examine(model, [exam], thresholds=(0.1, 0.2))
    assert set(scores) == {"0.1", "0.2"}
    assert set(scores["0.1"]) >= {"beat", "downbeat", "boundary 3.0 s", "label"}
    assert isinstance(exam.reference, Reference)


def test_a_task_whose_truth_is_unknown_changes_no_loss():
    song = clicking_song(120)
    trusted = Corpus([song])
    partly = Corpus([song, replace(song, truth=replace(song.truth, known=frozenset({"beat"})))])
    rng = np.random.default_rng(7)
    batch = draw_batch(rng, [(trusted, 1), (partly, 4)], 600)
    logits = mx.random.normal((5, 64, 600), key=mx.random.key(1))
    known = np.array(batch.known)
    assert set(known[:, 1].tolist()) == {0.0, 1.0}
    other = np.array(batch.targets)
    other[known[:, 1] == 0, 1:] = 0.5
    changed = replace(batch, targets=mx.array(other))
    for task, value in losses(logits, batch).items():
        assert np.array(losses(logits, changed)[task]) == pytest.approx(np.array(value)), task


@pytest.mark.parametrize(("bpm", "rate"), [(60.0, 1.0), (120.0, 1.0), (100.0, 1.2), (180.0, 0.9)])
def test_the_tempo_of_a_stretched_song_is_stretched_too(bpm, rate):
    song = clicking_song(bpm, frames=3000)
    crop = Crop(song.frames, index=0, first=300, rate=rate, frames=900, lead=50)
    tempo = np.array(cut(Corpus([song]), [crop], np.ones((1, 4)), 1000)[2])[0]
    assert (tempo[:50] == -1).all()
    heard = LOWEST_TEMPO * 2 ** (tempo[60:900] / CLASSES_PER_OCTAVE)
    np.testing.assert_allclose(heard, bpm * rate, rtol=0.01)


def test_the_target_for_singing_follows_the_vocals():
    stems = np.zeros((1000, 4, 81), np.uint8)
    stems[:, :3] = 120
    stems[200:300, 3] = 120
    stems[310:400, 3] = 110
    voice = find_voice(stems)
    assert voice[200:400].all()
    assert not voice[:180].any()
    assert not voice[420:].any()


def test_real_songs_with_exact_beats_have_only_their_known_tasks(tmp_path):
    mix = np.full((1000, 81), 90, np.uint8)
    np.savez(tmp_path / "modules.npz", sure=mix, unsure=mix)
    facts = {"beats": [0.5, 1.0, 1.5], "positions": [1, 2, 3]}
    songs = {
        "sure": {**facts, "downbeats_trusted": True},
        "unsure": {**facts, "downbeats_trusted": False},
    }
    (tmp_path / "modules.json").write_text(json.dumps(songs))
    sure, unsure = load_beats(tmp_path)
    assert sure.truth.known == {"beat", "downbeat", "tempo"}
    assert unsure.truth.known == {"beat", "tempo"}
    assert sure.truth.beats.tolist() == [50, 100, 150]


def test_new_songs_replace_the_oldest(corpus):
    composed = Corpus([clicking_song(90, frames=1000), clicking_song(100, frames=1100)])
    composed.extend([prepare(clicking_song(110, frames=1200))], keep=2)
    assert composed.frames == [1100, 1200]
    assert len(composed.known) == 2
    assert composed.ranges([1], [1150], 100).shape == (1, 100, 4 * 81 + 15)
