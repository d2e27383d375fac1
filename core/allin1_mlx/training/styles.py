"""Styles of music: their tempi, grooves, instruments and habits.

A groove has one line per drum, one character per step, one or two bars: X accent, x normal, o
soft, - ghost, ? sometimes there, . rest. A beat has `steps` of them (3 where it is divided in
three). Tempo is that of the beats that annotators tap: drum and bass 174, dubstep 140 with the
snare on three, 6/8 in eighths as the Harmonix Set has it.
"""

from __future__ import annotations

from dataclasses import dataclass

Groove = dict[str, str]


@dataclass(frozen=True)
class Style:
    """What a song of a style draws from.

    weight: how often; group: whose forms (statistics) it follows; tempo: BPM least, usual, most.
    bass, comps: (families, patterns of `rhythm`); chances (0 to 1): swing, vocal, club (club
    form), pump (side chain), electronic (drum machine), drumless. loose: ms of human timing.
    """

    name: str
    weight: float
    group: str
    tempo: tuple[float, float, float]
    grooves: tuple[Groove, ...]
    bass: tuple[str, ...]
    bass_patterns: tuple[str, ...]
    comps: tuple[str, ...]
    comp_patterns: tuple[str, ...]
    leads: tuple[str, ...] = ("lead", "reed", "flute", "distlead", "brass", "piano")
    meter: int = 4
    steps: int = 4
    swing: float = 0.05
    vocal: float = 0.9
    club: float = 0.0
    pump: float = 0.03
    electronic: float = 0.2
    drumless: float = 0.0
    loose: float = 6.0
    modes: tuple[str, ...] = ("major", "major", "minor", "mixolydian")


def _groove(text: str) -> Groove:
    """Lines "kick X...x..." -> piece: steps."""
    rows = (line.split(maxsplit=1) for line in text.strip().splitlines())
    return {piece: steps.replace(" ", "") for piece, steps in rows}


def _grooves(*texts: str) -> tuple[Groove, ...]:
    return tuple(_groove(text) for text in texts)


ROCK = _grooves(
    "kick X.....?.X...?...\n snare ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X.......X.x.....\n snare ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X.x...?.X.?.....\n snare ....X.......X...\n ride x.o.x.o.x.o.x.o.",
    "kick X......x..x.....\n snare ....X.......X...\n hat x...x...x...x...",
    "kick X..x..x.?.x.....\n snare ....X.......X...\n hat xooox-o-x-o-x-o-",
    "kick ..x...?.X...?.x.\n snare ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X.x.....X.x....x\n snare ....X.......X...\n ohat x...x...x...x...",
    "kick X...X...X...X...\n snare ....X.......X...\n hat x.o.x.o.x.o.x.o.",
)
PUNK = _grooves(
    "kick X...X...X...X...\n snare ..X...X...X...X.\n hat x.x.x.x.x.x.x.x.",
    "kick X.....x.X.x.....\n snare ....X.......X...\n ohat x.x.x.x.x.x.x.x.",
    "kick X...x.x.X...x.x.\n snare ..X...X...X...X.\n crash X...x...x...x...",
    "kick X..x..x...x.x...\n snare ....X.......X...\n ride x.x.x.x.x.x.x.x.",
)
METAL = _grooves(
    "kick XxXxXxXxXxXxXxXx\n snare ....X.......X...\n ride x...x...x...x...",
    "kick X.xxX.xxX.xxX.xx\n snare ....X.......X...\n hat x...x...x...x...",
    "kick X.X.X.X.X.X.X.X.\n snare .X.X.X.X.X.X.X.X\n ride x...x...x...x...",
    "kick X..x..x...x..x..\n snare ........X.......\n crash x...x...x...x...",
    "kick X.x.x.xxX.x.x.xx\n snare ....X.......X...\n ohat x...x...x...x...",
    "kick X...x...X...x...\n snare ..X...X...X...X.\n hat x.x.x.x.x.x.x.x.",
)
POP = _grooves(
    "kick X.....x.X.......\n snare ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X..x..x...x.....\n snare ....X.......X...\n hat xoxoxoxoxoxoxoxo",
    "kick X......xX.......\n clap ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X...X...X...X...\n clap ....X.......X...\n hat o.x.o.x.o.x.o.x.",
    "kick X.......?.x.....\n snap ....X.......X...\n shaker o-x-o-x-o-x-o-x-",
    "kick X..x......x..x..\n snare ....X.......X..?\n hat x-o-x-o-x-o-x-o-",
    "kick X...x.x.X...x...\n snare ....X.......X...\n tamb ..x...x...x...x.",
)
BALLAD = _grooves(
    "kick X.....?.X.......\n rim ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X.......X.x.....\n snare ....X.......X...\n ride x.o.x.o.x.o.x.o.",
    "kick X.......?.......\n snare ........X.......\n hat x...x...x...x...",
    "kick X.........x.....\n snare ....X.......X...\n hat xo-ox-o-xo-ox-o-",
)
HIPHOP = _grooves(
    "kick X......x.xx.....\n snare ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X.x.....?.x..x..\n snare ....X.......X...\n hat x.x.x.xxx.x.x.x.",
    "kick X..x...x..x.....\n clap ....X.......X...\n hat x.o.x.o.x.oox.o.",
    "kick X....x.x..x.....\n snare ....X..-.-..X...\n hat x.o.x.o.x.o.x.o.\n perc ......x.......x.",
    "kick X.........x.....x..x......x.....\n snare ....X.......X.......X.......X..-"
    "\n hat x.o.x.o.x.o.x.o.x.o.x.o.x.o.x.o.",
)
TRAP = _grooves(
    "kick808 X......x..x.....\n clap ........X.......\n hat x.x.x.x.x.x.x.x.",
    "kick808 X.....x....x....\n snare ........X.......\n hat x.x.xxxxx.x.x.xx",
    "kick808 X..x......x.....\n clap ........X.......\n hat xxx.xxx.xxx.xx.x"
    "\n rim ..............?.",
    "kick808 X.........x...x.\n snap ........X.......\n hat x.x.x.x.x.xxxxxx",
)
TRAP_LOW = _grooves(  # the same feel, tapped at half the tempo: snare on two and four
    "kick808 X..x.x......x...\n clap ....X.......X...\n hat xxxxxxxxxxxxxxxx",
    "kick808 X....x...x......\n snare ....X.......X...\n hat xoxoxoxoxoxoxoxo"
    "\n ohat ..............x.",
)
HOUSE = _grooves(
    "kick X...X...X...X...\n clap ....X.......X...\n ohat ..x...x...x...x.",
    "kick X...X...X...X...\n clap ....X.......X...\n ohat ..x...x...x...x.\n hat x-o-x-o-x-o-x-o-",
    "kick X...X...X...X...\n snare ....X.......X...\n ohat ..x...x...x...x."
    "\n shaker o-x-o-x-o-x-o-x-",
    "kick X...X...X...X..?\n clap ....X..?....X...\n hat ..x...x...x...x.\n perc ...x..x....x..x.",
    "kick X...X...X...X...\n rim ..?x..x...?x..x.\n ohat ..x...x...x...x.",
    "kick X...X...X...X...\n ohat ..x...x...x...x.\n conga x..x..x.x..x..x.",
)
TECHNO = _grooves(
    "kick X...X...X...X...\n ohat ..x...x...x...x.",
    "kick X...X...X...X...\n hat oooooooooooooooo\n ohat ..x...x...x...x.",
    "kick X...X...X...X...\n clap ....X.......X...\n ride ..x...x...x...x.",
    "kick X...X...X...X...\n toml ..x..x...x..?..x\n hat ..x...x...x...x.",
    "kick X...X...X...X...\n rim ...x..x....x..x.\n hat o.x.o.x.o.x.o.x.",
    "kick X...X...X...X...",
)
TRANCE = _grooves(
    "kick X...X...X...X...\n clap ....X.......X...\n ohat ..X...X...X...X.\n hat x-o-x-o-x-o-x-o-",
    "kick X...X...X...X...\n snare ....X.......X...\n ohat ..X...X...X...X."
    "\n ride x.x.x.x.x.x.x.x.",
)
ELECTRO = _grooves(
    "kick X.....x...x.....\n snare ....X.......X...\n hat x.x.x.x.x.x.x.x.",
    "kick X..x..x.....x...\n clap ....X.......X...\n hat xoxoxoxoxoxoxoxo",
    "kick X.....X..x..X...\n snare ....X.......X...\n cowbell x...x.x...x.x...",
    "kick X...X...X...X...\n snare ....X.......X..x\n hat xxoxxxoxxxoxxxox",
)
DUBSTEP = _grooves(
    "kick X.........?.....\n snare ........X.......\n hat x.o.x.o.x.o.x.o.",
    "kick X.....x.....?...\n snare ........X.......\n hat x..x..x.x..x..x.",
    "kick X..x.........x..\n clap ........X.......\n shaker x.o.x.o.x.o.x.o.",
    "kick X.....?...x.....X..x............\n snare ........X...............X......."
    "\n hat x.o.x.o.x.o.x.o.x.o.x.o.x.oox.o.",
)
DNB = _grooves(
    "kick X.........x.....\n snare ....X.......X...\n hat x.x.x.x.x.x.x.x.",
    "kick X.........x.....\n snare ....X..-.-..X..-\n ride x.x.x.x.x.x.x.x.",
    "kick X.x.......x.....\n snare ....X..o.-..X...\n hat xoxoxoxoxoxoxoxo",
    "kick X.x.......xx....X.x.......x.....\n snare ....X..o.o..X..o....X..o.o....X."
    "\n ride x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.",
    "kick X.......x.......\n snare ....X.......X...\n shaker xoxoxoxoxoxoxoxo",
)
GARAGE = _grooves(
    "kick X.........x.....\n clap ....X.......X...\n hat ..x...x...x..xx.",
    "kick X......x..x.....\n snare ....X..-....X..-\n hat ..xo..x...x...xo",
    "kick X..?......x..?..\n rim ....X..x....X...\n shaker x-ox-ox-x-ox-ox-",
    "kick X...X...X...X...\n clap ....X.......X...\n hat ..x..ox...x..ox.",
)
BREAKS = _grooves(
    "kick X.x.......xx....\n snare ....X..-.-..X..-\n hat x.x.x.x.x.x.x.x.",
    "kick X.x...x..x......\n snare ....X..o.o..X..o\n ride x.x.x.x.x.x.x.x.",
    "kick X......x..x.....\n snare ....X...-...X.-.\n ohat ..x...x...x...x.",
)
SYNTHWAVE = _grooves(
    "kick X...X...X...X...\n snare ....X.......X...\n hat xoxoxoxoxoxoxoxo",
    "kick X.......X.......\n snare ....X.......X...\n hat x.x.x.x.x.x.x.x.",
    "kick X.....x.X.....x.\n snare ....X.......X...\n hat o.x.o.x.o.x.o.x.\n tomm ..............?x",
)
FUTURE = _grooves(
    "kick X.....x.........\n clap ........X.......\n hat x.x.x.x.x.xxx.x.",
    "kick X..x..x.....?...\n snare ........X.......\n hat ..x...x...x...x.",
)
HARDSTYLE = _grooves(
    "kick X...X...X...X...\n ohat ..x...x...x...x.",
    "kick X...X...X...X...\n clap X...X...X...X...\n ohat ..X...X...X...X.",
    "kick X...X...X...X..x\n snare ....X.......X...\n ride ..x...x...x...x.",
)
LOFI = _grooves(
    "kick X.......?.x.....\n snare ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X..x......x.....\n rim ....X.......X...\n hat x.o.x.o.x.o.x.-.",
)
CHIP = _grooves(
    "kick X.....x.X.......\n snare ....X.......X...\n hat x.x.x.x.x.x.x.x.",
    "kick X...X...X...X...\n snare ....X.......X...\n hat ..x...x...x...x.",
    "kick X.x...x.X.x.....\n snare ....X.......X.xx\n hat xoxoxoxoxoxoxoxo",
    "kick X...X...X...X...\n snare ..X...X...X...X.",
    "hat x.o.x.o.x.o.x.o.\n snare ....X.......X...",
)
DISCO = _grooves(
    "kick X...X...X...X...\n snare ....X.......X...\n ohat ..X...X...X...X.\n hat xo.oxo.oxo.oxo.o",
    "kick X...X...X...X...\n clap ....X.......X...\n hat xoxoxoxoxoxoxoxo\n tamb ..x...x...x...x.",
)
FUNK = _grooves(
    "kick X.x....x..x..?..\n snare ....X..-.-..X..-\n hat xoxoxoxoxoxoxoxo",
    "kick X..x..x...x..x..\n snare ....X..-.-?.X...\n hat x.o.x.o.x.o.x.o.",
    "kick X.....?x..X.....\n snare -..-X.-.?-.-X..-\n hat xoooxoooxoooxooo",
)
SOUL = _grooves(
    "kick X.....x.X.......\n snare X...X...X...X...\n tamb ..x...x...x...x.",
    "kick X.......X.x.....\n snare ....X.......X...\n tamb x.x.x.x.x.x.x.x.",
    "kick X..x..x.X.......\n snare X...X...X...X...\n hat x.o.x.o.x.o.x.o.",
)
REGGAE = _grooves(
    "kick ........X.......\n rim ........X.......\n hat x.o.x.o.x.o.x.o.",
    "kick X...X...X...X...\n rim ........X.......\n hat x.o.x.o.x.o.x.o.",
    "kick X.......X.......\n snare ........X.......\n hat ..x...x...x...x.",
)
SKA = _grooves(
    "kick X...X...X...X...\n snare ....X.......X...\n hat ..x...x...x...x.",
    "kick X.......X.......\n snare ....X.......X...\n ohat ..x...x...x...x.",
)
DEMBOW = _grooves(
    "kick X...X...X...X...\n snare ...x..x....x..x.",
    "kick X.......X.......\n snare ...x..x....x..x.\n hat x.x.x.x.x.x.x.x.",
    "kick X...X...X...X...\n rim ...x..x....x..x.\n shaker x-o-x-o-x-o-x-o-",
)
LATIN = _grooves(
    "kick X..xX..xX..xX..x\n rim X..x..x...x..x..\n shaker xoxoxoxoxoxoxoxo",
    "kick X.....x.X.....x.\n rim X..x..x...x.x...\n conga ..x...xx..x...xx",
    "kick X.....x.X.....x.\n cowbell x.x.x.x.x.x.x.x.\n conga ..X...xx..X...xx",
    "kick X..x..x.X..x..x.\n snare ....X.......X...\n block x..x..x...x.x...",
)
TRAIN = _grooves(
    "kick X...x...X...x...\n snare o-X-o-X-o-X-o-X-",
    "kick X.......X.......\n snare ....X.......X...\n hat x.o.x.o.x.o.x.o.",
    "kick X.......x.......\n snare ....x.......x...\n shaker x-o-x-o-x-o-x-o-",
    "kick X...X...X...X...\n snare ..x...x...x...x.",
)
SHUFFLE = _grooves(
    "kick X.....X.....\n snare ...X.....X..\n hat x.ox.ox.ox.o",
    "kick X..x..X..x..\n snare ...X.....X..\n ride x.ox.ox.ox.o",
    "kick X....xX.....\n snare ...X.....X..\n hat x..x..x..x..",
    "kick X.....?.x...\n snare ......X.....\n hat x.ox.ox.ox.o",
)
JAZZ = _grooves(
    "ride x..x.ox..x.o\n hat ...x.....x..\n kick o..o..o..o..\n snare .....?.....?",
    "ride x..x.ox..x.o\n hat ...x.....x..\n snare ..?....-....",
    "ride x..x.ox..x.o\n hat ...x.....x..\n kick x.....x.....",
)
SLOW_12_8 = _grooves(
    "kick X.....x.....\n snare ...X.....X..\n hat xooxooxooxoo",
    "kick X....xx.....\n snare ...X.....X..\n ride xooxooxooxoo",
    "kick X.....?.....\n rim ...X.....X..\n hat x.ox.ox.ox.o",
)
WALTZ = _grooves(
    "kick X...........\n snare ....x...x...\n hat x...x...x...",
    "kick X...........\n snare ........X...\n hat x.o.x.o.x.o.",
    "kick X.....x.....\n snare ....X.......\n hat x.o.x.o.x.o.",
    "kick X.......x...\n rim ....x...x...\n ride x...x...x...",
)
SIX_EIGHT = _grooves(
    "kick X...........\n snare ......X.....\n hat x.o.o.x.o.o.",
    "kick X...?.....x.\n snare ......X.....\n hat x.o.o.x.o.o.",
    "kick X.........x.\n snare ......X.....\n ride x.o.o.x.o.o.",
    "kick X.....x.....\n snare ......X.....\n hat x.x.x.x.x.x.",
)

ALL_KEYS = ("piano", "epiano", "organ", "clav")
SYNTHS = ("saw", "supersaw", "pluck", "square", "pad", "bell")
GUITARS = ("acoustic", "clean", "muted", "power")

STYLES: tuple[Style, ...] = (
    Style("rock", 9, "rock", (80, 122, 180), ROCK, ("finger", "finger"), ("root8", "kick", "sync",
        "root4"), ("power", "clean", "power", "organ", "piano"), ("strum8", "chug8", "whole",
        "sync", "arp8"), leads=("distlead", "distlead", "clean", "organ"), drumless=0.01),
    Style("indie", 4, "rock", (95, 128, 175), ROCK + POP, ("finger",), ("root8", "kick", "long"),
        ("clean", "acoustic", "piano", "pad", "power", "strings"), ("strum8", "strum16", "arp8",
        "whole", "pad")),
    Style("punk", 3, "rock", (150, 178, 212), PUNK, ("finger",), ("root8", "kick"), ("power",
        "power", "organ"), ("chug8", "strum8", "whole"), leads=("distlead", "power"), loose=9),
    Style("metal", 4, "rock", (90, 140, 200), METAL, ("finger",), ("kick", "root8", "root16"),
        ("power", "power", "strings", "choir"), ("chug16", "chug8", "kick", "whole"),
        leads=("distlead",), modes=("minor", "phrygian", "minor"), vocal=0.8),
    Style("pop", 8, "pop", (84, 112, 140), POP, ("finger", "synthbass", "sub"), ("kick", "root8",
        "sync", "long", "root4"), (*ALL_KEYS, *GUITARS, *SYNTHS, "strings"), ("pad", "strum8",
        "arp8", "stab", "whole", "sync", "quarters", "arp16"), electronic=0.5, pump=0.1, loose=3),
    Style("ballad", 4, "pop", (55, 72, 88), BALLAD, ("finger", "upright", "sub"), ("long",
        "root4", "kick", "oom"), ("piano", "acoustic", "strings", "pad", "epiano", "organ"),
        ("arp8", "arp16", "whole", "pad", "quarters", "strum8"), drumless=0.1, loose=9),
    Style("hiphop", 5, "hiphop", (72, 90, 108), HIPHOP, ("sub", "synthbass", "finger", "upright"),
        ("kick", "sync", "long"), ("epiano", "piano", "pad", "strings", "bell", "brass", "pluck",
        "clean"), ("stab", "whole", "arp8", "sync", "quarters"), swing=0.4, electronic=0.7,
        loose=4, modes=("minor", "dorian", "minor")),
    Style("trap", 3, "hiphop", (125, 142, 165), TRAP, ("sub", "sub", "synthbass"), ("kick", "long"),
        ("bell", "pluck", "pad", "piano", "choir", "strings"), ("arp8", "whole", "arp16", "pad",
        "sync"), electronic=1, loose=0, modes=("minor", "phrygian", "minor")),
    Style("trap_low", 2, "hiphop", (62, 73, 84), TRAP_LOW, ("sub",), ("kick", "long"), ("bell",
        "pluck", "pad", "piano", "choir"), ("arp8", "whole", "arp16", "pad"), electronic=1,
        loose=0, modes=("minor", "phrygian")),
    Style("house", 6, "dance", (118, 125, 131), HOUSE, ("synthbass", "sub", "finger"), ("off8",
        "sync", "root8", "kick", "octave"), ("piano", "organ", "pad", "supersaw", "pluck",
        "strings", "epiano"), ("stab", "house", "pad", "offbeat", "arp16", "sync"), swing=0.15,
        vocal=0.6, club=0.6, pump=0.6, electronic=1, loose=0, modes=("minor", "dorian", "major")),
    Style("techhouse", 3, "dance", (120, 126, 132), HOUSE + TECHNO, ("synthbass", "sub", "acid"),
        ("sync", "off8", "off16", "drone"), ("pluck", "pad", "bell", "organ", "saw"), ("stab",
        "sync", "arp16", "pad"), swing=0.25, vocal=0.3, club=0.95, pump=0.6, electronic=1,
        loose=0, modes=("minor", "dorian", "phrygian")),
    Style("techno", 4, "dance", (122, 132, 150), TECHNO, ("acid", "synthbass", "reese", "sub"),
        ("off16", "off8", "root16", "sync", "drone"), ("pluck", "pad", "saw", "bell", "choir"),
        ("stab", "sync", "arp16", "pad", "offbeat"), vocal=0.15, club=1, pump=0.6, electronic=1,
        loose=0, modes=("minor", "phrygian", "dorian")),
    Style("trance", 3, "dance", (130, 138, 145), TRANCE, ("synthbass", "saw"), ("off8", "off16",
        "octave"), ("supersaw", "pluck", "pad", "strings", "saw", "piano"), ("gate", "arp16",
        "pad", "stab"), vocal=0.4, club=0.9, pump=0.8, electronic=1, loose=0, modes=("minor",)),
    Style("electro", 3, "dance", (105, 124, 135), ELECTRO, ("synthbass", "acid", "reese"), ("sync",
        "root8", "octave", "root16"), ("saw", "square", "pluck", "supersaw", "choir"), ("stab",
        "sync", "arp16", "gate"), vocal=0.5, club=0.5, pump=0.4, electronic=1, loose=0),
    Style("dubstep", 3, "dance", (136, 140, 146), DUBSTEP, ("reese", "synthbass", "sub"), ("sync",
        "wobble", "long", "kick"), ("supersaw", "pad", "pluck", "piano", "saw"), ("pad", "stab",
        "arp8", "whole"), vocal=0.5, club=0.8, pump=0.5, electronic=1, loose=0, modes=("minor",)),
    Style("dnb", 4, "dance", (168, 174, 178), DNB, ("reese", "sub", "synthbass"), ("long", "sync",
        "kick", "off8"), ("pad", "piano", "pluck", "strings", "epiano", "saw"), ("pad", "whole",
        "stab", "arp16", "arp8"), vocal=0.5, club=0.8, pump=0.3, electronic=0.9, loose=0,
        modes=("minor", "dorian")),
    Style("garage", 2, "dance", (128, 133, 140), GARAGE, ("sub", "reese", "organ"), ("sync",
        "off8", "kick"), ("organ", "epiano", "pad", "pluck", "strings"), ("stab", "offbeat",
        "pad", "sync"), swing=0.8, vocal=0.7, club=0.6, pump=0.4, electronic=1, loose=0,
        modes=("minor", "dorian")),
    Style("breaks", 3, "dance", (105, 130, 142), BREAKS, ("synthbass", "acid", "finger", "reese"),
        ("sync", "kick", "root8", "off8"), ("saw", "pluck", "organ", "pad", "power", "strings"),
        ("stab", "sync", "pad", "arp16"), vocal=0.4, club=0.7, pump=0.2, electronic=0.7, loose=1),
    Style("synthwave", 3, "pop", (80, 105, 125), SYNTHWAVE, ("synthbass", "saw"), ("root8",
        "root16", "octave"), ("saw", "supersaw", "pad", "pluck", "bell"), ("pad", "arp16",
        "arp8", "stab", "whole"), vocal=0.6, club=0.2, pump=0.4, electronic=1, loose=0,
        modes=("minor", "dorian", "major")),
    Style("futurebass", 3, "dance", (138, 150, 165), FUTURE, ("sub", "reese"), ("kick", "long",
        "sync"), ("supersaw", "supersaw", "pluck", "bell", "pad"), ("sync", "whole", "gate",
        "stab", "arp16"), vocal=0.7, club=0.6, pump=0.8, electronic=1, loose=0, modes=("major",
        "minor")),
    Style("hardstyle", 2, "dance", (145, 152, 175), HARDSTYLE, ("synthbass", "reese"), ("off8",
        "off16"), ("supersaw", "saw", "pad", "strings"), ("arp8", "pad", "stab", "gate"),
        vocal=0.4, club=0.9, pump=0.8, electronic=1, loose=0, modes=("minor",)),
    Style("eurodance", 3, "dance", (124, 134, 145), HOUSE + TRANCE, ("synthbass",), ("off8",
        "octave", "off16"), ("supersaw", "piano", "saw", "pluck", "square", "strings"), ("stab",
        "house", "pad", "arp16", "sync"), vocal=0.9, club=0.2, pump=0.3, electronic=1, loose=0,
        modes=("minor", "minor", "major")),
    Style("edmpop", 5, "dance", (100, 126, 130), HOUSE + POP, ("synthbass", "sub", "reese"),
        ("off8", "root8", "kick", "sync", "long"), ("supersaw", "pluck", "piano", "pad", "saw",
        "clean", "bell"), ("stab", "pad", "sync", "arp8", "arp16", "gate"), vocal=0.95, club=0.3,
        pump=0.6, electronic=1, loose=0),
    Style("lofi", 2, "hiphop", (66, 80, 94), LOFI, ("upright", "finger", "sub"), ("kick", "long",
        "root4"), ("epiano", "piano", "clean", "bell", "pad"), ("stab", "whole", "sync", "arp8"),
        swing=0.6, vocal=0.2, electronic=0.6, loose=8, modes=("dorian", "major", "minor")),
    Style("chiptune", 4, "dance", (100, 140, 180), CHIP, ("square", "synthbass"), ("root8",
        "octave", "root16", "kick"), ("square", "square", "pluck", "saw"), ("arp16", "arp8",
        "arp32", "stab", "sync"), leads=("square", "square", "lead"), vocal=0.0, club=0.2,
        electronic=1, loose=0),
    Style("game", 4, "pop", (85, 120, 165), ROCK + POP + BREAKS, ("finger", "synthbass", "slap"),
        ("root8", "octave", "sync", "kick", "walk"), (*ALL_KEYS, "strings", "brass", "power",
        *SYNTHS), ("arp8", "arp16", "stab", "pad", "strum8", "sync"), leads=("lead", "flute",
        "brass", "strings", "bell", "distlead", "piano"), vocal=0.0, electronic=0.5, loose=1),
    Style("ambient", 2, "dance", (75, 100, 125), TECHNO + LOFI, ("sub", "synthbass"), ("drone",
        "long", "root4"), ("pad", "choir", "bell", "strings", "pluck", "epiano"), ("pad",
        "arp8", "arp16", "whole"), vocal=0.1, club=0.5, pump=0.3, electronic=1, drumless=0.35,
        loose=0),
    Style("disco", 3, "dance", (108, 118, 130), DISCO, ("finger", "slap", "synthbass"), ("octave",
        "root8", "sync", "walk"), ("muted", "clean", "strings", "epiano", "brass", "piano"),
        ("strum16", "offbeat", "stab", "pad", "sync"), vocal=0.9, club=0.1, electronic=0.3,
        loose=3, modes=("minor", "dorian", "major")),
    Style("funk", 3, "pop", (88, 104, 120), FUNK, ("slap", "finger"), ("sync", "kick", "octave"),
        ("muted", "clav", "brass", "organ", "clean", "epiano"), ("strum16", "sync", "stab",
        "offbeat"), swing=0.2, modes=("mixolydian", "dorian"), loose=4),
    Style("soul", 3, "pop", (84, 112, 138), SOUL, ("finger", "upright"), ("sync", "walk", "root8",
        "kick"), ("piano", "organ", "brass", "clean", "strings"), ("quarters", "offbeat", "stab",
        "pad", "strum8"), swing=0.2, loose=8),
    Style("reggae", 2, "pop", (68, 78, 98), REGGAE, ("finger", "sub"), ("sync", "root4"),
        ("clean", "organ", "piano", "muted"), ("offbeat", "offbeat", "bubble"), swing=0.3,
        loose=6),
    Style("ska", 1, "rock", (130, 155, 185), SKA, ("finger",), ("walk", "root8"), ("clean",
        "organ", "brass", "muted"), ("offbeat", "offbeat", "stab"), leads=("brass", "reed")),
    Style("dembow", 3, "pop", (86, 95, 106), DEMBOW, ("sub", "synthbass"), ("kick", "long",
        "sync"), ("pluck", "pad", "clean", "bell", "piano", "saw"), ("sync", "stab", "arp8",
        "offbeat", "pad"), electronic=1, loose=0, pump=0.2, modes=("minor",)),
    Style("latin", 3, "pop", (85, 108, 132), LATIN, ("upright", "finger"), ("tumbao", "oom",
        "sync"), ("piano", "acoustic", "brass", "organ"), ("montuno", "sync", "stab", "strum8"),
        leads=("brass", "flute", "reed", "piano"), loose=6),
    Style("country", 4, "rock", (78, 108, 150), TRAIN + ROCK, ("upright", "finger"), ("oom",
        "root4", "walk"), ("acoustic", "clean", "acoustic", "piano", "organ"), ("oompah",
        "strum8", "strum16", "arp8"), leads=("clean", "strings", "reed"), modes=("major",)),
    Style("shuffle", 3, "rock", (92, 125, 165), SHUFFLE, ("finger", "upright"), ("walk", "oom",
        "root8"), ("clean", "piano", "organ", "power"), ("strum8", "offbeat", "stab", "quarters"),
        steps=3, modes=("mixolydian", "blues", "major"), loose=8),
    Style("jazz", 2, "pop", (95, 145, 210), JAZZ, ("upright",), ("walk",), ("piano", "clean",
        "brass", "epiano"), ("charleston", "stab", "sync"), leads=("reed", "brass", "piano"),
        steps=3, vocal=0.5, electronic=0, modes=("major", "dorian", "blues"), loose=10),
    Style("twelve_eight", 2, "pop", (52, 66, 96), SLOW_12_8, ("finger", "upright"), ("long",
        "root4", "walk", "oom"), ("piano", "organ", "clean", "strings"), ("arp8", "quarters",
        "whole", "pad"), steps=3, loose=8),
    Style("waltz", 2.5, "pop", (84, 128, 190), WALTZ, ("upright", "finger"), ("oom", "long",
        "root4"), ("piano", "acoustic", "strings", "organ"), ("oompah", "arp8", "whole", "pad"),
        meter=3, drumless=0.2, loose=8),
    Style("six_eight", 2.5, "rock", (130, 165, 196), SIX_EIGHT, ("finger",), ("long", "sixeight",
        "kick"), ("acoustic", "piano", "power", "clean", "strings", "organ"), ("arp8", "whole",
        "strum8", "pad"), meter=6, steps=2, drumless=0.08, loose=7),
    Style("folk", 2, "pop", (72, 104, 140), TRAIN + BALLAD, ("upright", "finger"), ("oom", "root4",
        "long"), ("acoustic", "acoustic", "clean", "flute", "strings"), ("arp8", "strum8",
        "strum16", "arp16"), drumless=0.7, loose=10, leads=("flute", "strings", "acoustic")),
    Style("pianosolo", 1.5, "pop", (60, 90, 130), BALLAD, ("piano",), ("long", "root4", "arp",
        "oom"), ("piano", "piano"), ("arp8", "arp16", "quarters", "whole"), leads=("piano",),
        vocal=0.15, drumless=1, loose=12),
    Style("orchestral", 2, "pop", (70, 105, 150), BALLAD + ROCK, ("strings", "upright"), ("long",
        "root4", "root8"), ("strings", "brass", "choir", "flute", "reed", "bell"), ("pad",
        "arp8", "stab", "whole", "quarters"), leads=("strings", "flute", "brass", "reed"),
        vocal=0.05, drumless=0.5, loose=10),
)  # fmt: skip


def style_named(name: str) -> Style:
    """The style of a name; raises KeyError with the names there are."""
    found = [style for style in STYLES if style.name == name]
    if not found:
        raise KeyError(f"no style {name!r}; there are {', '.join(s.name for s in STYLES)}")
    return found[0]
