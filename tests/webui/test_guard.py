"""The guard: which hosts, which origins, which visitors."""

import base64

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from allin1_mlx_ui.guard import Guard, Login, is_loopback, is_own_host


def serve(host: str = "127.0.0.1", login: Login | None = None) -> TestClient:
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("song"))])
    app.add_middleware(Guard, host=host, login=login)
    return TestClient(app, base_url="http://127.0.0.1:7860")


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860"])
def test_this_computer_is_served(host: str) -> None:
    assert serve().get("/", headers={"host": host}).text == "song"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "127.0.0.1.evil.example",
        "192.168.1.2:7860",
        "",
        "[::2]",
    ],
)
def test_a_stranger_name_is_refused(host: str) -> None:
    answer = serve().get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "song" not in answer.text


def test_an_open_address_answers_to_addresses_but_not_to_names() -> None:
    for host in ("192.168.1.2:7860", "[fe80::1]:7860", "localhost:7860"):
        assert is_own_host(host, listening="0.0.0.0")
    for host in ("evil.example", "rebind.evil.example:7860", ""):
        assert not is_own_host(host, listening="0.0.0.0")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999"])
def test_other_sites_may_not_ask(origin: str) -> None:
    assert serve().get("/", headers={"origin": origin}).status_code == 403


def test_the_page_itself_may_ask() -> None:
    headers = {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"}
    assert serve().get("/", headers=headers).status_code == 200


def test_other_sites_may_link_but_not_embed() -> None:
    embed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert serve().get("/", headers=embed).status_code == 403
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert serve().get("/", headers=link).status_code == 200


def test_answers_forbid_the_browser_to_load_from_elsewhere() -> None:
    policy = serve().get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy


def test_a_login_is_asked_for_and_checked() -> None:
    client = serve("0.0.0.0", Login("anna", "pässword:1"))
    assert client.get("/").status_code == 401
    assert "basic" in client.get("/").headers["www-authenticate"].lower()
    for pair in ("anna:wrong", "otto:pässword:1", "anna:", ""):
        token = base64.b64encode(pair.encode()).decode()
        assert client.get("/", headers={"authorization": f"Basic {token}"}).status_code == 401
    assert client.get("/", headers={"authorization": "Basic %%%"}).status_code == 401
    right = base64.b64encode("anna:pässword:1".encode()).decode()
    assert client.get("/", headers={"authorization": f"Basic {right}"}).text == "song"


def test_loopback_is_known() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.0.0.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example"))
