"""Single notes and hits as sound: synthesised from a few numbers each, or from a soundfont.

patches.py     one instrument of a family, drawn at random
basses.py, guitars.py, keys.py, pads.py, synths.py, winds.py, singers.py   the families
dice.py        how their numbers are drawn
voices.py      an instrument and a pitch -> sound
drums.py       drums, percussion, effects
soundfont.py   General MIDI instruments, by fluidsynth
"""
