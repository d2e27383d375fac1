"""Pitched instruments, synthesised from a few numbers each.

A Patch is one instrument of a family ("piano", "reese", "female", ...), drawn at random by
`draw_patch`; `play` returns one note of it. Sound is mono float32 at SAMPLE_RATE, roughly within
[-1, 1]. Pitches are MIDI numbers, times are seconds. The methods are standard: band-limited wave
tables, two-operator FM, Karplus & Strong's plucked string (1983), clipping for distorted guitars,
and vowels as resonances (formants after Peterson & Barney 1952).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.types import SAMPLE_RATE

Sound = NDArray[np.floating[Any]]  # float32 at the interfaces of this module
TABLE = 4096  # samples of one cycle in a wave table
RELEASE = 0.12  # seconds in which a note falls by 60 dB after its end

# First three formants in Hz of some vowels, adult male.
VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (440, 1020, 2240),
    (660, 1720, 2410),
)


@dataclass(frozen=True)
class Patch:
    """One instrument.

    engine: "table", "fm", "string", "power" or "voice"; low, high: its range, high excluded.
    decay 0 sustains; bright_decay is that of the upper harmonics, in s.
    """

    family: str
    engine: str
    seed: int
    low: int
    high: int
    attack: float = 0.004
    decay: float = 0.0
    bright_decay: float = 0.5
    tilt: float = 1.0  # harmonic k has the amplitude k^-tilt
    even: float = 1.0  # level of the even harmonics
    cutoff: float = 6000.0  # Hz, of a 12 dB/octave low-pass
    bright: float = 0.5  # share of the decaying upper harmonics
    unison: int = 1
    detune: float = 0.0  # cents, largest of the unison
    vibrato: float = 0.0  # semitones
    glide: float = 0.0  # semitones at the start, to 0
    noise: float = 0.0
    noise_cutoff: float = 3000.0
    drive: float = 0.0
    ratio: float = 1.0  # FM: modulator to carrier
    index: float = 2.0
    drawbars: tuple[float, ...] = ()


def play(patch: Patch, *, pitch: int, seconds: float, variant: int = 0) -> Sound:
    """One note held for `seconds`, and its release: (n,). Equal arguments give equal sound."""
    rng = np.random.default_rng((patch.seed, pitch, variant))
    n = int((seconds + RELEASE) * SAMPLE_RATE)
    t = np.arange(n, dtype=np.float32) / SAMPLE_RATE
    sound = ENGINES[patch.engine](patch, 440.0 * 2.0 ** ((pitch - 69) / 12), t, rng)
    if patch.noise:
        puff = band_noise(n, patch.noise_cutoff, 4 * patch.noise_cutoff, rng)
        fall = np.exp(-t / (0.03 if patch.decay else 0.5)).astype(np.float32)
        sound = sound + patch.noise * puff * fall
    if patch.drive:
        sound = np.tanh(sound * patch.drive) / np.tanh(patch.drive)
    gate = np.minimum(1, t / patch.attack)
    gate *= np.exp(-6.9 * np.maximum(0, t - seconds) / RELEASE)
    return np.asarray(sound * gate, np.float32)


def band_noise(n: int, low: float, high: float, rng: np.random.Generator) -> Sound:
    """Noise between `low` and `high` Hz with soft edges, standard deviation about 1: (n,)."""
    size = 1 << (n - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size, np.float32))
    f = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    spectrum *= 1 / (1 + (low / np.maximum(f, 1)) ** 4) / (1 + (f / high) ** 4)
    noise = np.fft.irfft(spectrum)[:n]
    return np.asarray(noise / (noise.std() + 1e-9), np.float32)


def _cycle(amplitudes: NDArray[np.floating[Any]], rng: np.random.Generator) -> Sound:
    """One cycle of a sum of harmonics with random phases: (TABLE,)."""
    spectrum = np.zeros(TABLE // 2 + 1, np.complex128)
    count = min(len(amplitudes), TABLE // 4)
    phases = np.exp(2j * np.pi * rng.random(count))
    spectrum[1 : count + 1] = amplitudes[:count] * phases
    return np.asarray(np.fft.irfft(spectrum) * TABLE / 2, np.float32)


def _look_up(table: Sound, phase: NDArray[np.float64]) -> Sound:
    """The values of a table at phases in cycles; the result has the shape of `phase`."""
    return table[(phase * TABLE).astype(np.int64) & (TABLE - 1)]


def _phase(
    patch: Patch, frequency: float, t: Sound, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Running phase in cycles with vibrato and glide -> (n,)."""
    if not (patch.vibrato or patch.glide):
        return frequency * t.astype(np.float64) + rng.random()
    wave = np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t + rng.uniform(0, 6)) * np.minimum(
        1, t / 0.3
    )
    bend = patch.vibrato * wave + patch.glide * np.exp(-t / 0.04)
    cycles: NDArray[np.float64] = np.cumsum(frequency * 2.0 ** (bend / 12.0)) / SAMPLE_RATE
    return cycles + rng.random()


def _table(patch: Patch, frequency: float, t: Sound, rng: np.random.Generator) -> Sound:
    """Wave tables: a body of harmonics, and brighter ones that decay faster."""
    k = np.arange(1.0, max(2, int(16000 / frequency)))
    if patch.drawbars:
        amplitudes = 0 * k
        bars = min(len(k), len(patch.drawbars))
        amplitudes[:bars] = patch.drawbars[:bars]
    else:
        amplitudes = k**-patch.tilt * np.where(k % 2 == 0, patch.even, 1.0)
    body = amplitudes / (1 + (k * frequency / patch.cutoff) ** 2)
    shine = amplitudes / (1 + (k * frequency / (4 * patch.cutoff)) ** 2) - body
    tables = _cycle(body, rng), _cycle(shine * patch.bright, rng)
    scale = 0.7 / (np.sqrt(np.sum(body**2)) + 1e-9) / np.sqrt(patch.unison)
    slow = np.exp(-t / patch.decay) if patch.decay else np.ones_like(t)
    fast = np.exp(-t / patch.bright_decay)
    sound = np.zeros_like(t)
    for voice in range(patch.unison):
        spread = 2 * voice / max(1, patch.unison - 1) - 1
        phase = _phase(patch, frequency * 2 ** (spread * patch.detune / 1200), t, rng)
        sound += _look_up(tables[0], phase) * slow + _look_up(tables[1], phase) * fast
    return np.asarray(sound * scale, np.float32)


def _fm(patch: Patch, frequency: float, t: Sound, rng: np.random.Generator) -> Sound:
    """Two-operator FM; the index falls with bright_decay."""
    phase = 2 * np.pi * _phase(patch, frequency, t, rng)
    limit = 9000 / (frequency * max(1.0, patch.ratio))  # keeps the side bands in range
    index = min(patch.index, limit) * np.exp(-t / patch.bright_decay)
    carrier = np.sin(phase + index * np.sin(patch.ratio * phase))
    fall = np.exp(-t / patch.decay) if patch.decay else 1.0
    return np.asarray(0.7 * carrier * fall, np.float32)


def _string(patch: Patch, frequency: float, t: Sound, rng: np.random.Generator) -> Sound:
    """A plucked string: noise in a delay line that loses its treble."""
    period = SAMPLE_RATE / frequency
    size = int(period)
    loss = 0.001 ** (1 / (max(0.05, patch.decay) * 2.3 * frequency))
    pluck = band_noise(size + 2, 30, patch.cutoff, rng)
    position = max(1, int(size * rng.uniform(0.1, 0.4)))
    line = pluck - np.roll(pluck, position)  # the place of plucking cancels harmonics
    rounds = len(t) // size + 2
    out = np.empty((rounds, size), np.float32)
    soft = rng.uniform(0.005, 0.08) * min(1.0, 300 / frequency)
    for i in range(rounds):
        out[i] = line[:size]
        # A fractional delay of `period` and a slight average: both are the loop's filter.
        line[: size - 1] = loss * ((1 - soft) * line[: size - 1] + soft * line[1:size])
        line[size - 1] = loss * line[size - 1]
    flat = out.reshape(-1)
    # The loop has size - soft samples; it is read slightly slower or faster to be in tune.
    where = np.arange(len(t)) * ((size - soft) / period)
    whole = where.astype(np.int64)
    weight = (where - whole).astype(np.float32)
    sound = flat[whole] * (1 - weight) + flat[whole + 1] * weight
    return np.asarray(0.35 * sound, np.float32)


def _power(patch: Patch, frequency: float, t: Sound, rng: np.random.Generator) -> Sound:
    """Root, fifth and octave through a clipping amplifier and a speaker."""
    k = np.arange(1, max(2, min(25, int(9000 / frequency))))
    table = _cycle(k**-patch.tilt, rng)
    sound = np.zeros_like(t)
    for interval in (1.0, 1.498, 2.0):
        sound += _look_up(table, _phase(patch, frequency * interval, t, rng))
    if patch.decay:
        sound = sound * np.exp(-t / patch.decay)
    return low_pass(np.tanh(sound * patch.index).astype(np.float32), 80, patch.cutoff)


def low_pass(sound: Sound, low: float, high: float) -> Sound:
    """Keep `low` to `high` Hz, 24 dB/octave, without delay -> same shape."""
    size = 1 << (len(sound) - 1).bit_length()
    spectrum = np.fft.rfft(sound, size)
    f = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    spectrum *= 1 / (1 + (low / np.maximum(f, 1)) ** 4) / (1 + (f / high) ** 4)
    return np.asarray(np.fft.irfft(spectrum)[: len(sound)], np.float32)


def _voice(patch: Patch, frequency: float, t: Sound, rng: np.random.Generator) -> Sound:
    """A syllable: the noise of a consonant, then a vowel that may change into another."""
    k = np.arange(1, max(2, int(14000 / frequency)))
    lift = patch.ratio  # vocal tract: shorter ones shift all formants up

    def vowel() -> Sound:
        formants = np.array(VOWELS[rng.integers(len(VOWELS))]) * lift
        hz = k * frequency
        gain = sum(
            g / (1 + ((hz - f) / (50 + 0.06 * f)) ** 2)
            for g, f in zip((1, 0.6, 0.35, 0.15), (*formants, 3500 * lift), strict=True)
        )
        amplitudes = k**-patch.tilt * (gain + 0.03)
        return _cycle(amplitudes / np.sqrt(np.sum(amplitudes**2)), rng)

    phase = _phase(patch, frequency, t, rng)
    sound = _look_up(vowel(), phase)
    if rng.random() < 0.4:
        turn = 1 / (1 + np.exp(-(t - rng.uniform(0.08, 0.3)) / 0.03))
        sound = sound * (1 - turn) + _look_up(vowel(), phase) * turn
    sound = 0.7 * sound * (1 - 0.25 * np.minimum(1, t))
    if rng.random() < 0.65:
        onset = int(rng.uniform(0.01, 0.06) * SAMPLE_RATE)
        sound = np.concatenate([np.zeros(onset, np.float32), sound[:-onset]])
        low = rng.uniform(1200, 6000)
        hiss = band_noise(len(t), low, low * rng.uniform(1.5, 3), rng)
        sound = sound + rng.uniform(0.05, 0.5) * hiss * np.exp(-t / rng.uniform(0.01, 0.05))
    return np.asarray(sound, np.float32)


ENGINES: dict[str, Callable[[Patch, float, Sound, np.random.Generator], Sound]] = {
    "table": _table,
    "fm": _fm,
    "string": _string,
    "power": _power,
    "voice": _voice,
}
