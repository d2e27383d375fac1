"""Beats, tempo and sections from the network's frame-wise probabilities. NumPy only.

meters.py           `find_beats`: beats in bars of 2 to 7 beats that may change
levels.py           corrects the level of the pulse: twice, half, 3/2 or 2/3 of it
beats.py            `decode_beats`: the most probable beats in bars of given lengths
bar_pointer.py      the search for them; tempo_space.py: the tempos to choose from
ending.py           beats of an ending that slows down
onsets.py           onsets of the music, to a fraction of a frame
grid.py             `refine_beats`: beat times to the millisecond
steady.py           passages of constant tempo; curve.py: beats between them
beat_phase.py       corrects passages that lie half a beat off
bar_phase.py        corrects the first beats of bars by changes of the music
tempo.py            tempo, meter and other possible tempos
sections.py         `find_sections`: sections of the whole song, with groups and labels
section_cuts.py     the bars at which sections begin
section_labels.py   the labels of sections
section_peaks.py    sections from the network's peaks, as in the published program
"""
