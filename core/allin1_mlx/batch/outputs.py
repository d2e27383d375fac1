"""The files that a run writes, and their folders.

<out_dir>/<name>.json                          <array_dir>/<name>.activ.npz, <name>.embed.npy
<viz_dir>/<name>.<pdf, png, svg or html>       <sonif_dir>/<name>.sonif.<wav, flac or mp3>
<export_dir>/<name>.mid, <name>.lab ...
<demix_dir>/<separator>/<name>/bass.wav ...    <spec_dir>/<name>.npy
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..types import StemMethod

_MADE_OF = {
    "demix": (),
    "spec": ("demix",),
    "json": ("demix", "spec", "edits"),
    "viz": ("demix", "spec", "edits", "json"),
    "sonify": ("demix", "spec", "edits", "json"),
    "edits": (),
}  # the stages that each stage is made from
_SOUNDS = {
    ".flac": "flac",
    ".mp3": "mp3",
}  # of a song -> of its sonification; else wav


@dataclass(frozen=True)
class Outputs:
    """Folders, the requested files, and the finished work that is repeated.

    array_dir: None for out_dir. with_sound: whether HTML pages contain the song. in_memory: False
    if stems and spectrograms go through files. overwrite: names of stages; everything made from
    them is repeated too.
    """

    out_dir: Path = Path("struct")
    array_dir: Path | None = None
    activations: bool = False
    embeddings: bool = False
    visualize: bool = False
    viz_dir: Path = Path("viz")
    viz_format: str = "pdf"
    with_sound: bool = False
    sonify: bool = False
    sonif_dir: Path = Path("sonif")
    exports: tuple[str, ...] = ()
    export_dir: Path = Path("export")
    midi_simplify: bool = False
    keep_byproducts: bool = False
    demix_dir: Path = Path("demix")
    spec_dir: Path = Path("spec")
    in_memory: bool = True
    overwrite: frozenset[str] = frozenset()

    def overwrites(self, stage: str) -> bool:
        """Whether finished work of this stage is repeated."""
        return not self.overwrite.isdisjoint((stage, *_MADE_OF[stage]))

    @property
    def hold_sound(self) -> bool:
        """Whether files are written that contain the song's sound."""
        return self.sonify or self.with_sound

    def absolute(self) -> Outputs:
        """The same folders for a process with another current folder."""
        return replace(
            self,
            out_dir=self.out_dir.absolute(),
            array_dir=None if self.array_dir is None else self.array_dir.absolute(),
            viz_dir=self.viz_dir.absolute(),
            sonif_dir=self.sonif_dir.absolute(),
            export_dir=self.export_dir.absolute(),
            demix_dir=self.demix_dir.absolute(),
            spec_dir=self.spec_dir.absolute(),
        )

    def used_folders(self) -> Iterator[Path]:
        """Folders that will be written to."""
        yield self.out_dir
        if self.array_dir is not None and (self.activations or self.embeddings):
            yield self.array_dir
        if self.visualize:
            yield self.viz_dir
        if self.sonify:
            yield self.sonif_dir
        if self.exports:
            yield self.export_dir
        if self.keep_byproducts or not self.in_memory:
            yield self.spec_dir

    def result(self, name: str) -> Path:
        """<name>.json."""
        return self.out_dir / f"{name}.json"

    def activ(self, name: str) -> Path:
        """<name>.activ.npz."""
        return (self.array_dir or self.out_dir) / f"{name}.activ.npz"

    def embed(self, name: str) -> Path:
        """<name>.embed.npy."""
        return (self.array_dir or self.out_dir) / f"{name}.embed.npy"

    def picture(self, name: str) -> Path:
        """<name>.pdf, or of another kind."""
        return self.viz_dir / f"{name}.{self.viz_format}"

    def sonification(self, name: str, path: str) -> Path:
        """<name>.sonif.wav; FLAC and MP3 for songs that are so themselves."""
        return self.sonif_dir / f"{name}.sonif.{_SOUNDS.get(Path(path).suffix.lower(), 'wav')}"

    def export(self, name: str, suffix: str) -> Path:
        """<name>.mid or of another suffix."""
        return self.export_dir / f"{name}{suffix}"

    def stems(self, name: str, method: StemMethod) -> Path:
        """The folder of the stems of a song."""
        return self.demix_dir / method.kind / name

    def spectrogram(self, name: str) -> Path:
        """<name>.npy, (K, T, 81) float32."""
        return self.spec_dir / f"{name}.npy"
