"""A rekordbox collection with one track: its beat grid and a memory cue for each section.

Times are seconds; a TEMPO marker starts a part of constant tempo, written with two decimals.
After "XML format list for use with rekordbox", AlphaTheta.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np

from ...types import Result, find_bpm, find_duration
from ..format import File, Format, Options
from ..steady import exact_times, slopes_through
from ..text import one_line, song_title

AHEAD = 64  # number of beats for which a marker is tried; doubled while it fits all of them
TOLERANCE = 0.0009  # most seconds between a beat and the grid of a marker


@dataclass(frozen=True)
class Marker:
    """The beat at `time` is beat `position` in a bar of `meter`; the next ones follow at `bpm`."""

    time: float
    bpm: float
    meter: int
    position: int


def render(result: Result, options: Options) -> bytes:
    """The collection; `audio` is the file that rekordbox opens, by default the song's name."""
    root = ElementTree.Element("DJ_PLAYLISTS", Version="1.0.0")
    ElementTree.SubElement(
        root, "PRODUCT", Name=result.program or "allin1-mlx", Version="", Company=""
    )
    collection = ElementTree.SubElement(root, "COLLECTION", Entries="1")
    track = ElementTree.SubElement(
        collection,
        "TRACK",
        TrackID="1",
        Name=song_title(result),
        Artist=one_line(result.tags.artist),
        TotalTime=str(int(find_duration(result))),
        AverageBpm=f"{find_bpm(result) or 0:.2f}",
        Location=_locate(result, options.audio),
    )
    for marker in _markers(result):
        ElementTree.SubElement(
            track,
            "TEMPO",
            Inizio=f"{marker.time:.3f}",
            Bpm=f"{marker.bpm:.2f}",
            Metro=f"{marker.meter}/4",
            Battito=str(marker.position),
        )
    for section in result.segments:
        ElementTree.SubElement(
            track,
            "POSITION_MARK",
            Name=one_line(section.label),
            Type="0",
            Start=f"{section.start:.3f}",
            Num="-1",
        )
    playlists = ElementTree.SubElement(root, "PLAYLISTS")
    ElementTree.SubElement(playlists, "NODE", Type="0", Name="ROOT", Count="0")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _markers(result: Result) -> Iterator[Marker]:
    """The fewest markers that keep each beat within TOLERANCE and at its position in the bar."""
    times = exact_times(result)
    positions = np.array(result.beat_positions, dtype=np.int64)
    meters = _meters(result)
    places = np.arange(len(times), dtype=np.float64)
    first, bpm, ahead = 0, 120.0, AHEAD
    while first < len(times):
        near = slice(first, first + ahead)
        counted = (positions[first] - 1 + places[near] - first) % meters[first] + 1
        right = (counted == positions[near]) & (meters[near] == meters[first])
        stop = first + (int(np.argmin(right)) if not right.all() else len(right))
        reach = slice(first, min(stop + 1, len(times)))  # the grid reaches the next marker
        least, greatest = slopes_through(
            places[reach], times[reach], start=times[first], tolerance=TOLERANCE
        )
        slowest, fastest = np.ceil(6000 / greatest), np.floor(6000 / least)
        fits = slowest <= fastest
        if right.all() and fits.all() and stop < len(times):
            ahead *= 2
            continue
        count = int(np.argmin(fits)) if not fits.all() else len(fits)
        if count:
            bpm = float((slowest[count - 1] + fastest[count - 1]) // 2 / 100)
        yield Marker(float(times[first]), bpm, int(meters[first]), int(positions[first]))
        if stop == len(times) and fits.all():
            return
        first, ahead = min(first + max(count, 1), stop), AHEAD


def _meters(result: Result) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Beats in the bar of each beat, (B,); the first and the last bar count as complete."""
    if not result.beats:
        return np.empty(0, dtype=np.int64)
    positions = np.array(result.beat_positions, dtype=np.int64)
    bars = np.cumsum(positions == 1)
    lengths = np.zeros(bars[-1] + 1, dtype=np.int64)
    np.maximum.at(lengths, bars, positions)
    usual = result.meter or int(lengths.max())
    for cut in (0, -1):
        lengths[cut] = max(lengths[cut], usual)
    return lengths[bars]


def _locate(result: Result, audio: Path | None) -> str:
    if audio is None:
        path = one_line(result.path.replace("\\", "/")).rpartition("/")[2].encode()
    else:
        path = os.fsencode(audio.absolute().as_posix().lstrip("/"))
    return f"file://localhost/{quote(path, safe='/:')}"


FORMAT = Format(
    description="rekordbox beat grid and one memory cue per section",
    title="rekordbox",
    hint="beat grid and cues",
    files=(File(".rekordbox.xml", "XML", render),),
)
