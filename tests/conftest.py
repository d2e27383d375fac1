"""Fixtures shared by all tests."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test downloads weights, whatever machine it runs on."""
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden vectors, weights and evaluation music beside the checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "REFERENCE.md").is_file():
        pytest.skip("needs the golden vectors in ../shared, which are not part of the project")
    return folder
