"""The decoder's oracle: the plain Viterbi algorithm, frame by frame, over every state.

Written from the papers (Krebs, Böck & Widmer 2015; Böck, Krebs & Widmer 2016) without code of
`allin1_mlx`, in floating point, over all states of all frames. It has the arguments of
`decode_beats` and returns (times, positions).
"""

import numpy as np

FPS = 100


def decode(beat, downbeat, *, threshold, parts=1, count=60, steadiness=100, leap=np.inf):
    """(T,) probabilities of a beat and a downbeat -> seconds (B,), positions from 1 (B,).

    parts: of a frame that are looked at; count: intervals; steadiness, leap: how they change.
    """
    other = np.maximum(1e-8, beat - downbeat)
    neither = ((1 - beat) + (1 - downbeat)) / 2
    joint = np.stack([other, downbeat, neither], axis=-1)
    activations = (joint / joint.sum(axis=-1, keepdims=True))[:, :2]
    hits = np.flatnonzero((activations >= threshold).any(axis=1))
    if not hits.any():
        return np.empty(0), np.empty(0, int)
    heard = activations[hits[0] : hits[-1] + 1]
    places = np.linspace(0, len(heard) - 1, (len(heard) - 1) * parts + 1)
    heard = np.stack([np.interp(places, np.arange(len(heard)), row) for row in heard.T], axis=1)
    heard = heard.astype(activations.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.log([(1 - heard.sum(axis=1)) / 15, heard[:, 0], heard[:, 1]]).astype(float)
    density[np.isnan(density)] = -np.inf
    intervals = beat_intervals(FPS * parts, count)
    change = tempo_change(intervals, steadiness, leap)
    three, four = (decode_bars(density / parts, bar, intervals, change) for bar in (3, 4))
    score, beats_of, kinds = three if three[0] >= four[0] else four
    if score == -np.inf:
        return np.empty(0), np.empty(0, int)
    frames, positions = [], []
    edges = np.flatnonzero(np.diff(kinds > 0, prepend=False, append=False))
    for left, right in edges.reshape(-1, 2):
        frame = left + heard[left:right].max(axis=1).argmax()
        frames.append(hits[0] + (frame + parts // 2) // parts)
        positions.append(beats_of[frame] + 1)
    return np.array(frames, float) / FPS, np.array(positions, int)


def decode_bars(density, bar, intervals, change):
    """Log-probability, and of each frame on the best path its beat and its kind of density."""
    # States in the order of beat, interval, frame within the beat.
    lengths = np.tile(intervals, bar)
    last = lengths.cumsum() - 1
    first = last - lengths + 1
    beat_of = np.repeat(np.arange(bar), intervals.sum())
    frame_of = np.arange(len(beat_of)) - np.repeat(first, lengths)
    is_heard = frame_of / np.repeat(lengths, lengths) < 1 / 16
    kind = np.where(is_heard, np.where(beat_of == 0, 2, 1), 0)

    T, K = density.shape[1], len(intervals)
    origins = np.empty((T, bar, K), np.uint8)
    scores = np.full(len(beat_of), -np.log(len(beat_of)))  # before the first frame
    for t in range(T):
        ending = np.roll(scores[last].reshape(bar, K), 1, axis=0)
        options = ending[:, :, None] + change
        origins[t] = options.argmax(axis=1)
        scores[1:] = scores[:-1]
        scores[first] = options.max(axis=1).ravel()
        scores += density[kind, t]

    state = scores.argmax()
    score = scores[state]
    path = np.empty(T, int)
    for t in reversed(range(T)):
        path[t] = state
        if frame_of[state] > 0:
            state -= 1
        else:
            beat, k = divmod(int(np.searchsorted(first, state)), K)
            state = last[(beat - 1) % bar * K + int(origins[t, beat, k])]
    return score, beat_of[path], kind[path]


def beat_intervals(fps=FPS, count=60):
    """(count,) frames per beat: logarithmically spaced from 215 to 55 bpm, rounded, distinct."""
    n = count
    while True:
        candidates = np.logspace(np.log2(60 * fps / 215), np.log2(60 * fps / 55), n, base=2)
        intervals = np.unique(np.round(candidates)).astype(int)
        if len(intervals) >= count:
            return intervals
        n += 1


def tempo_change(intervals, steadiness=100, leap=np.inf):
    """(from, to) log-probabilities of the next beat's interval."""
    probability = np.exp(-steadiness * abs(intervals / intervals[:, None] - 1))
    probability[probability <= np.spacing(1)] = 0
    with np.errstate(divide="ignore"):
        change = np.log(probability / probability.sum(axis=1, keepdims=True))
    return np.maximum(change, -leap)


def random_song(seed, *, frames=None):
    """(beat, downbeat) as a network might give them, or might not: 50 to 1500 frames if not told.

    Pulses of drifting tempo in bars of 2 to 7 beats, with beats missing, added and smeared, in
    noise of any level; one song in six is certain of itself, with probabilities of just 0 and 1.
    """
    rng = np.random.default_rng(seed)
    T = frames or int(rng.integers(50, 1500))
    beat, downbeat = rng.uniform(0, rng.choice([0.001, 0.05, 0.3, 0.9]), (2, T))
    period, drift = rng.uniform(25, 130), rng.normal(0, 0.03)
    bar, number = int(rng.integers(2, 8)), 0
    time = rng.uniform(1, 60)
    while time < T - 3:
        frame = int(time) + int(rng.integers(0, 3))
        if rng.random() < 0.9:
            strength = rng.uniform(0.3, 1)
            beat[frame - 1 : frame + 2] = np.array([0.4, 1, 0.5])[: T - frame + 1] * strength
            if number % bar == 0 or rng.random() < 0.05:
                downbeat[frame] = strength * rng.uniform(0.5, 1.1)
        number += 1
        period = np.clip(period * (1 + drift * rng.random()), 20, 140)
        time += period * rng.normal(1, 0.03)
    beat, downbeat = np.clip([beat, downbeat], 1e-7, 1 - 1e-7).astype(np.float32)
    if seed % 6 == 0:
        beat[beat > 0.5] = 1
        downbeat[downbeat > 0.3] = 1
        downbeat[rng.random(T) < 0.3] = 0
    return beat, downbeat
