"""Every option of the described system exists, with its short form and default, and is
explained.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from allin1_mlx.cli.main import main
from allin1_mlx.cli.options import STAGES, build_parser, parse_options
from allin1_mlx.exports import NAMES, find_format

README = Path(__file__).parents[2] / "README.md"

# The described system's table, then what this program adds.
TABLE = {
    "-o, --out-dir": Path("struct"),
    "-v, --visualize": False,
    "--viz-dir": Path("viz"),
    "-s, --sonify": False,
    "--sonif-dir": Path("sonif"),
    "-a, --activ": False,
    "-e, --embed": False,
    "-k, --keep-byproducts": False,
    "--demix-dir": Path("demix"),
    "--spec-dir": Path("spec"),
    "--spec-backend": "mlx_fast",
    "--spec-check": False,
    "--overwrite": frozenset(),
    "--timings-path": None,
    "--timings-viz-path": None,
    "-m, --model": "auto",
    "--mlx-batch-size": 1,
    "--no-mlx-compile": True,
    "--no-mlx-in-memory": True,
    "--no-ensemble-parallel": True,
    "--no-multiprocess": True,
    "--mlx-weights-dir": None,
    "--mlx-weights-path": None,
    "--mlx-config-path": None,
    "--stems-dir": None,
}
ADDED = {
    "--demix": "auto",
    "--demix-seed": None,
    "--offline": False,
    "--weights-url": None,
    "--array-dir": None,
    "--beats": "grid",
    "--sections": "auto",
    "--viz-format": "pdf",
    "--with-sound": False,
    "--export": (),
    "--export-dir": Path("export"),
    "--midi-simplify": False,
    "-r, --recursive": False,
    "--shard": None,
    "--jobs": None,
    "--engine": "local",
    "-q, --quiet": False,
}


def actions() -> dict[str, argparse.Action]:
    return {
        ", ".join(action.option_strings): action
        for action in build_parser()._actions
        if action.option_strings
    }


def default_of(action: argparse.Action) -> object:
    """The default value; the parser converts a text like an argument."""
    converts = isinstance(action.default, str) and action.type is not None
    return action.type(action.default) if converts else action.default


def test_options_names_and_defaults_are_those_of_the_table() -> None:
    found = {names: default_of(action) for names, action in actions().items()}
    known = {**TABLE, **ADDED}
    assert {names: found[names] for names in known} == known
    assert set(found) - set(known) == {"-h, --help", "--version"}


def test_every_format_can_be_exported() -> None:
    assert parse_options(["a.wav", "--export", ",".join(NAMES)]).export == NAMES
    assert f"some of {','.join(NAMES)}" in " ".join(str(actions()["--export"].help).split())


def test_the_readme_lists_every_format() -> None:
    text = README.read_text(encoding="utf-8")
    table = text.split("| `--export` | files |\n|---|---|\n")[1].split("\n\n")[0]
    rows = []
    for name in NAMES:
        suffixes = ", ".join(f"`{file.suffix}`" for file in find_format(name).files)
        rows.append(f"| {name} | {suffixes}: {find_format(name).description} |")
    assert table.splitlines() == rows


def test_every_option_is_explained() -> None:
    for names, action in actions().items():
        assert action.help, names


@pytest.mark.parametrize("names", [*TABLE, *ADDED])
def test_help_shows_every_option(names: str) -> None:
    shown = build_parser().format_help()
    for name in names.split(", "):
        assert re.search(rf"[ ,]{name}[ ,\n]", shown)


def test_the_readme_names_every_option() -> None:
    text = README.read_text(encoding="utf-8")
    assert [
        names for names in {**TABLE, **ADDED} if f"`{names.replace(', ', '/')}" not in text
    ] == []


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from allin1_mlx.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as e: assert e.code == 0\n"
        "heavy = {'mlx', 'numpy', 'gradio', 'matplotlib', 'plotly', 'soundfile', 'tqdm', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("a.wav", []),
        ("--overwrite", STAGES),
        ("--overwrite all", STAGES),
        ("--overwrite json", ["json"]),
        ("--overwrite edits,viz", ["edits", "viz"]),
        ("--overwrite viz,sonify", ["viz", "sonify"]),
        ("--overwrite=demix,spec a.wav", ["demix", "spec"]),
        ("--overwrite music/a.wav", STAGES),
        ("--overwrite *.mp3 b.wav", STAGES),
        ("--overwrite -v", STAGES),
        ("--overwrite -- json", STAGES),
    ],
)
def test_overwrite_takes_stages_but_never_a_song(text: str, stages: list[str]) -> None:
    options = parse_options(["first.wav", *text.split()])
    assert options.overwrite == set(stages)


def test_options_and_songs_come_in_any_order() -> None:
    options = parse_options(["a.wav", "-o", "out", "b.wav", "-v", "--", "-c.wav"])
    assert options.paths == ["a.wav", "b.wav", "-c.wav"]
    assert (options.out_dir, options.visualize) == (Path("out"), True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "SONG"),
        ("a.wav --nonsense", "--nonsense"),
        ("a.wav --out", "--out"),
        ("a.wav --overwrite jsn", "'jsn' is not a stage"),
        ("a.wav --overwrite=json,x", "'x' is not a stage"),
        ("a.wav --viz-format gif", "gif"),
        ("a.wav --export midi,gif", "'gif' is not a format"),
        ("a.wav -v --with-sound", "--with-sound is for"),
        ("a.wav --viz-format html --with-sound", "--with-sound is for"),
        ("a.wav --export lab --midi-simplify", "--midi-simplify is for"),
        ("a.wav --shard 0/4", "0/4"),
        ("a.wav --shard 5/4", "5/4"),
        ("a.wav --shard 1", "'1'"),
        ("a.wav --mlx-batch-size 0", "'0'"),
        ("a.wav --jobs two", "'two'"),
        ("a.wav --jobs 2 --no-multiprocess", "--no-multiprocess forbids"),
        ("a.wav --stems-dir s --demix spectral", "--stems-dir takes the place"),
        ("a.wav --stems-dir s --demix-seed 1", "--demix-seed is for"),
        ("a.wav --demix spectral --demix-seed 1", "--demix-seed is for"),
        ("a.wav --mlx-weights-dir w --mlx-weights-path f", "leave one of them out"),
        ("a.wav --mlx-config-path c", "needs --mlx-weights-path"),
        ("a.wav --offline --weights-url http://x", "--offline forbids"),
        ("a.wav --engine ray --no-multiprocess", "--no-multiprocess forbids"),
        ("a.wav --engine ray --mlx-batch-size 2", "--mlx-batch-size"),
        ("a.wav --engine ray --timings-path t", "cannot measure"),
        ("a.wav --timings-viz-path t.gif", "not as gif"),
    ],
)
def test_wrong_usage_exits_with_two_and_a_reason(
    text: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(text.split())
    assert exit_info.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a.wav -m no-such-model", "no-such-model"),
        ("a.wav -m harmonix-all --mlx-weights-path f", "harmonix-all"),
        ("a.wav --mlx-weights-path nowhere.npz", "nowhere.npz"),
        ("a.wav --mlx-weights-dir nowhere", "nowhere"),
        ("a.wav -m harmonix-fold3 --offline", "harmonix-fold3"),
        ("a.wav -m bundled --demix spectral", "bundled"),
        ("a.wav -m bundled --stems-dir .", "bundled"),
    ],
)
def test_unavailable_models_exit_with_two(
    text: str,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path / "cache"))
    assert main(text.split()) == 2
    assert complaint in capsys.readouterr().err


def test_a_damaged_checkpoint_exits_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("w.npz", "w.yaml"):
        (tmp_path / name).write_text("no network")
    assert main(["a.wav", "--mlx-weights-path", str(tmp_path / "w.npz"), "-o", str(tmp_path)]) == 2
    assert "w." in capsys.readouterr().err


def test_a_song_that_begins_with_a_dash_gets_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-x.wav").touch()
    monkeypatch.setattr(sys, "argv", ["allin1-mlx", "-x.wav"])
    with pytest.raises(SystemExit):
        main()
    assert "./-x.wav" in capsys.readouterr().err


def test_version_names_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["--version"])
    assert exit_info.value.code == 0
    assert re.fullmatch(r"allin1-mlx \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_weights_has_its_own_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"]) == 0
    assert "harmonix-fold7" in capsys.readouterr().out
