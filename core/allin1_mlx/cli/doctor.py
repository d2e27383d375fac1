"""`allin1-mlx doctor`: print a table about this machine. Exit code 1 if something is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Examine this machine, print the table and return the exit code."""
    argparse.ArgumentParser(
        prog="allin1-mlx doctor",
        description="Check this machine and analyse the example song on each device. Prints one "
        "table for a bug report. Nothing is downloaded. Exit codes: 0 all well, 1 a fault.",
    ).parse_args(argv)
    from ..doctor.table import examine, format_table

    findings = list(examine())
    sys.stdout.write(format_table(findings))
    return int(any(finding.state == "FAULT" for finding in findings))
