"""Every public name is the right object, and the README's Python examples run as written."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.support.small import SMALL, write_song

import allin1_mlx
from allin1_mlx.network.backend import mx
from allin1_mlx.types import STEMS

README = Path(__file__).parents[2] / "README.md"
CLASSES = {
    *("Access", "Activations", "Analysis", "Analyzer", "ComputeOptions", "Detection", "Segment"),
    *("DecodingOptions", "StemOptions", "Tempo"),
}
ERRORS = {"AllInOneError", "Cancelled"}
FUNCTIONS = {
    "activations",
    "analyze",
    "decode_beats",
    "find_beats",
    "load_audio",
    "logarithm",
    "magnitudes",
    "measure_onsets",
    "pick_sections",
    "predict",
    "refine_beats",
    "snap_to_bars",
    "spectral_stems",
    "spectrogram",
}


def examples() -> list[str]:
    """The Python examples of the README, in order."""
    text = README.read_text(encoding="utf-8")
    return [part.split("```")[0] for part in text.split("```python\n")[1:]]


@pytest.mark.parametrize("name", sorted(CLASSES | ERRORS | FUNCTIONS))
def test_each_public_name_is_the_right_kind_of_object(name):
    # All modules of the package are imported by then: none may hide a name.
    found = getattr(allin1_mlx, name)
    if name in FUNCTIONS:
        assert inspect.isfunction(found)
    else:
        assert inspect.isclass(found)
        assert issubclass(found, Exception) == (name in ERRORS)
    assert found.__name__ == name
    assert found.__doc__
    assert not (Path(allin1_mlx.__file__).parent / f"{name}.py").exists()


def test_a_star_import_gives_all_public_names():
    names: dict[str, object] = {}
    exec("from allin1_mlx import *", names)
    assert set(names) - {"__builtins__"} == CLASSES | ERRORS | FUNCTIONS == set(dir(allin1_mlx))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = allin1_mlx.nothing


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, allin1_mlx; print({'mlx', 'numpy', 'soundfile'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    write_song(folder / "song.wav", seconds=6.0, bpm=120)
    (folder / "song.wav").rename(folder / "song.mp3")  # what it is, its content says
    return folder


def test_the_examples_of_the_readme_run(songs, monkeypatch):
    monkeypatch.chdir(songs)
    names: dict[str, object] = {}
    assert len(examples()) >= 2
    for example in examples():
        exec(compile(example, "README.md", "exec"), names)
    whole = names["analysis"]
    assert isinstance(whole, allin1_mlx.Analysis)
    assert allin1_mlx.Analysis.from_json("song.json").to_json() == whole.to_json()
    # The steps give what the whole gives, before the checks that only the whole makes.
    assert names["segments"][-1].end == whole.segments[-1].end
    assert set(whole.beats) <= set(names["beats"].times.tolist())


def test_the_steps_lead_from_a_file_through_stems_to_beats_and_sections(songs):
    from allin1_mlx import (
        activations,
        decode_beats,
        load_audio,
        logarithm,
        magnitudes,
        pick_sections,
        predict,
        spectral_stems,
    )
    from allin1_mlx.network.loading import Network
    from allin1_mlx.network.model import AllInOne

    mx.random.seed(3)
    network = Network("small", (AllInOne(SMALL),), together=False)
    audio = load_audio(songs / "song.mp3")
    assert audio.samples.shape == (2, 6 * 44_100)
    stems = spectral_stems(magnitudes(audio.samples.mean(axis=0, keepdims=True))[0])
    prediction = predict(logarithm(stems), network)
    assert stems.shape == (len(STEMS), 600, 81)
    found = activations(prediction)
    assert found.label.shape == (10, 600)
    beats = decode_beats(found.beat, found.downbeat, threshold=SMALL.threshold)
    assert (np.diff(beats.times) > 0).all()
    assert pick_sections(found.segment, found.label)[-1].end == 6.0
