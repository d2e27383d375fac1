"""Forms: the parts of a song, their order and length. Lengths are bars.

Songs follow the counts of `statistics`. Club tracks (house, techno, ...) have phrases of eight bars
with breakdowns, builds and drops. In real annotations of such music, drops are called "chorus" (or
"inst" without singing) and breakdowns "break" or "bridge".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .statistics import END, LABEL_OF_PART, START, load_statistics

Rng = np.random.Generator
TRIES = 200  # number of forms drawn before one of the wrong length is stretched
PLAIN = 0.15  # share of songs without the usual verses and choruses, not in dance music
HALVED = 0.15  # chance that a part returns with half its length


@dataclass(frozen=True)
class Part:
    """One section: its kind (a key of LABEL_OF_PART) and its bars."""

    name: str
    bars: int

    def label(self, *, sung: bool) -> str:
        """The section's label, one of types.LABELS: without singing, verse and chorus are inst."""
        label = LABEL_OF_PART[self.name]
        return label if sung or label not in ("verse", "chorus") else "inst"


def draw(rng: Rng, counts: dict[str, int]) -> str:
    """A random key, with a probability proportional to its count."""
    keys = list(counts)
    weights = np.array([counts[k] for k in keys], float)
    return keys[int(rng.choice(len(keys), p=weights / weights.sum()))]


def song_form(rng: Rng, *, group: str, bars: tuple[int, int]) -> list[Part]:
    """A form like those of real songs of a genre group, with a total in `bars` (least, most)."""
    if group != "dance" and rng.random() < PLAIN:
        return plain_form(rng, bars=bars)
    counts = load_statistics()[group]
    form: list[Part] = []
    for _ in range(TRIES):
        form = _walk(rng, counts)
        if bars[0] <= sum(part.bars for part in form) <= bars[1]:
            return form
    return _fit(form, bars)


def _walk(rng: Rng, counts: dict[str, Any]) -> list[Part]:
    form: list[Part] = []
    before = (START, START)
    lengths: dict[str, int] = {}
    while len(form) < 40:
        name = draw(rng, counts["next"][" ".join(before)])
        if name == END:
            break
        # Sections of a kind usually keep their length through a song.
        if name not in lengths or rng.random() < 0.3:
            lengths[name] = min(32, int(draw(rng, counts["bars"][name])))
            halved = False
        else:
            halved = lengths[name] % 4 == 0 and rng.random() < HALVED
        form.append(Part(name, lengths[name] // 2 if halved else lengths[name]))
        before = (before[1], name)
    return form


def _fit(form: list[Part], bars: tuple[int, int]) -> list[Part]:
    """Shorten or repeat parts until the length fits."""
    fitted = list(form)
    while len(fitted) > 1 and sum(p.bars for p in fitted) > bars[1]:
        fitted.pop(len(fitted) // 2)
    while sum(p.bars for p in fitted) < bars[0]:
        fitted = fitted + [Part(p.name, p.bars) for p in fitted]
    return fitted


def plain_form(rng: Rng, *, bars: tuple[int, int]) -> list[Part]:
    """A form with little contrast or repetition, with a total in `bars` (least, most).

    Strophic songs repeat the verse. AABA songs repeat two verses, a bridge and a verse.
    Through-composed songs have one different part after another.
    """
    length = int(rng.choice([4, 8, 8, 8, 12, 16]))
    strophe = {
        "strophic": ["verse", "verse", "inst"] if rng.random() < 0.4 else ["verse"],
        "aaba": ["verse", "verse", "bridge", "verse"],
        "through": [str(name) for name in rng.permutation(["verse", "chorus", "bridge", "inst"])],
    }[str(rng.choice(["strophic", "aaba", "through"], p=[0.35, 0.4, 0.25]))]
    form = [Part("intro", int(rng.choice([2, 4, 4, 8])))] if rng.random() < 0.8 else []
    form += [Part(name, length) for name in strophe]
    while sum(part.bars for part in form) < bars[0]:
        form += [Part(name, length) for name in strophe]
    if rng.random() < 0.6:
        form.append(Part("outro", int(rng.choice([2, 4, 8]))))
    return _fit(form, bars)


def club_form(rng: Rng, *, bars: tuple[int, int], vocal: bool) -> list[Part]:
    """Intro, then rounds of groove, breakdown, build and drop, then outro."""

    def phrase(*choices: int) -> int:
        # Slow music has shorter phrases, so that no single part dominates.
        return int(rng.choice([n for n in choices if n <= max(4, bars[1] // 3)]))

    drop = "chorus" if vocal or rng.random() < 0.6 else "inst"
    groove = "verse" if vocal or rng.random() < 0.5 else "inst"
    calm = "break" if rng.random() < 0.6 else "bridge"
    form = [Part("intro", phrase(4, 8, 8, 16, 16, 32))]
    while True:
        if rng.random() < 0.75:
            form.append(Part(groove, phrase(8, 16, 16, 32)))
        if rng.random() < 0.8:
            form.append(Part(calm, phrase(4, 8, 8, 16, 16)))
        if rng.random() < 0.6:
            form.append(Part("build", phrase(4, 8, 8, 16)))
        form.append(Part(drop, phrase(8, 16, 16, 32)))
        if rng.random() < 0.3:
            form.append(Part("postchorus" if drop == "chorus" else "inst", phrase(8, 16)))
        total = sum(part.bars for part in form)
        if total >= bars[0] + rng.random() * max(0, bars[1] - bars[0] - 16):
            break
    if rng.random() < 0.85:
        form.append(Part("outro", phrase(4, 8, 8, 16, 16)))
    while sum(part.bars for part in form) > bars[1] and len(form) > 4:
        form.pop(int(rng.integers(1, len(form) - 1)))
    return form
