"""Facts about this machine: versions, devices, ffmpeg, weights, folders, a port for the page."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from ..audio.containers import file_digest
from ..audio.ffmpeg import has_ffmpeg
from ..errors import AllInOneError
from ..files import count_cores, replacing
from ..weights import bundled_files, cache_dir
from ..weights.registry import PUBLISHED

State = Literal["ok", "note", "FAULT"]  # a note limits the program; a fault is an error

PACKAGES = ("mlx", "mlx-cpu", "mlx-cuda-12", "mlx-cuda-13", "mlx-metal", "numpy", "soundfile")
LITTLE_SPACE = 1e9  # bytes
PORT = 7860  # port of the page, which takes the next free port if this one is in use


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    subject: str
    found: str
    state: State = "ok"


def find_software() -> Iterator[Finding]:
    """Versions of the program, of Python and of packages, and the system."""
    yield Finding("program", f"allin1-mlx {_version('allin1-mlx-ui') or '(not installed)'}")
    yield Finding("Python", f"{platform.python_implementation()} {platform.python_version()}")
    yield Finding("system", f"{platform.platform()}, {count_cores()} cores")
    present = [f"{name} {found}" for name in PACKAGES if (found := _version(name))]
    yield Finding("packages", ", ".join(present))


def find_devices() -> Iterator[Finding]:
    """The processor on which MLX computes, and its BLAS."""
    from ..network.backend import HAS_OPENBLAS, has_gpu, mx

    if has_gpu():
        about = mx.device_info()
        size = about.get("memory_size") or about.get("total_memory") or 0
        kind = "Metal" if mx.metal.is_available() else "CUDA"
        name = about.get("device_name", "unknown")
        yield Finding("GPU", f"{name} ({kind}), {int(size) / 1e9:.0f} GB")
    else:
        yield Finding("GPU", "none that MLX can use; it computes on the CPU")
    yield Finding("CPU", str(mx.device_info(mx.cpu).get("device_name", platform.processor())))
    if sys.platform == "darwin":
        yield Finding("BLAS", "Accelerate")
    elif HAS_OPENBLAS:
        yield Finding("BLAS", "OpenBLAS")
    else:
        slow = "NumPy's; separation and training use MLX's own, a slow one (OpenBLAS is missing)"
        yield Finding("BLAS", slow, "ok" if has_gpu() else "note")


def find_ffmpeg() -> Finding:
    """The version of ffmpeg."""
    if not has_ffmpeg():
        return Finding("ffmpeg", "missing; m4a, aac and wma cannot be read without it", "note")
    answer = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=False)
    first = answer.stdout.partition("\n")[0].removeprefix("ffmpeg version ").partition(" ")[0]
    if answer.returncode:
        return Finding("ffmpeg", f"does not start (exit code {answer.returncode})", "FAULT")
    return Finding("ffmpeg", first)


def find_weights() -> Iterator[Finding]:
    """The bundled weights, and the published ones in the cache with their checksums."""
    try:
        file = bundled_files()[0]
        yield Finding("bundled weights", f"{file.name}, SHA-256 {file_digest(file)[:16]}")
    except AllInOneError as e:
        yield Finding("bundled weights", str(e), "FAULT")
    folder = cache_dir()
    right, wrong = 0, []
    for known in {file.name: file for files in PUBLISHED.values() for file in files}.values():
        if (folder / known.name).is_file():
            if file_digest(folder / known.name) == known.sha256:
                right += 1
            else:
                wrong.append(known.name)
    if wrong:
        advice = "allin1-mlx weights verify"
        yield Finding("downloaded weights", f"damaged: {', '.join(wrong)}; see {advice}", "FAULT")
    else:
        yield Finding("downloaded weights", f"{right} files, checksums right" if right else "none")


def find_folders() -> Iterator[Finding]:
    """Whether results, downloads and temporary files can be written, and the space for them."""
    places = {
        "results": Path("struct"),
        "cache": cache_dir(),
        "temporary files": Path(tempfile.gettempdir()),
    }
    for name, folder in places.items():
        there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
        try:
            with replacing(there / ".allin1-mlx-doctor") as temporary:
                temporary.touch()
            (there / ".allin1-mlx-doctor").unlink()
        except OSError as e:
            yield Finding(f"folder: {name}", f"cannot be written: {e.strerror}", "FAULT")
            continue
        free = shutil.disk_usage(there).free
        state: State = "note" if free < LITTLE_SPACE else "ok"
        yield Finding(f"folder: {name}", f"can be written, {free / 1e9:.1f} GB free", state)


def find_port() -> Finding:
    """Whether the page can listen on this computer."""
    for port in (PORT, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError as e:
                reason = e.strerror
                continue
        found = f"{PORT} is free" if port else f"{PORT} is in use; the page takes the next"
        return Finding("port of the page", found)
    return Finding("port of the page", f"none can be opened on 127.0.0.1: {reason}", "FAULT")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
