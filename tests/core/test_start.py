"""Ctrl-C ends a program quietly at any moment."""

import subprocess
import sys
from pathlib import Path

import pytest

PRESS = "import os, signal; os.kill(os.getpid(), signal.SIGINT)\n"
DURING_IMPORT = PRESS
IN_MAIN = f"def main():\n    {PRESS}"
IN_AN_IMPORT_OF_MAIN = f"""
def main():
    try:
        {PRESS.strip()}
    except KeyboardInterrupt:
        raise RuntimeError("as Python raises it from a class that is being made")
"""


def run(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Start a module with this text, as the installed commands start theirs."""
    (folder / "program.py").write_text(program)
    code = "import sys; from allin1_mlx.cli.start import start; sys.exit(start('program'))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", [DURING_IMPORT, IN_MAIN, IN_AN_IMPORT_OF_MAIN])
def test_ctrl_c_is_quiet(tmp_path: Path, program: str) -> None:
    ended = run(tmp_path, program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_other_errors_are_shown(tmp_path: Path) -> None:
    ended = run(tmp_path, "def main():\n    raise RuntimeError('a fault')")
    assert ended.returncode == 1
    assert "RuntimeError: a fault" in ended.stderr


def test_the_exit_code_is_that_of_the_program(tmp_path: Path) -> None:
    assert run(tmp_path, "def main():\n    return 2").returncode == 2
