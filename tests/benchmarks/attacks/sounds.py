"""Damaged sound files for the decoder, the command line and the page."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import numpy as np
from tests.support.pages import Page, User
from tests.support.small import write_network, write_song

from allin1_mlx.audio import load_audio
from allin1_mlx.audio.ffmpeg import has_ffmpeg
from allin1_mlx.errors import AudioError

from .results import run_command
from .row import Captive, Row, is_plain

BY_SOUNDFILE = ("wav", "flac", "ogg", "mp3", "aiff", "au", "caf", "w64")
BY_FFMPEG = ("m4a", "aac", "wma", "mka", "webm", "ac3", "ts")
LONGEST = 600.0  # seconds of a song in this attack
TOGETHER = 10  # files that are dropped on the page at once


def make_files(folder: Path, count: int, random: np.random.Generator) -> list[Path]:
    """`count` damaged files of all formats."""
    whole = [write_song(folder / "whole" / f"a.{suffix}") for suffix in BY_SOUNDFILE]
    for suffix in BY_FFMPEG if has_ffmpeg() else ():
        path = folder / "whole" / f"b.{suffix}"
        command = ["ffmpeg", "-v", "error", "-i", whole[0], "-ar", "48000", path]
        subprocess.run(command, check=True)
        whole.append(path)
    contents = [path.read_bytes() for path in whole]
    music = folder / "music"
    music.mkdir()
    paths = []
    for number in range(count):
        which = number % len(whole)
        other = contents[random.integers(len(contents))]
        paths.append(music / f"{number}{whole[which].suffix}")
        paths[-1].write_bytes(damage_sound(contents[which], other, random))
    return paths


def damage_sound(content: bytes, other: bytes, random: np.random.Generator) -> bytes:
    """The file with its header or its body changed, cut off, or mixed with another file."""
    bytes_ = bytearray(content)
    size = len(bytes_)
    action = random.integers(7)
    if action == 0:  # cut off
        return content[: random.integers(0, size)]
    if action == 1:  # the end of another file
        return content[: random.integers(1, size)] + other[random.integers(0, len(other)) :]
    if action == 2:  # a stretch is missing
        first = random.integers(0, size)
        del bytes_[first : first + random.integers(1, 4000)]
        return bytes(bytes_)
    if action == 3:  # noise in front, as of a tag
        return random.bytes(int(random.integers(1, 3000))) + content
    reach = 120 if action < 6 else size  # mostly in the header
    for place in random.integers(0, min(reach, size), random.integers(1, 12)):
        bytes_[place] = random.choice([0, 1, 127, 128, 255, random.integers(256)])
    if action == 5:  # a length of four bytes becomes large
        place = random.integers(0, min(reach, size - 4))
        bytes_[place : place + 4] = b"\xff\xff\xff\x7f"
    return bytes(bytes_)


def attack_decoder(paths: list[Path]) -> Row:
    """Each file alone."""
    row = Row("sounds: decoder")
    captive = Captive(decode)
    for path in paths:
        row.attack(lambda path=path: captive(path))
    captive.close()
    row.memory = captive.memory
    return row


def decode(path: Path) -> bool:
    """Decode one file."""
    try:
        audio = load_audio(path, max_seconds=LONGEST)
    except AudioError as e:
        if not is_plain(str(e), path.name):
            raise AssertionError(f"not one plain line: {e!r}") from e
        return False
    if not np.isfinite(audio.samples).all():
        raise AssertionError("samples that are no numbers")
    return True


def attack_command(folder: Path, paths: list[Path]) -> Row:
    """One run over all files. slowest: the mean time per song."""
    row = Row("sounds: command line, one run", inputs=len(paths))
    network = write_network(folder / "network")
    start = time.perf_counter()
    run_command(folder, network, row, codes=(0, 1))
    row.slowest = (time.perf_counter() - start) / len(paths)
    row.accepted = len(list((folder / "struct").glob("*.json")))
    row.refused = row.inputs - row.accepted
    row.expect(row.accepted > 0, "nothing was analysed")
    return row


def attack_page(page: Page, paths: list[Path]) -> Row:
    """The page, several at a time. slowest: the mean time per song."""
    row = Row("sounds: page")
    for first in range(0, len(paths), TOGETHER):
        part = paths[first : first + TOGETHER]
        start = time.perf_counter()
        songs = User(page).add({path.name: path.read_bytes() for path in part})
        row.inputs += len(part)
        row.accepted += sum(song["state"] == "done" for song in songs)
        row.refused += sum(song["state"] == "failed" for song in songs)
        for song in songs:
            plain = song["message"] == "" or is_plain(song["message"], song["name"])
            unexpected = "unexpected fault" in song["message"] or "from outside" in song["message"]
            row.expect(plain and not unexpected, f"{song['name']}: {song['message']}")
        row.slowest = max(row.slowest, (time.perf_counter() - start) / len(part))
    row.memory = page.memory()
    return row
