"""Play a score as sound: the bank's own instruments, note by note, mixed in stereo.

Audio is (2, n) float32 at SAMPLE_RATE within [-1, 1]. The loudness of notes and hits follows the
same rule as that of the bank's templates (power summed over the 81 bands), so both renderings of a
score have the same balance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allin1_mlx.types import SAMPLE_RATE

from .bank import (
    HITS,
    LENGTH,
    LOUD_BANDS,
    MORE_HITS,
    MORE_PATCHES,
    PATCHES,
    note_loudness,
    template,
)
from .instruments.drums import strike
from .instruments.patches import draw_patch
from .instruments.voices import Sound, band_noise, play
from .music.score import BASS, DRUMS, OTHER, VOCALS, DrumTrack, Effect, Score, Track

Audio = NDArray[np.floating[Any]]
PEAK = 0.7  # -3 dBFS: lossy coding overshoots
BLOCK, LOOK_AHEAD = 64, 6  # samples per block; blocks that the limiter reads ahead
REVERB_SECONDS = 1.8
WET = {BASS: 0.0, DRUMS: 0.06, OTHER: 0.22, VOCALS: 0.25}  # share that is sent to the reverberation
HARD = 0.6  # velocity of a drum's reference hit
GAIN = 30.0  # factor from unit power in the bands to a usual amplitude


def perform(score: Score) -> NDArray[np.float32]:
    """Play the whole score: (2, n)."""
    n = int(np.ceil(score.duration * SAMPLE_RATE))
    rng = np.random.default_rng((score.seed, 2))
    stems = np.zeros((4, 2, n), np.float32)
    widths = np.linspace(-0.6, 0.6, max(1, len(score.tracks)))
    for track, pan in zip(score.tracks, rng.permutation(widths), strict=False):
        centred = track.stem in (BASS, VOCALS)
        _play_track(stems[track.stem], track, pan=0.0 if centred else float(pan))
    for drum in score.drums:
        centred = drum.piece in ("kick", "kick808", "snare", "clap")
        _play_drum(stems[DRUMS], drum, pan=0.0 if centred else float(rng.uniform(-0.5, 0.5)))
    for effect in score.effects:
        _play_effect(stems[OTHER], effect, rng)
    if score.pump is not None:
        stems[list(score.pump.stems)] *= score.pump.gain(SAMPLE_RATE, n)
    wet = reverberate(sum(stems[s] * share for s, share in WET.items()), rng)
    mix = stems.sum(axis=0) + wet
    return limit(mix * _fades(score, n))


def _pan(sound: Sound, pan: float) -> Audio:
    """Mono (n,) to (2, n) at pan -1 (left) to 1, equal power."""
    angle = (pan + 1) * np.pi / 4
    return np.stack([np.cos(angle) * sound, np.sin(angle) * sound])


def _add(stem: Audio, sound: Audio, start: float) -> None:
    first = round(start * SAMPLE_RATE)
    length = min(sound.shape[1], stem.shape[1] - first)
    if length > 0:
        stem[:, first : first + length] += sound[:, :length]


def _play_track(stem: Audio, track: Track, *, pan: float) -> None:
    patch = draw_patch(track.family, track.choice % MORE_PATCHES.get(track.family, PATCHES))
    sounds: dict[tuple[tuple[int, ...], int, int], Audio] = {}
    for note in track.notes:
        key = (note.pitches, round(note.seconds * 50), note.variant)
        if key not in sounds:
            chord = np.zeros(1, np.float32)
            for pitch in note.pitches:
                inside = pitch - 12 * max(0, -(-(pitch - patch.high + 1) // 12))
                inside += 12 * max(0, -(-(patch.low - inside) // 12))
                sound = play(patch, pitch=inside, seconds=note.seconds, variant=note.variant % 3)
                loudness = note_loudness(template(sound, frames=LENGTH))
                chord = _sum(chord, sound * (GAIN / np.sqrt(loudness + 1e-9)))
            sounds[key] = _pan(chord, pan)
        _add(stem, sounds[key] * (track.level * note.level), note.start)


def _sum(a: Sound, b: Sound) -> Sound:
    """The sum of two sounds of any lengths."""
    n = max(len(a), len(b))
    return np.pad(a, (0, n - len(a))) + np.pad(b, (0, n - len(b)))


def _play_drum(stem: Audio, drum: DrumTrack, *, pan: float) -> None:
    seed = drum.choice % MORE_HITS.get(drum.piece, HITS)
    hits = {}
    for hard, velocity in ((False, 0.45), (True, 1.0)):
        sound = strike(drum.piece, seed=seed, velocity=velocity)
        peak = template(sound, frames=LOUD_BANDS.stop)[LOUD_BANDS].sum(axis=1).max()
        hits[hard] = _pan(sound * (GAIN / np.sqrt(peak)), pan)
    for hit in drum.hits:
        _add(stem, hits[bool(hit.velocity > HARD)] * (drum.level * hit.velocity), hit.start)


def _play_effect(stem: Audio, effect: Effect, rng: np.random.Generator) -> None:
    """Noise whose band moves, upwards for a riser."""
    n = int((effect.end - effect.start) * SAMPLE_RATE)
    x = np.linspace(0, 1, n)
    swell = x**1.5 if effect.kind == "riser" else np.exp(-2.5 * x)
    place = x if effect.kind == "riser" else 1 - x
    sound = np.zeros(n)
    centres = np.geomspace(400, 8000, 6)
    for i, hz in enumerate(centres):
        near = np.maximum(0, 1 - np.abs(place * (len(centres) - 1) - i))
        sound += band_noise(n, hz / 1.6, hz * 1.6, rng) * near
    _add(stem, _pan(0.04 * effect.level * sound * swell, 0.0), effect.start)


def _fades(score: Score, n: int) -> NDArray[np.float32]:
    gain = np.ones(n, np.float32)
    rise, fall = int(score.fade_in * SAMPLE_RATE), int(score.fade_out * SAMPLE_RATE)
    gain[:rise] = np.linspace(0, 1, rise)
    gain[n - fall :] *= np.linspace(1, 0, fall)
    return gain


def reverberate(sent: Audio, rng: np.random.Generator) -> Audio:
    """A small hall: each channel is convolved with different decaying noise: (2, n)."""
    n = sent.shape[1]
    length = int(REVERB_SECONDS * SAMPLE_RATE)
    t = np.arange(length) / SAMPLE_RATE
    size = 1 << (n + length - 1).bit_length()
    wet = np.empty_like(sent)
    for channel in range(2):
        tail = np.zeros(length)
        for low, high, decay in ((150, 800, 0.3), (800, 3000, 0.24), (3000, 9000, 0.12)):
            tail += band_noise(length, low, high, rng) * np.exp(-t / decay)
        tail *= np.minimum(1, t / 0.012) / np.sqrt(np.sum(tail**2))
        spectrum = np.fft.rfft(sent[channel], size) * np.fft.rfft(tail, size)
        wet[channel] = np.fft.irfft(spectrum, size)[:n]
    return wet


def limit(mix: Audio) -> NDArray[np.float32]:
    """Bring the loud parts to a common level and reduce short peaks; same shape."""
    n = mix.shape[1]
    blocks = -(-n // BLOCK)
    padded = np.pad(np.abs(mix).max(axis=0), (0, blocks * BLOCK - n))
    peaks = padded.reshape(blocks, BLOCK).max(axis=1)
    # A percentile, so that a single hit does not decide the level of the whole song.
    loudness = PEAK / max(float(np.quantile(peaks, 0.98)), 1e-9)
    reach = 2 * LOOK_AHEAD + 1
    around = np.lib.stride_tricks.sliding_window_view(np.pad(peaks, 2 * LOOK_AHEAD), reach)
    wanted = np.minimum(1, PEAK / np.maximum(around.max(axis=1) * loudness, 1e-9))
    window = np.hanning(reach + 2)[1:-1]
    gain = np.convolve(wanted, window / window.sum(), "valid")
    centres = (np.arange(blocks) + 0.5) * BLOCK
    smooth = np.interp(np.arange(n), centres, gain)
    return np.asarray(np.clip(mix * loudness * smooth, -PEAK, PEAK), np.float32)
