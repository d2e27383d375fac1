"""A file is reused only if it is complete and has the same origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from allin1_mlx.batch.receipts import forget, is_made, make

ORIGIN = {"audio_sha256": "a" * 64, "demix": "spectral"}


def test_a_file_is_made_only_if_its_receipt_has_the_same_origin(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.npy"
    assert not is_made(path, ORIGIN)
    make(path, ORIGIN, lambda temporary: temporary.write_text("1"))
    assert path.read_text() == "1"
    assert is_made(path, ORIGIN)
    assert not is_made(path, {**ORIGIN, "demix": "htdemucs"})


def test_a_file_that_is_cut_off_or_gone_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    make(path, ORIGIN, lambda temporary: temporary.write_text("123"))
    path.write_text("12")
    assert not is_made(path, ORIGIN)
    path.unlink()
    assert not is_made(path, ORIGIN)


def test_a_failure_leaves_the_old_file_and_no_receipt(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    make(path, ORIGIN, lambda temporary: temporary.write_text("old"))

    def fail(temporary: Path) -> None:
        temporary.write_text("ne")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        make(path, ORIGIN, fail)
    assert path.read_text() == "old"
    assert not is_made(path, ORIGIN)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["x.npy"]


def test_damaged_receipts_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    make(path, ORIGIN, lambda temporary: temporary.write_text("123"))
    note = tmp_path / ".made" / "x.npy"
    for text in ("", "{", "[]", "null", "\udcff"):
        note.write_bytes(text.encode("utf-8", "surrogateescape"))
        assert not is_made(path, ORIGIN)
    forget(path)
    assert not note.exists()
    forget(path)
