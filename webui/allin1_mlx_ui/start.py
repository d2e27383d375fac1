"""The program `allin1-mlx-ui`. Ctrl-C ends it quietly, even during its imports."""

from __future__ import annotations

from allin1_mlx.cli.start import start


def main() -> int:
    """Run until Ctrl-C. Returns the exit code."""
    return start("allin1_mlx_ui.app")
