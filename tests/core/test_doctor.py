"""The doctor's table: what works, what does not, and the exit code."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allin1_mlx.audio import file_digest
from allin1_mlx.cli import doctor as command
from allin1_mlx.doctor import machine, table, trial
from allin1_mlx.doctor.machine import Finding
from allin1_mlx.doctor.table import format_table
from allin1_mlx.weights import bundled_files, registry

AGAIN = "write it again: python -m allin1_mlx.doctor.trial"


@pytest.fixture(scope="module")
def on_cpu() -> trial.Trial:
    found = trial.run_apart(trial.find_example(), "CPU")
    assert isinstance(found, trial.Trial)
    return found


def test_the_stored_result_is_that_of_this_version(on_cpu):
    stored = trial.read_stored()
    assert stored.sha256 == file_digest(bundled_files()[0]), AGAIN
    found = trial.compare(on_cpu, stored)
    assert found.agrees, f"{found}; {AGAIN}"
    assert len(stored.beats) > 100
    assert len(stored.starts) > 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"logits": lambda x: x + 0.1},
        {"logits": lambda x: x[:, :-1]},
        {"logits": lambda x: x * np.nan},
        {"beats": lambda x: x + 0.05},
        {"beats": lambda x: x[:-1], "positions": lambda x: x[:-1]},
        {"positions": lambda x: x % 4 + 1},
        {"labels": lambda x: np.roll(x, 1)},
    ],
)
def test_a_different_result_does_not_agree(wrong):
    stored = trial.read_stored()
    other = replace(stored, **{name: f(getattr(stored, name)) for name, f in wrong.items()})
    assert not trial.compare(other, stored).agrees
    assert trial.compare(stored, stored).agrees


def test_a_process_that_is_killed_is_a_line_of_the_table(monkeypatch):
    monkeypatch.setattr(trial, "run", _die)
    found = trial.run_apart(Path("song.ogg"), "GPU")
    assert "was ended" in found
    assert table._judge("example on the GPU", found, trial.read_stored()).state == "FAULT"


def _die(song: Path, device: str) -> None:
    import os

    os._exit(6)


def test_a_song_that_cannot_be_read_is_a_line_of_the_table(tmp_path):
    assert trial.run_apart(tmp_path / "no.ogg", "CPU").startswith("AudioError: no.ogg")


def test_other_weights_than_those_of_the_stored_result_are_reported():
    stored = trial.read_stored()
    found = table._judge("example on the CPU", replace(stored, sha256="0" * 64), stored)
    assert found.state == "FAULT"
    assert "weights" in found.found


def test_a_damaged_download_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path))
    name = registry.fold_files(0)[0].name
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / name).write_bytes(b"cut off")
    [fault] = [finding for finding in machine.find_weights() if finding.state == "FAULT"]
    assert name in fault.found


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(machine, "replacing", _refuse)
    found = {finding.subject: finding for finding in machine.find_folders()}
    assert found["folder: cache"].state == "FAULT"
    assert "No space" in found["folder: cache"].found


def _refuse(path: Path) -> None:
    raise OSError(28, "No space left on device")


def test_a_port_in_use_is_no_fault(monkeypatch):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(machine, "PORT", taken.getsockname()[1])
        found = machine.find_port()
    assert found.state == "ok"
    assert "in use" in found.found


def test_an_examination_that_fails_is_a_fault_and_the_table_is_complete(monkeypatch):
    def fail():
        raise ZeroDivisionError("7 / 0")
        yield

    monkeypatch.setattr(table, "find_devices", fail)
    monkeypatch.setattr(table, "_try_out", lambda song, *, gpu: [])
    found = list(table.examine())
    assert Finding("devices", "ZeroDivisionError: 7 / 0", "FAULT") in found
    assert found[-1].subject == "port of the page"


def test_columns_are_aligned_and_each_finding_is_one_line():
    text = format_table([Finding("a", "x\ny"), Finding("longer", "z", "FAULT")])
    assert text == "ok     a       x?y\nFAULT  longer  z\n"


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("note", 0), ("FAULT", 1)])
def test_only_a_fault_changes_the_exit_code(state, code, monkeypatch, capsys):
    monkeypatch.setattr(table, "examine", lambda: [Finding("GPU", "none", state)])
    assert command.main([]) == code
    assert capsys.readouterr().out == f"{state:<6} GPU  none\n"
