"""The beats of one song, decoded as its network needs it."""

from __future__ import annotations

from ..types import Activations
from .bar_pointer import make_tables
from .beats import BARS, Beats, decode_beats, drop_guesses
from .meters import decode_meters
from .tempo_space import PUBLISHED, STEADY


def find_beats(found: Activations, *, threshold: float, steady: bool) -> Beats:
    """Find the beats of a song and their positions in the bar; none where hardly any is heard.

    found: the network's probabilities. threshold: lowest probability of the first and last beat.
    steady: False decodes as the published programs do, in bars of 3 or 4 beats; True expects
    tempos that hold for long, and bars of 2 to 7 beats.
    """
    decode = decode_meters if steady else decode_beats
    beats = decode(found.beat, found.downbeat, threshold=threshold)
    return drop_guesses(beats, found.beat, found.downbeat)


def prepare_tables(*, steady: bool) -> None:
    """Make the tables that `find_beats` needs for most songs now, not with the first song."""
    if steady:
        make_tables((1,), STEADY)
        make_tables((4,), STEADY)
    else:
        make_tables(BARS, PUBLISHED)
