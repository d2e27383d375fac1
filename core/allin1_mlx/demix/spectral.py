"""The stems' spectrograms straight from the mix, without a separator.

The network needs only 81-band spectrograms, not audio, so masks on the mix's own band magnitudes
are enough: harmonic and percussive parts by median filtering (Fitzgerald 2010), then shares of
the harmonic part by pitch range for bass, other and vocals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..backend import mx
from ..filterbank import band_frequencies

HARMONIC_FRAMES = 31  # median along time: what lasts 0.3 s
PERCUSSIVE_BANDS = 15  # median along frequency: what is broad
BASS_CUTOFF = 180.0  # Hz
VOICE_RANGE = (200.0, 5000.0)  # Hz
VOICE_SHARE = 0.7  # of the harmonic part within the voice range, above the bass
BLOCK = 768  # frames computed at once: MLX's CUDA sort takes fewer than 65 536 rows, here 81 each


def spectral_stems(mix: mx.array) -> mx.array:
    """Split a mix's band magnitudes into four stems.

    mix: (T, 81) float32 linear magnitudes (`spectrogram.magnitudes`). Returns (4, T, 81) in the
    order bass, drums, other, vocals.
    """
    harmonic = _median_over_time(mix)
    percussive = _median_over_bands(mix)
    drums_share = _wiener_share(percussive, harmonic)
    low, voice = _pitch_shares()
    tonal = mix * (1 - drums_share)
    upper = tonal * (1 - low)
    return mx.stack(
        [
            tonal * low,
            mix * drums_share,
            upper * (1 - (1 - VOICE_SHARE) * voice),
            upper * voice * VOICE_SHARE,
        ]
    )


def _wiener_share(part: mx.array, rest: mx.array) -> mx.array:
    power = mx.square(part)
    return power / (power + mx.square(rest) + 1e-10)  # 0 where both are silent


def _pitch_shares() -> tuple[mx.array, mx.array]:
    """Per band: the bass's share (soft low-pass) and 1 within the voice range; (81,) each."""
    f = band_frequencies()
    low = 1 / (1 + (f / BASS_CUTOFF) ** 4)
    voice = (f > VOICE_RANGE[0]) & (f < VOICE_RANGE[1])
    return mx.array(low.astype(np.float32)), mx.array(voice.astype(np.float32))


def _median_over_time(mix: mx.array) -> mx.array:
    half = HARMONIC_FRAMES // 2
    T, F = mix.shape
    padded = _reflect(mix, half)

    def block(start: int, stop: int) -> mx.array:
        rows = mx.contiguous(padded[start : stop + 2 * half])
        return _median(mx.as_strided(rows, (stop - start, F, HARMONIC_FRAMES), (F, 1, F)))

    return _in_blocks(block, T)


def _median_over_bands(mix: mx.array) -> mx.array:
    half = PERCUSSIVE_BANDS // 2
    T, F = mix.shape
    padded = _reflect(mix.T, half).T
    width = F + 2 * half

    def block(start: int, stop: int) -> mx.array:
        rows = mx.contiguous(padded[start:stop])
        return _median(mx.as_strided(rows, (stop - start, F, PERCUSSIVE_BANDS), (width, 1, 1)))

    return _in_blocks(block, T)


def _in_blocks(compute: Callable[[int, int], mx.array], T: int) -> mx.array:
    blocks = []
    for start in range(0, T, BLOCK):
        blocks.append(compute(start, min(start + BLOCK, T)))
        mx.eval(blocks[-1])
    return mx.concatenate(blocks)


def _median(windows: mx.array) -> mx.array:
    """Median over the last axis, whose length is odd."""
    middle = windows.shape[-1] // 2
    return mx.partition(windows, middle, axis=-1)[..., middle]


def _reflect(x: mx.array, width: int) -> mx.array:
    """Continue the first axis by its mirror image (edge repeated) on both sides."""
    length = x.shape[0]
    period = np.arange(-width, length + width) % (2 * length)
    return x[mx.array(np.minimum(period, 2 * length - 1 - period))]
