"""The guard: allowed hosts, origins and visitors."""

import base64

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from allin1_mlx_ui.attempts import Attempts, sender_of
from allin1_mlx_ui.guard import LARGEST_BODY, Guard, Login, is_loopback, is_own_host


def serve(host: str = "127.0.0.1", login: Login | None = None) -> TestClient:
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    song = Route("/", lambda request: PlainTextResponse("song"), methods=["GET", "POST"])
    app = Starlette(routes=[song, Route("/echo", echo, methods=["POST"])])
    app.add_middleware(Guard, host=host, logins=() if login is None else (login,))
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
        "[::1].evil.com",
        "[::1].evil.com:7860",
        "[::1]evil.com",
        "[::1",
        "[localhost]",
        "localhost:7860:7860",
        "localhost:evil",
        "localhost@evil.com",
        "evil.com/localhost",
        "local host",
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
def test_requests_from_other_sites_are_refused(origin: str) -> None:
    assert serve().get("/", headers={"origin": origin}).status_code == 403


def test_requests_from_the_page_are_accepted() -> None:
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


def test_a_login_is_required_and_checked() -> None:
    client = serve("0.0.0.0", Login("anna", "pässword:1"))
    assert client.get("/").status_code == 401
    assert "basic" in client.get("/").headers["www-authenticate"].lower()
    for pair in ("anna:wrong", "otto:pässword:1", "anna:", ""):
        token = base64.b64encode(pair.encode()).decode()
        assert client.get("/", headers={"authorization": f"Basic {token}"}).status_code == 401
    assert client.get("/", headers={"authorization": "Basic %%%"}).status_code == 401
    right = base64.b64encode("anna:pässword:1".encode()).decode()
    assert client.get("/", headers={"authorization": f"Basic {right}"}).text == "song"


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def test_ten_wrong_passwords_a_minute_then_the_address_waits() -> None:
    client = serve("0.0.0.0", Login("anna", "secret"))
    answers = [client.get("/", headers=basic(f"anna:{n}")).status_code for n in range(15)]
    assert answers == [401] * 10 + [429] * 5
    waiting = client.get("/", headers=basic("anna:secret"))
    assert waiting.status_code == 429
    assert 1 <= int(waiting.headers["retry-after"]) <= 60
    assert client.get("/").status_code == 401  # a browser that has not asked its user yet


def test_an_address_may_try_again_after_a_minute() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for second in range(10):
        now = float(second)
        assert attempts.wait("a") == 0
        attempts.add("a")
    now = 20.0
    assert (attempts.wait("a"), attempts.wait("b")) == (40, 0)
    now = 60.5
    assert attempts.wait("a") == 0
    attempts.add("a")
    assert attempts.wait("a") == 1


def test_few_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allin1_mlx_ui.attempts.MOST_SENDERS", 3)
    attempts = Attempts(lambda: 0.0)
    for sender in "aaaaaaaaaabbbbbbbbbbcd":
        attempts.add(sender)
    assert [attempts.wait(sender) for sender in "abcd"] == [0, 60, 0, 0]


@pytest.mark.parametrize(
    ("host", "sender"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_user_of_many_addresses_is_one_sender(host: str, sender: str) -> None:
    assert sender_of({"type": "http", "client": (host, 1)}) == sender


def test_large_requests_are_refused() -> None:
    client = serve()
    client.headers["content-type"] = "application/json"
    assert client.post("/", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    pieces = (b"x" * 100_000 for _ in range(20))  # of a length that is not announced
    assert client.post("/echo", content=pieces).status_code == 413
    assert client.post("/echo", content=b"x" * LARGEST_BODY).text == str(LARGEST_BODY)
    assert client.get("/", headers={"content-length": "-1"}).status_code == 413


def test_requests_contain_json_or_nothing() -> None:
    client = serve()
    assert client.post("/echo").text == "0"
    assert client.post("/echo", json={}).text == "2"
    for kind in ("text/plain", "multipart/form-data; boundary=x", ""):
        answer = client.post("/echo", content=b"\xff", headers={"content-type": kind})
        assert (answer.status_code, answer.text) == (415, "That request must contain JSON.\n")
    pieces = (b"\xff" for _ in range(2))
    assert client.post("/echo", content=pieces).status_code == 415


@pytest.mark.parametrize(
    "path", ["upload", "upload/", "proxy=http://evil.example", "deep_link", "process_recording"]
)
def test_addresses_of_gradio_that_the_page_does_not_use_are_closed(path: str) -> None:
    assert serve().post(f"/gradio_api/{path}").status_code == 404
    assert serve().get(f"/gradio_api/{path}").text == "The page has no such address.\n"


def test_loopback_is_known() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.0.0.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example"))
