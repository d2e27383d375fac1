"""A song's beats and sections for other programs.

    export(analysis, "midi", "out/song")        # writes out/song.mid
    render(analysis, "audacity")                # the same as bytes, for each suffix

Each format has a module of its own; what is written is what the analysis holds, corrections by
hand included. Songs without beats or sections give valid files without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from ..analysis import Analysis
from ..errors import UsageError
from ..files import replacing
from . import audacity, beats, jams, lab, reaper, rekordbox, tables


@dataclass(frozen=True)
class Format:
    """A format by name: what follows the song's name in those of its files, and what it is."""

    name: str
    suffixes: tuple[str, ...]
    description: str


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        f.name: f
        for f in (
            Format(
                "audacity",
                (".beats.txt", ".sections.txt"),
                "Audacity label tracks, one of beats and one of sections",
            ),
            Format(
                "csv",
                (".beats.csv", ".sections.csv"),
                "tables for spreadsheets, one of beats and one of sections",
            ),
            Format("beats", (".beats",), "a line for each beat: time and place in the bar"),
            Format("lab", (".lab",), "a line for each section: start, end, label (mir_eval)"),
            Format("midi", (".mid",), "tempo map, time signatures and section markers for any DAW"),
            Format("reaper", (".reaper.csv",), "REAPER regions (sections) and markers (bars)"),
            Format("jams", (".jams",), "beats, tempo and sections for music research"),
            Format(
                "rekordbox", (".rekordbox.xml",), "rekordbox beat grid and a memory cue per section"
            ),
        )
    }
)


def render(
    analysis: Analysis, format: str, *, simplify: bool = False, audio: Path | None = None
) -> dict[str, bytes]:
    """The files of one of FORMATS: their content for each suffix.

    simplify: MIDI with as few tempi as keep every beat within 10 ms, instead of one for each beat.
    audio: the song's file, for programs that look for it (rekordbox); by default its bare name.
    Raises UsageError where there is no such format.
    """
    if format not in FORMATS:
        raise UsageError(f"unknown export format {format!r}; known are {', '.join(FORMATS)}")
    return dict(
        zip(FORMATS[format].suffixes, _contents(analysis, format, simplify, audio), strict=True)
    )


def export(
    analysis: Analysis,
    format: str,
    path: str | PathLike[str],
    *,
    simplify: bool = False,
    audio: Path | None = None,
) -> tuple[Path, ...]:
    """Write the files of one of FORMATS as `path` and their suffixes; give their paths.

    Options and errors as of `render`; OSError where a file cannot be written.
    """
    written = []
    for suffix, content in render(analysis, format, simplify=simplify, audio=audio).items():
        destination = Path(path).with_name(Path(path).name + suffix)
        with replacing(destination) as temporary:
            temporary.write_bytes(content)
        written.append(destination)
    return tuple(written)


def _contents(
    analysis: Analysis, name: str, simplify: bool, audio: Path | None
) -> tuple[bytes, ...]:
    if name == "audacity":
        return audacity.render_beats(analysis), audacity.render_sections(analysis)
    if name == "csv":
        return tables.render_beats(analysis), tables.render_sections(analysis)
    if name == "beats":
        return (beats.render(analysis),)
    if name == "lab":
        return (lab.render(analysis),)
    if name == "midi":
        from . import midi  # mido is needed for nothing else

        return (midi.render(analysis, simplify=simplify),)
    if name == "reaper":
        return (reaper.render(analysis),)
    if name == "jams":
        return (jams.render(analysis),)
    return (rekordbox.render(analysis, audio=audio),)
