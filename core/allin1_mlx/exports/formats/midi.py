"""A MIDI file with the tempo map of the song, so that the sequencer's beats match the song's beats.

Tick 0 is the first sample of the song. The music before the first downbeat becomes a short first
bar, followed by whole bars if it is long. A beat is a quarter note of TICKS ticks. After the
Standard MIDI File specification 1.1, texts in UTF-8.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import mido
import numpy as np
from numpy.typing import NDArray

from ...types import Result, find_duration
from ..format import File, Format, Options
from ..steady import exact_times, slopes_through
from ..text import one_line, song_title

TICKS = 960
SIXTEENTH = TICKS // 4
USUAL = 0.5  # seconds per beat in a song without beats
SLOWEST = 0xFFFFFF / 1e6  # smallest and largest seconds per beat in a tempo event
CLOSE = 0.0005  # most seconds between a beat and the tempo map
UNEVEN = 0.01  # most seconds between a beat and a simplified tempo map
LONGEST_BAR = 32  # beats; a longer bar is split into bars of usual length

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TempoMap:
    """Tempos (N,) in microseconds per beat, and their first ticks (N,) and times (N,)."""

    ticks: tuple[int, ...]
    times: tuple[float, ...]
    tempos: tuple[int, ...]

    def tick_at(self, time: float) -> int:
        """The tick nearest to a time."""
        index = max(bisect_right(self.times, time) - 1, 0)
        beats = (time - self.times[index]) * 1e6 / self.tempos[index]
        return self.ticks[index] + round(beats * TICKS)


def render(result: Result, options: Options) -> bytes:
    """The file. Each tempo lasts while its beats are within CLOSE, or UNEVEN to simplify."""
    ticks = _place_beats(result)
    tempo_map = _map_tempo(
        ticks, exact_times(result), tolerance=UNEVEN if options.simplify else CLOSE
    )
    events: list[tuple[int, mido.MetaMessage]] = [
        (0, mido.MetaMessage("track_name", name=song_title(result)))
    ]
    for tick, numerator, denominator in _signatures(result, ticks):
        signature = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
        events.append((tick, signature))
    for tick, tempo in zip(tempo_map.ticks, tempo_map.tempos, strict=True):
        events.append((tick, mido.MetaMessage("set_tempo", tempo=tempo)))
    for section in result.segments:
        marker = mido.MetaMessage("marker", text=one_line(section.label))
        events.append((tempo_map.tick_at(section.start), marker))
    # Ableton Live ignores the tempo map of a file without notes: add a very soft one.
    last = max(tempo_map.tick_at(find_duration(result)), TICKS)
    note = [
        (0, mido.Message("note_on", note=0, velocity=1)),
        (last, mido.Message("note_off", note=0, velocity=0)),
    ]
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    file.tracks.extend([_track(events), _track(note)])
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def _place_beats(result: Result) -> list[int]:
    """The tick of each beat: one beat apart, after a lead-in of whole sixteenths."""
    beats = result.beats
    if not beats:
        return []
    gaps = np.diff(beats)
    beat = float(np.median(gaps[:8])) if gaps.size else USUAL
    lead = max(1, round(4 * beats[0] / beat)) if beats[0] >= 1e-6 else 0
    lead = max(lead, math.ceil(4 * beats[0] / SLOWEST))
    steps = np.ceil(gaps / SLOWEST).astype(np.int64) * TICKS  # a long pause: several beats
    return (lead * SIXTEENTH + np.concatenate([[0], steps.cumsum()])).tolist()


def _map_tempo(ticks: list[int], beats: Floats, *, tolerance: float) -> TempoMap:
    """The fewest tempos that keep each beat within the tolerance; rounding errors do not add up."""
    places = np.array(ticks, dtype=np.float64)
    lead_in = bool(ticks) and ticks[0] > 0
    if lead_in:
        places, beats = np.insert(places, 0, 0.0), np.insert(beats, 0, 0.0)
    if places.size < 2:
        return TempoMap((0,), (0.0,), (round(USUAL * 1e6),))
    starts, times, tempos = [], [], []
    index, time = 0, 0.0
    while index < places.size - 1:
        reach = slice(index, 2 if lead_in and index == 0 else None)
        slopes = slopes_through(places[reach], beats[reach], start=time, tolerance=tolerance)
        least, greatest = (slope * TICKS * 1e6 for slope in slopes)
        fits = np.ceil(least) <= np.floor(greatest)
        fits[0] = True
        count = len(fits) if fits.all() else int(np.argmin(fits))
        tempo = min(max(round((least[count - 1] + greatest[count - 1]) / 2), 1), 0xFFFFFF)
        starts.append(int(places[index]))
        times.append(time)
        tempos.append(tempo)
        time += tempo / 1e6 * (places[index + count] - places[index]) / TICKS
        index += count
    return TempoMap(tuple(starts), tuple(times), tuple(tempos))


def _signatures(result: Result, ticks: list[int]) -> Iterator[tuple[int, int, int]]:
    """Tick, numerator and denominator at each change of the length of bars."""
    downbeats = [t for t, p in zip(ticks, result.beat_positions, strict=True) if p == 1]
    usual = min(result.meter or max(result.beat_positions, default=4), LONGEST_BAR)
    if not downbeats:
        yield 0, usual, 4
        return
    lengths = np.diff(downbeats) // SIXTEENTH
    before = downbeats[0] // SIXTEENTH
    first = 4 * usual
    if lengths.size and lengths[0] <= 4 * LONGEST_BAR:
        first = int(lengths[0])
    bars: list[tuple[int, int]] = []  # first tick and sixteenths
    if before % first:
        bars.append((0, before % first))
    if before >= first:
        bars.append(((before % first) * SIXTEENTH, first))
    bars.extend(zip(downbeats, [*lengths.tolist(), 0], strict=True))
    # The sixteenths of the last bar, which may be incomplete.
    rest = (ticks[-1] - downbeats[-1]) // SIXTEENTH + 4
    usual_end = int(lengths[-1]) if lengths.size else 4 * usual
    bars[-1] = (downbeats[-1], max(rest, usual_end))
    last = 0
    for start, length in bars:
        for tick, sixteenths in _cut(start, length, 4 * usual):
            if sixteenths != last:
                yield tick, *_fraction(sixteenths)
                last = sixteenths


def _cut(tick: int, length: int, usual: int) -> Iterator[tuple[int, int]]:
    """A bar, or the parts of a bar that is too long for a time signature."""
    if length <= 4 * LONGEST_BAR:
        yield tick, length
        return
    yield tick, usual
    if rest := length % usual:
        yield tick + (length - rest) * SIXTEENTH, rest


def _fraction(sixteenths: int) -> tuple[int, int]:
    """The time signature of a bar with the given sixteenths, in quarters if possible."""
    for denominator in (4, 8):
        if sixteenths * denominator % 16 == 0:
            return sixteenths * denominator // 16, denominator
    return sixteenths, 16


def _track(events: list[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    """A track of messages at absolute ticks; messages at one tick keep their order."""
    track = mido.MidiTrack()
    now = 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=0))
    return track


FORMAT = Format(
    description="tempo map, time signatures and section markers for any DAW",
    title="MIDI tempo map",
    hint="for Ableton Live, Logic, Cubase and others",
    files=(File(".mid", "every beat", render, simplified="few tempo changes"),),
)
