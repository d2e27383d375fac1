"""A quick part of tests/benchmarks/attack.py: the page."""

from pathlib import Path

import numpy as np
from tests.benchmarks.attack import serve
from tests.benchmarks.attacks import crowd, kills, results, sounds


def test_a_page_under_attack_has_no_fault(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    with serve(tmp_path) as (page, faults):
        rows = [
            results.attack_page(page, results.make_files(16, random)),
            sounds.attack_page(page, sounds.make_files(tmp_path, 6, random)),
            crowd.crowd(page, tmp_path, 3),
            crowd.drop(page, 520),
        ]
    assert [row.faults for row in rows] == [[], [], [], []]
    assert rows[0].refused > 5
    assert (rows[3].accepted, rows[3].refused) == (500, 20)
    assert faults == []


def test_a_page_that_is_killed_loses_no_correction(tmp_path: Path) -> None:
    row = kills.kill_page(tmp_path, 2, np.random.default_rng(7))
    assert row.faults == []
    assert row.inputs == 2
