"""`allin1-mlx-ui`: its options and its port."""

import socket
from pathlib import Path

import pytest

from allin1_mlx_ui.app import check_weights, main, parse
from allin1_mlx_ui.server import find_port


def test_it_listens_on_this_computer_only_by_default() -> None:
    options = parse([])
    assert (options.host, options.port, options.offline) == ("127.0.0.1", 7860, False)


def test_an_open_address_needs_a_login(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(["--host", "0.0.0.0"])
    assert stop.value.code == 2
    assert "everyone who can reach this computer" in capsys.readouterr().err
    assert parse(["--host", "0.0.0.0", "--user", "a", "--password", "b"]).user == ["a"]


def test_half_a_login_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as stop:
        parse(["--user", "a"])
    assert stop.value.code == 2


def test_the_next_port_is_used_if_one_is_busy() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with find_port("127.0.0.1", port) as listener:
            assert port < listener.getsockname()[1] <= port + 50


def test_port_0_means_any_free_port() -> None:
    with find_port("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_foreign_address_cannot_be_listened_on() -> None:
    with pytest.raises(OSError, match=r"\w"):
        find_port("203.0.113.1", 7860)


def test_a_missing_model_is_reported_before_the_page_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--offline", "--weights-dir", str(tmp_path), "--no-browser", "--port", "0"]
    assert main(["--model", "harmonix-fold3", *options]) == 2
    assert "harmonix-fold3" in capsys.readouterr().err
    assert main(["--model", "nonsense", *options]) == 2
    assert main(["--model", "harmonix-all", "--demix", "htdemucs", *options]) == 2
    (tmp_path / "harmonix-fold3_mlx.npz").touch()
    assert main(["--model", "harmonix-fold3", *options]) == 2
    assert "no configuration beside it" in capsys.readouterr().err


def test_terms_are_shown_before_named_weights_are_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLIN1_MLX_CACHE", str(tmp_path))
    monkeypatch.setenv("ALLIN1_MLX_OFFLINE", "0")
    monkeypatch.chdir(tmp_path)
    lines = check_weights(parse(["--model", "harmonix-all", "--demix", "htdemucs"]))
    assert "10.1 MB" in lines[0]
    assert "MIT License, Copyright (c) 2023 Taejun Kim" in lines[0]
    assert "84.1 MB" in lines[1]
    assert '"personal and research use only"' in lines[1]
    assert check_weights(parse([])) == []
    assert list(tmp_path.iterdir()) == []


def test_the_bundled_network_takes_no_stems(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(["--model", "bundled", "--demix", "spectral"])
    assert stop.value.code == 2
    assert "leave out --demix" in capsys.readouterr().err
