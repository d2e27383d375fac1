"""Uploads before they become songs: only their sender can take them, and nobody can fill the
disk.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from allin1_mlx_ui import inbox as module
from allin1_mlx_ui.inbox import Inbox, RefusedError
from allin1_mlx_ui.routes.uploads import add_uploads

CONTENT = b"some sound " * 1000


async def arrive(content: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(content), 4096):
        yield content[first : first + 4096]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "uploads", largest=100_000)


@pytest.fixture
def send(inbox: Inbox) -> Callable[..., str]:
    def send(content: bytes = CONTENT, sender: str = "a") -> str:
        return asyncio.run(inbox.receive(arrive(content), sender))

    return send


def waiting(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "uploads").glob("*"))


def test_an_upload_can_be_taken_once(inbox: Inbox, send: Callable[..., str]) -> None:
    entry = {"id": send(), "name": "a song.wav"}
    upload = inbox.take(entry)
    assert upload is not None
    assert (upload.name, upload.path.read_bytes()) == ("a song.wav", CONTENT)
    assert inbox.take(entry) is None


@pytest.mark.parametrize("own", [".", "..", "../secret.wav", "", "/etc/passwd", "a\0", 7, None, []])
def test_only_identifiers_of_files_that_arrived_are_taken(
    inbox: Inbox, send: Callable[..., str], tmp_path: Path, own: Any
) -> None:
    (tmp_path / "secret.wav").write_text("secret")
    send()
    assert inbox.take({"id": own, "name": "x.wav"}) is None
    assert inbox.take({"path": str(waiting(tmp_path)[0]), "name": "x.wav"}) is None
    assert len(waiting(tmp_path)) == 1


@pytest.mark.parametrize("entry", ["x", None, [], {}, {"id": "x"}, {"name": "x"}])
def test_an_entry_of_another_form_is_no_file(inbox: Inbox, entry: Any) -> None:
    assert inbox.take(entry) is None


def test_names_and_identifiers_are_text(inbox: Inbox, send: Callable[..., str]) -> None:
    identifier = send()
    assert inbox.take({"id": identifier, "name": 7}) is None
    taken = inbox.take({"id": identifier, "name": "a\ud800\n.wav"})
    assert taken is not None
    assert taken.name == "a\ufffd?.wav"


def test_a_file_that_is_still_arriving_cannot_be_taken(inbox: Inbox, tmp_path: Path) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        (file,) = waiting(tmp_path)
        assert inbox.take({"id": file.name, "name": "x.wav"}) is None
        yield b"whole"

    assert asyncio.run(inbox.receive(half(), "a"))


def test_a_file_that_does_not_arrive_whole_leaves_nothing(inbox: Inbox, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        assert len(waiting(tmp_path)) == 1
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(inbox.receive(broken(), "a"))
    assert waiting(tmp_path) == []


def test_a_file_that_is_too_large_is_refused(send: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"limit of 0\.1 MB"):
        send(b"x" * 100_001)
    assert waiting(tmp_path) == []


def test_a_sender_has_a_number_of_files_and_others_have_their_own(
    send: Callable[..., str], inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 3)
    first, *_ = [send() for _ in range(3)]
    with pytest.raises(RefusedError, match="3 files wait"):
        send()
    send(sender="b")
    assert inbox.take({"id": first, "name": "x"}) is not None
    send()


def test_a_sender_has_a_number_of_bytes(
    send: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 25_000)
    send()
    send()
    with pytest.raises(RefusedError, match="wait; add these first"):
        send()
    send(sender="b")
    assert len(waiting(tmp_path)) == 3


def test_some_of_the_disk_stays_free(
    send: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESERVE", 10**20)
    with pytest.raises(RefusedError, match="disk is full"):
        send()
    assert waiting(tmp_path) == []


def test_an_upload_that_nobody_takes_is_deleted(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNUSED", 0.05)

    async def forget() -> str:
        identifier = await inbox.receive(arrive(CONTENT), "a")
        while waiting(tmp_path):
            await asyncio.sleep(0.01)
        return identifier

    identifier = asyncio.run(asyncio.wait_for(forget(), 20))
    assert inbox.take({"id": identifier, "name": "x"}) is None


@pytest.mark.parametrize("ends", [True, False])
def test_an_upload_that_stops_arriving_is_ended(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    monkeypatch.setattr(module, "PAUSE", 600.0 if ends else 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"half"
        if ends:
            inbox.close()
        await asyncio.sleep(600)

    with pytest.raises(RefusedError, match="server ends" if ends else "stopped arriving"):
        asyncio.run(inbox.receive(stuck(), "a"))
    assert waiting(tmp_path) == []


def test_the_page_sends_files_as_they_are(inbox: Inbox) -> None:
    app, router = FastAPI(), APIRouter()
    add_uploads(router, inbox)
    app.include_router(router)
    client = TestClient(app)
    answer = client.post("/uploads", content=CONTENT)
    upload = inbox.take({**answer.json(), "name": "x.wav"})
    assert upload is not None
    assert upload.path.read_bytes() == CONTENT
    refused = client.post("/uploads", content=b"x" * 100_001)
    assert (refused.status_code, refused.json()) == (
        413,
        {"detail": "larger than the limit of 0.1 MB"},
    )
