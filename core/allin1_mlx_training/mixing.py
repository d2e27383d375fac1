"""Random mixing and mastering of a song, applied to band powers.

Powers are (T, 4, 81) float32: frames at 100/s, stems bass, drums, other, vocals, bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.log_spectrogram import band_frequencies
from allin1_mlx.types import FPS

from .music.score import OTHER, Score, Sweep

Rng = np.random.Generator
Powers = NDArray[np.float32]

# Natural logarithm of the amplitude, per band, that gives composed songs the mean spectrum of
# real songs, at these frequencies.
TILT_HZ = (30.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
TILT = (0.1, 0.1, 0.0, 0.0, 0.0, -0.05, -0.15, -0.3, -0.5, -0.65)
BEATING_FRAMES, BEATING_HZ = 3, 500.0
STEM_LEVELS = (0.9, 1.7, 0.8, 1.3)  # usual relative amplitudes
LOUDNESS = (0.52, 0.15, 0.1, 1.05)  # mean log10(1 + magnitude): mean, deviation, least, most


@dataclass(frozen=True)
class Sound:
    """The mix of one song. Values are amplitude factors if not described otherwise.

    stems: (4,); equaliser: (4, 81); wet: (4,) share of reverberation in power; decay: (4, 81)
    factor of its power per frame; compression: 0 (none) to 0.5; attack: frames; hiss: power of
    noise relative to the song's mean; cut: (81,) power; loudness: mean log10(1 + magnitude).
    grain, beating: standard deviation of the logarithm of interference between partials: grain from
    frame to frame in all bands; beating slower (BEATING_FRAMES) and only in low bands, where
    several partials share a band.
    """

    stems: NDArray[np.float32]
    equaliser: NDArray[np.float32]
    wet: NDArray[np.float32]
    decay: NDArray[np.float32]
    compression: float
    attack: float
    hiss: float
    cut: NDArray[np.float32]
    loudness: float
    grain: float
    beating: float


def draw_sound(rng: Rng) -> Sound:
    """A random mix for a song."""
    f = band_frequencies()
    stems = 10 ** (rng.normal(0, 3, 4) / 20) * np.array(STEM_LEVELS)
    tilt = np.exp(np.interp(np.log(f), np.log(TILT_HZ), TILT))
    common = tilt * _curve(rng, f, deviation=3.5)
    own = np.stack([_curve(rng, f, deviation=2.0) for _ in range(4)])
    wet = np.where(rng.random(4) < 0.75, rng.uniform(0.02, 0.4, 4), 0) * (0.3, 0.4, 1, 1)
    seconds = np.exp(rng.uniform(np.log(0.05), np.log(0.8), 4))  # to fall by 8.7 dB
    bright = np.exp(np.interp(np.log(f), np.log([60, 1000, 12000]), np.log([0.7, 1, 0.35])))
    decay = np.exp(-2 / (seconds[:, None] * bright * FPS))
    cut = np.ones(len(f))
    if rng.random() < 0.35:  # lossy compression, old recordings, small speakers
        cut /= 1 + (f / rng.choice([15500, 11000, 7000, 4000], p=[0.55, 0.25, 0.12, 0.08])) ** 12
    if rng.random() < 0.15:
        cut /= 1 + (rng.uniform(40, 160) / f) ** 6
    mean, deviation, least, most = LOUDNESS
    return Sound(
        stems=stems.astype(np.float32),
        equaliser=(common * own).astype(np.float32),
        wet=wet.astype(np.float32),
        decay=decay.astype(np.float32),
        compression=float(rng.uniform(0.1, 0.5)) if rng.random() < 0.7 else 0.0,
        attack=float(rng.uniform(1, 12)),
        hiss=float(10 ** rng.uniform(-7, -3.5)) if rng.random() < 0.5 else 0.0,
        cut=cut.astype(np.float32),
        loudness=float(np.clip(rng.normal(mean, deviation), least, most)),
        grain=float(rng.uniform(0.05, 0.25)),
        beating=float(rng.uniform(0.2, 0.95)),
    )


def _curve(rng: Rng, f: NDArray[np.float32], *, deviation: float) -> NDArray[np.float64]:
    """A smooth random equaliser with the given deviation in dB -> (81,) amplitude."""
    knots = np.log([30, 80, 200, 500, 1200, 3000, 7000, 17000])
    steps = rng.normal(0, deviation, len(knots)) + rng.normal(0, deviation / 2) * np.linspace(
        -1, 1, 8
    )
    return np.asarray(10 ** (np.interp(np.log(f), knots, steps) / 20))


def reverberate(powers: Powers, sound: Sound) -> None:
    """Add an exponential tail to each stem and band, in place."""
    fed = powers * (sound.wet[:, None] * (1 - sound.decay) * 2)
    state = np.zeros_like(fed[0])
    for frame in fed:
        state *= sound.decay
        state += frame
        frame[:] = state
    powers += fed


def duck(powers: Powers, score: Score) -> None:
    """Apply the side chain, in place."""
    pump = score.pump
    if pump is None:
        return
    gain = pump.gain(FPS, len(powers))
    for stem in pump.stems:
        powers[:, stem] *= (gain**2)[:, None]


def sweep_filter(powers: Powers, sweep: Sweep) -> None:
    """Apply a moving low- or high-pass filter to one stem, in place."""
    T = len(powers)
    first, last = min(T, int(sweep.start * FPS)), min(T, int(sweep.end * FPS))
    if last <= first:
        return
    cutoff = np.geomspace(*sweep.cutoffs, last - first)[:, None]
    ratio = band_frequencies()[None] / cutoff
    ratio = ratio if sweep.kind == "low" else 1 / ratio
    powers[first:last, sweep.stem] *= (1 / (1 + ratio**4)).astype(np.float32)


def fade(powers: Powers, score: Score) -> None:
    """Fade in and out, in place."""
    T = len(powers)
    gain = np.ones(T, np.float32)
    if score.fade_in:
        n = min(T, int(score.fade_in * FPS))
        gain[:n] *= np.linspace(0.03, 1, n) ** 2
    if score.fade_out:
        n = min(T, int((score.fade_out + score.duration - score.beats[-1]) * FPS))
        gain[T - n :] *= np.linspace(1, 0.0, n) ** 2
    if score.fade_in or score.fade_out:
        powers *= (gain**2)[:, None, None]


def compress(powers: Powers, sound: Sound) -> None:
    """Apply a bus compressor that follows the sum of all stems, in place."""
    if not sound.compression:
        return
    level = powers.sum(axis=(1, 2))
    keep = float(np.exp(-1 / sound.attack))
    followed = np.empty_like(level)
    state = float(level[:100].mean())
    for i, value in enumerate(level.tolist()):
        state = keep * state + (1 - keep) * value
        followed[i] = state
    gain = (followed / (followed.mean() + 1e-9) + 0.05) ** -sound.compression
    powers *= np.minimum(gain, 6)[:, None, None].astype(np.float32)


def master(powers: Powers, sound: Sound, rng: Rng) -> Powers:
    """Add hiss, loudness and interference: powers to magnitudes, same shape, same memory."""
    T = len(powers)
    if sound.hiss:
        powers[:, OTHER] += sound.hiss * float(powers.sum(axis=1).mean()) * 4
    powers *= sound.cut
    np.sqrt(powers, out=powers)
    some = powers[:: max(1, T // 400)]
    powers *= level_for(np.sqrt((some**2).sum(axis=1)), sound.loudness)
    noise = _interference(T, sound, rng)
    for stem in range(4):
        powers[:, stem] *= np.roll(noise, int(rng.integers(T)), axis=0)
    return powers


def _interference(T: int, sound: Sound, rng: Rng) -> NDArray[np.float32]:
    """Random factors (T, 81) for magnitudes whose partials have unknown phases."""
    f = band_frequencies()
    white = rng.standard_normal((T, len(f)), np.float32)
    steps = np.cumsum(rng.standard_normal((T + BEATING_FRAMES, len(f)), np.float32), axis=0)
    slow = (steps[BEATING_FRAMES:] - steps[:-BEATING_FRAMES]) / np.float32(BEATING_FRAMES**0.5)
    slow *= sound.beating / (1 + (f / BEATING_HZ) ** 1.5)
    return np.exp(sound.grain * white + slow)


def level_for(magnitudes: NDArray[np.float32], loudness: float) -> float:
    """The factor that gives the mean log10(1 + magnitude) the value `loudness`, by bisection."""
    low, high = 1e-8, 1e8
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        if np.log10(1 + middle * magnitudes).mean() < loudness:
            low = middle
        else:
            high = middle
    return float(np.sqrt(low * high))
