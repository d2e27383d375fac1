"""Fixtures shared by all tests."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "core"))  # for allin1_mlx_training, which no wheel holds


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test downloads weights, whatever machine it runs on."""
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden vectors, weights and evaluation music beside the checkout."""
    folder = ROOT.parent / "shared"
    if not (folder / "REFERENCE.md").is_file():
        pytest.skip("needs the golden vectors in ../shared, which are not part of the project")
    return folder
