"""A quick part of tests/benchmarks/attack.py."""

from pathlib import Path

import numpy as np
from tests.benchmarks.attacks import kills, networks, results, sounds

RANDOM = np.random.default_rng(7)


def test_damaged_results_cause_no_fault_and_nothing_is_lost(tmp_path: Path) -> None:
    row = results.attack_reader(tmp_path, results.make_files(40, RANDOM))
    assert (row.faults, row.inputs) == ([], 54)
    assert row.refused > 10
    row = results.attack_command(tmp_path, 15, RANDOM)
    assert (row.faults, row.inputs) == ([], 15)


def test_damaged_sounds_cause_no_fault(tmp_path: Path) -> None:
    paths = sounds.make_files(tmp_path, 20, RANDOM)
    row = sounds.attack_decoder(paths)
    assert (row.faults, row.inputs) == ([], 20)
    assert row.refused > 2
    assert row.accepted > 2
    assert row.memory < 2e9
    row = sounds.attack_command(tmp_path, paths)
    assert row.faults == []


def test_damaged_networks_cause_no_fault(tmp_path: Path) -> None:
    row = networks.attack_networks(tmp_path, 40, RANDOM)
    assert (row.faults, row.inputs) == ([], 40)
    assert row.refused > 10


def test_a_batch_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    row = kills.kill_batch(tmp_path, 2, RANDOM)
    assert row.faults == []
