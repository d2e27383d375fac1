"""One song from file to structure: unusual music, user-supplied stems, progress, cancelling."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile

import allin1_mlx
from allin1_mlx import Analyzer, analyze
from allin1_mlx.analysis import Analysis
from allin1_mlx.errors import AudioError, Cancelled, CheckpointError, StemsError, UsageError
from allin1_mlx.network.loading import to_published
from allin1_mlx.network.model import AllInOne, Config
from allin1_mlx.options import ComputeOptions, StemOptions
from allin1_mlx.types import LABELS, SAMPLE_RATE
from allin1_mlx.weights import Access

SCHEMA = json.loads((Path(allin1_mlx.__file__).parent / "analysis.schema.json").read_text())


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer("bundled")


@pytest.fixture(scope="module")
def four_stems(tmp_path_factory) -> Path:
    """The weights of a small random network of four stems."""
    from allin1_mlx.network.backend import mx

    folder = tmp_path_factory.mktemp("weights")
    config = Config(dim=8, depth=3)
    mx.random.seed(1)
    mx.save_safetensors(str(folder / "small.safetensors"), to_published(AllInOne(config)))
    (folder / "small.json").write_text(json.dumps(config.to_dict()))
    return folder / "small.safetensors"


def write(path: Path, samples: np.ndarray, rate: int = SAMPLE_RATE, **options) -> Path:
    soundfile.write(path, samples, rate, **options)
    return path


def clicks(bpm: float, seconds: float, rate: int = SAMPLE_RATE) -> np.ndarray:
    """Noise bursts on the beats, a low thump on every fourth."""
    rng = np.random.default_rng(1)
    samples = np.zeros(int(seconds * rate))
    burst = rng.uniform(-1, 1, rate // 20) * np.exp(-np.arange(rate // 20) / (rate / 200))
    thump = np.sin(2 * np.pi * 60 * np.arange(rate // 5) / rate) * np.linspace(1, 0, rate // 5)
    for number, time in enumerate(np.arange(0.5, seconds - 0.3, 60 / bpm)):
        sound = thump if number % 4 == 0 else burst
        at = int(time * rate)
        samples[at : at + len(sound)] += 0.6 * sound
    return samples


def check(analysis: Analysis, seconds: float) -> None:
    """Check what is true for every result: valid, without gaps, beats within the song."""
    jsonschema.validate(json.loads(analysis.to_json()), SCHEMA)
    assert analysis.duration == pytest.approx(seconds, abs=0.011)
    assert len(analysis.beats) == len(analysis.beat_positions)
    assert all(0 <= t <= seconds for t in analysis.beats)
    assert analysis.segments[0].start == 0
    assert analysis.segments[-1].end == pytest.approx(seconds, abs=0.011)
    for before, after in zip(analysis.segments, analysis.segments[1:], strict=False):
        assert before.end == after.start


SECONDS = 8.0
ODD = {
    "silence": np.zeros(int(SECONDS * SAMPLE_RATE)),
    "one click": np.eye(1, int(SECONDS * SAMPLE_RATE), SAMPLE_RATE)[0],
    "a drone": 0.3 * np.sin(2 * np.pi * 110 * np.arange(int(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE),
}


@pytest.mark.parametrize("name", ODD)
def test_music_without_a_pulse_has_few_or_no_beats(tmp_path, analyzer, name):
    found = analyzer(write(tmp_path / "odd.wav", ODD[name]))
    check(found, SECONDS)
    assert len(found.beats) <= 4
    if name == "silence":
        assert found.bpm is None
        assert found.beats == ()


@pytest.mark.parametrize(("name", "label"), [("silence", "start"), ("a drone", "inst")])
def test_audio_without_beats_is_one_section_with_a_warning(tmp_path, analyzer, name, label):
    found = analyzer(write(tmp_path / "odd.wav", ODD[name]))
    assert found.beats == ()
    assert [(s.start, s.end, s.label) for s in found.segments] == [(0.0, SECONDS, label)]
    assert any("no beats were found" in warning for warning in found.warnings)


@pytest.mark.parametrize("seconds", [0.0001, 0.01, 0.2])
def test_a_clip_of_a_fraction_of_a_second_is_a_valid_song(tmp_path, analyzer, seconds):
    samples = np.random.default_rng(1).uniform(-1, 1, max(1, int(seconds * SAMPLE_RATE)))
    check(analyzer(write(tmp_path / "clip.wav", samples)), seconds)


def test_a_steady_pulse_is_found(tmp_path, analyzer):
    found = analyzer(write(tmp_path / "pulse.wav", clicks(100, 20)))
    check(found, 20)
    assert found.tempo.bpm == pytest.approx(100, abs=0.5)
    assert found.tempo.confidence > 0.9


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(8000, 1, "PCM_U8"), (96_000, 6, "PCM_24"), (22_050, 2, "FLOAT"), (48_000, 1, "PCM_32")],
)
def test_sample_rate_and_format_hardly_change_the_beats(
    tmp_path, analyzer, rate, channels, subtype
):
    samples = np.repeat(clicks(110, 15, rate)[:, None], channels, axis=1)
    found = analyzer(write(tmp_path / "odd.wav", samples, rate, subtype=subtype))
    plain = analyzer(write(tmp_path / "plain.wav", clicks(110, 15)))
    check(found, 15)
    assert len(found.beats) == pytest.approx(len(plain.beats), abs=2)
    for beat in found.beats:
        assert np.abs(np.array(plain.beats) - beat).min() <= 0.05


def test_one_call_analyses_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "1")
    found = analyze(write(tmp_path / "Ünïcode 🎵.wav", clicks(120, 6)))
    assert found.model == "bundled"
    assert found.path.endswith("Ünïcode 🎵.wav")
    assert found.activations is None
    assert Analyzer().notice == ""


def test_activations_and_embeddings_are_returned_only_on_request(tmp_path, analyzer):
    song = write(tmp_path / "song.wav", clicks(120, 6))
    found = analyzer(song, activations=True, embeddings=True)
    assert found.activations.beat.shape == (600,)
    assert found.activations.label.shape == (10, 600)
    assert found.embeddings.ndim == 3
    assert found == replace(found, activations=None, embeddings=None)


@pytest.mark.parametrize("samples", [441, 442, 600, 882, 100 * 441 + 100, 100 * 441 + 300])
def test_the_last_section_ends_with_the_song(tmp_path, analyzer, samples):
    noise = np.random.default_rng(1).uniform(-1, 1, samples)
    found = analyzer(write(tmp_path / "song.wav", noise))
    assert found.segments[-1].end == found.duration == -(-samples // 441) / 100


@pytest.mark.parametrize("stems", [1, 4])
def test_only_published_networks_may_start_a_song_in_its_middle(tmp_path, stems):
    """Published networks are decoded as in the reference; the bundled network is not."""
    from allin1_mlx.network.backend import mx

    mx.random.seed(1)
    config = Config(stems=stems, dim=8, depth=2)
    arrays = {name: np.array(array) for name, array in to_published(AllInOne(config)).items()}
    arrays["function_classifier.classifier.bias"][LABELS.index("start")] = 50
    np.savez(tmp_path / "small.npz", **arrays)
    (tmp_path / "small.json").write_text(json.dumps(config.to_dict()))
    song = write(tmp_path / "song.wav", clicks(95, 40))
    found = Analyzer("auto", weights=Access(weights_path=tmp_path / "small.npz"))(song)
    labels = [segment.label for segment in found.segments]
    assert len(labels) > 1
    assert labels[0] == "start"
    assert ("start" in labels[1:]) == (stems == 4)


def test_both_spectrogram_backends_give_the_same_result(tmp_path, analyzer):
    song = write(tmp_path / "song.wav", clicks(95, 12))
    reference = Analyzer("bundled", compute=ComputeOptions("mlx"))
    assert reference(song) == analyzer(song)


def test_progress_passes_through_all_stages_and_never_goes_back(tmp_path, analyzer):
    reported: list[tuple[str, float]] = []
    analyzer(
        write(tmp_path / "song.wav", clicks(95, 12)),
        on_progress=lambda *args: reported.append(args),
    )
    stages = list(dict.fromkeys(stage for stage, _ in reported))
    assert stages == ["decode", "stems", "network", "beats", "sections"]
    assert reported == sorted(reported, key=lambda entry: (stages.index(entry[0]), entry[1]))


def test_a_computation_can_be_cancelled_in_every_stage(tmp_path, analyzer):
    song = write(tmp_path / "song.wav", clicks(95, 6))
    for stage in ("decode", "stems", "network", "beats", "sections"):

        def cancel(reached: str, fraction: float, stage: str = stage) -> None:
            if reached == stage:
                raise Cancelled

        with pytest.raises(Cancelled):
            analyzer(song, on_progress=cancel)


def test_four_stems_come_from_the_mix_or_from_files(tmp_path, four_stems):
    song = write(tmp_path / "song.wav", clicks(95, 6))
    from_mix = Analyzer("auto", weights=Access(weights_path=four_stems))(song)
    assert from_mix.demix == "spectral"
    check(from_mix, 6)
    for stem in ("bass", "drums", "other", "vocals"):
        write(tmp_path / f"song_{stem}.wav", clicks(95, 6) / 4)
    own = Analyzer("auto", weights=Access(weights_path=four_stems), stems=StemOptions(tmp_path))(
        song
    )
    assert own.demix.startswith("external ")
    check(own, 6)


def test_missing_stems_are_named(tmp_path, four_stems):
    song = write(tmp_path / "song.wav", clicks(95, 3))
    write(tmp_path / "song_bass.wav", clicks(95, 3))
    with pytest.raises(StemsError, match="drums"):
        Analyzer("auto", weights=Access(weights_path=four_stems), stems=StemOptions(tmp_path))(song)


def test_a_broken_network_is_reported_before_a_missing_song_and_its_thread_ends(
    tmp_path, four_stems
):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "harmonix-fold0_mlx.npz").write_bytes(b"no archive")
    config = four_stems.with_suffix(".json").read_text()
    (folder / "harmonix-fold0_mlx.json").write_text(config)
    analyzer = Analyzer("harmonix-fold0", weights=Access(folder))
    for attempt in (analyzer.load, lambda: analyzer(tmp_path / "nope.wav")):
        with pytest.raises(CheckpointError, match=r"^harmonix-fold0_mlx\.npz: "):
            attempt()
    assert not [t for t in threading.enumerate() if t.name.startswith("decode")]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"dim_embed": "wide"},
        {"dim_embed": -8},
        {"dim_embed": 10**400},
        {"dim_embed": 1e400},
        {"dim_embed": 7},
        {"dim_input": 10**9},
        {"num_heads": 3},
        {"num_heads": 10**6},
        {"depth": 10_000_000},
        {"frames_per_step": 10**9},
        {"min_frames": 10**12},
        {"mlp_ratio": 10**6},
        {"tempo_classes": 10**9},
        {"data": {"num_instruments": 10**9}},
        {"best_threshold_downbeat": float("nan")},
    ],
)
def test_a_configuration_of_something_else_is_reported(tmp_path, four_stems, wrong):
    file = "harmonix-fold0_mlx"
    config = json.loads(four_stems.with_suffix(".json").read_text()) | wrong if wrong else {}
    (tmp_path / f"{file}.npz").write_bytes(four_stems.read_bytes())
    (tmp_path / f"{file}.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=rf"^{file}\.json: not the configuration.{{,180}}$"):
        Analyzer("harmonix-fold0", weights=Access(tmp_path)).load()


def test_a_network_for_the_mix_refuses_stems(tmp_path):
    with pytest.raises(UsageError, match="itself, without stems"):
        Analyzer("bundled", stems=StemOptions(tmp_path))


def test_a_file_that_is_no_music_gives_an_error_of_one_line(tmp_path, analyzer):
    text = tmp_path / "notes.mp3"
    text.write_text("this is no music " * 100)
    for path in (text, tmp_path, tmp_path / "missing.wav"):
        with pytest.raises(AudioError) as error:
            analyzer(path)
        assert path.name in str(error.value)
        assert "\n" not in str(error.value)
