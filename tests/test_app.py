"""`allin1-mlx-ui`: its options and its port."""

import socket
from pathlib import Path

import pytest

from allin1_mlx_ui.app import find_port, main, parse


def test_it_listens_on_this_computer_only_unless_told_otherwise() -> None:
    options = parse([])
    assert (options.host, options.port, options.offline) == ("127.0.0.1", 7860, False)


def test_an_open_address_needs_a_login(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(["--host", "0.0.0.0"])
    assert stop.value.code == 2
    assert "everyone who can reach this computer" in capsys.readouterr().err
    assert parse(["--host", "0.0.0.0", "--user", "a", "--password", "b"]).user == "a"


def test_half_a_login_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as stop:
        parse(["--user", "a"])
    assert stop.value.code == 2


def test_a_busy_port_moves_on_to_the_next() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with find_port("127.0.0.1", port) as listener:
            assert port < listener.getsockname()[1] <= port + 50


def test_any_port_will_do_for_port_0() -> None:
    with find_port("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_foreign_address_cannot_be_listened_on() -> None:
    with pytest.raises(OSError, match=r"\w"):
        find_port("203.0.113.1", 7860)


def test_a_model_that_is_not_there_is_told_before_the_page_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--offline", "--weights-dir", str(tmp_path), "--no-browser", "--port", "0"]
    assert main(["--model", "harmonix-fold3", *options]) == 2
    assert "harmonix-fold3" in capsys.readouterr().err
    assert main(["--model", "nonsense", *options]) == 2
