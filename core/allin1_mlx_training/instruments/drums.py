"""Drums, percussion and effects, synthesised from a few numbers each.

`strike(piece, ...)` returns one hit of a random drum as mono float32 at SAMPLE_RATE. Skins are
sines with falling pitch, wires and cymbals are noise in bands, metal is a cluster of squares, as in
the drum machines of the 1980s.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.types import SAMPLE_RATE

from .voices import Sound, band_noise

PIECES = (
    "kick",
    "kick808",
    "snare",
    "rim",
    "clap",
    "snap",
    "hat",
    "ohat",
    "ride",
    "crash",
    "tomh",
    "tomm",
    "toml",
    "shaker",
    "tamb",
    "conga",
    "block",
    "cowbell",
)
LONG = ("crash", "ohat", "ride", "kick808")
SECONDS = 1.0  # seconds of a hit; LONG drums get twice as much

Rng = np.random.Generator


def strike(piece: str, *, seed: int, velocity: float = 1.0) -> Sound:
    """One hit -> (n,), peak about velocity; the same seed is the same drum."""
    rng = np.random.default_rng((seed, PIECES.index(piece)))
    seconds = SECONDS * (2 if piece in LONG else 1)
    t = np.arange(int(seconds * SAMPLE_RATE), dtype=np.float32) / SAMPLE_RATE
    sound = DRUMS[piece](t, rng)
    hardness = rng.uniform(0.8, 4) * velocity
    driven = np.tanh(sound * hardness) / np.tanh(hardness)
    peak = float(np.abs(driven).max()) + 1e-9
    return np.asarray(driven * velocity / peak, np.float32)


def _log(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _fall(t: Sound, seconds: float) -> NDArray[np.float64]:
    return np.exp(-t.astype(np.float64) / seconds)


def _skin(t: Sound, frequency: float, bend: float, bend_time: float) -> NDArray[np.float64]:
    """A sine that starts `bend` Hz higher and settles at `frequency`."""
    hz = frequency + bend * _fall(t, bend_time)
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE))


def _hiss(t: Sound, low: float, high: float, rng: Rng) -> Sound:
    return 0.4 * band_noise(len(t), low, high, rng)


def _kick(t: Sound, rng: Rng) -> NDArray[np.float64]:
    body = _skin(t, rng.uniform(38, 68), _log(rng, 40, 400), _log(rng, 0.006, 0.05))
    click = _hiss(t, _log(rng, 400, 4000), 9000, rng) * _fall(t, _log(rng, 0.001, 0.01))
    return body * _fall(t, _log(rng, 0.05, 0.3)) + rng.uniform(0, 0.8) * click


def _kick808(t: Sound, rng: Rng) -> NDArray[np.float64]:
    body = _skin(t, rng.uniform(35, 60), _log(rng, 30, 200), _log(rng, 0.01, 0.05))
    return body * _fall(t, _log(rng, 0.25, 0.8))


def _snare(t: Sound, rng: Rng) -> NDArray[np.float64]:
    f = rng.uniform(140, 270)
    tone = _skin(t, f, 0.4 * f, 0.01) + 0.5 * _skin(t, 1.6 * f, 0.3 * f, 0.01)
    wires = _hiss(t, _log(rng, 300, 2500), _log(rng, 5000, 16000), rng)
    return rng.uniform(0.1, 0.8) * tone * _fall(t, _log(rng, 0.02, 0.15)) + rng.uniform(
        0.4, 1.2
    ) * wires * _fall(t, _log(rng, 0.04, 0.3))


def _rim(t: Sound, rng: Rng) -> NDArray[np.float64]:
    tone = _skin(t, rng.uniform(400, 1800), 200, 0.002) * _fall(t, _log(rng, 0.008, 0.03))
    return tone + _hiss(t, 2000, 9000, rng) * _fall(t, 0.006)


def _clap(t: Sound, rng: Rng) -> NDArray[np.float64]:
    tail_start = rng.uniform(0.018, 0.035)
    envelope = np.where(t >= tail_start, _fall(t - np.float32(tail_start), _log(rng, 0.03, 0.2)), 0)
    for delay in np.sort(rng.uniform(0, tail_start, rng.integers(2, 5))):
        envelope = envelope + np.where(t >= delay, _fall(t - np.float32(delay), 0.004), 0)
    return np.asarray(_hiss(t, _log(rng, 500, 1300), _log(rng, 3500, 12000), rng) * envelope)


def _snap(t: Sound, rng: Rng) -> NDArray[np.float64]:
    f = _log(rng, 1500, 3500)
    return np.asarray(_hiss(t, f, 1.5 * f, rng) * _fall(t, _log(rng, 0.01, 0.05)))


def _metal(t: Sound, rng: Rng, low: float) -> NDArray[np.float64]:
    """Six detuned squares above `low` Hz: the cymbal of a drum machine."""
    sound = np.zeros(len(t))
    for f in low * rng.uniform(1, 2.7, 6):
        sound += np.sign(np.sin(2 * np.pi * f * t + rng.uniform(0, 6)))
    return sound / 6


def _cymbal(t: Sound, rng: Rng, low: float, high: float, fall: float) -> NDArray[np.float64]:
    noise = _hiss(t, low, high, rng) + rng.uniform(0, 0.8) * _metal(t, rng, _log(rng, 3000, 7000))
    return np.asarray(noise * _fall(t, fall))


def _hat(t: Sound, rng: Rng) -> NDArray[np.float64]:
    return _cymbal(t, rng, _log(rng, 3000, 9000), rng.uniform(9000, 19000), _log(rng, 0.01, 0.07))


def _ohat(t: Sound, rng: Rng) -> NDArray[np.float64]:
    return _cymbal(t, rng, _log(rng, 3000, 8000), rng.uniform(9000, 19000), _log(rng, 0.1, 0.5))


def _ride(t: Sound, rng: Rng) -> NDArray[np.float64]:
    ping = _metal(t, rng, rng.uniform(500, 1500)) * _fall(t, 0.1)
    return 0.4 * ping + _cymbal(t, rng, 3000, 12000, _log(rng, 0.2, 0.8))


def _crash(t: Sound, rng: Rng) -> NDArray[np.float64]:
    return _cymbal(t, rng, _log(rng, 600, 4000), rng.uniform(9000, 19000), _log(rng, 0.4, 1.2))


def _tom(t: Sound, rng: Rng, frequency: float) -> NDArray[np.float64]:
    body = _skin(t, frequency, frequency * rng.uniform(0.1, 0.7), 0.04)
    attack = _hiss(t, 500, 5000, rng) * _fall(t, 0.015)
    return body * _fall(t, _log(rng, 0.1, 0.35)) + rng.uniform(0.1, 0.5) * attack


def _tomh(t: Sound, rng: Rng) -> NDArray[np.float64]:
    return _tom(t, rng, rng.uniform(150, 240))


def _tomm(t: Sound, rng: Rng) -> NDArray[np.float64]:
    return _tom(t, rng, rng.uniform(105, 150))


def _toml(t: Sound, rng: Rng) -> NDArray[np.float64]:
    return _tom(t, rng, rng.uniform(65, 105))


def _shaker(t: Sound, rng: Rng) -> NDArray[np.float64]:
    rise = np.minimum(1, t / rng.uniform(0.005, 0.04))
    noise = _hiss(t, _log(rng, 3000, 8000), 15000, rng)
    return np.asarray(noise * rise * _fall(t, _log(rng, 0.02, 0.07)))


def _tamb(t: Sound, rng: Rng) -> NDArray[np.float64]:
    jingle = _metal(t, rng, rng.uniform(5000, 8000)) + _hiss(t, 5000, 16000, rng)
    return jingle * (_fall(t, 0.015) + 0.4 * _fall(t, _log(rng, 0.05, 0.2)))


def _conga(t: Sound, rng: Rng) -> NDArray[np.float64]:
    f = rng.uniform(160, 420)
    slap = _hiss(t, 800, 5000, rng) * _fall(t, 0.008)
    return _skin(t, f, 0.1 * f, 0.01) * _fall(t, _log(rng, 0.04, 0.2)) + slap


def _block(t: Sound, rng: Rng) -> NDArray[np.float64]:
    return _skin(t, rng.uniform(600, 2500), 50, 0.003) * _fall(t, _log(rng, 0.01, 0.06))


def _cowbell(t: Sound, rng: Rng) -> NDArray[np.float64]:
    f = rng.uniform(480, 650)
    squares = np.sign(np.sin(2 * np.pi * f * t)) + np.sign(np.sin(2 * np.pi * 1.48 * f * t))
    return np.asarray(squares * _fall(t, _log(rng, 0.04, 0.25)))


DRUMS: dict[str, Callable[[Sound, Rng], NDArray[np.float64]]] = {
    "kick": _kick,
    "kick808": _kick808,
    "snare": _snare,
    "rim": _rim,
    "clap": _clap,
    "snap": _snap,
    "hat": _hat,
    "ohat": _ohat,
    "ride": _ride,
    "crash": _crash,
    "tomh": _tomh,
    "tomm": _tomm,
    "toml": _toml,
    "shaker": _shaker,
    "tamb": _tamb,
    "conga": _conga,
    "block": _block,
    "cowbell": _cowbell,
}
