"""A quick part of tests/benchmarks/attack.py."""

from pathlib import Path

from tests.benchmarks.attack import attack_results


def test_damaged_results_cause_no_fault_and_nothing_is_lost(tmp_path: Path) -> None:
    rows = attack_results(tmp_path, 25, seed=7)
    assert [row.faults for row in rows] == [[], [], []]
    assert [row.inputs for row in rows] == [39, 39, 25]
    assert all(row.refused > 10 for row in rows)
