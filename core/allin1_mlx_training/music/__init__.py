"""Composing by rule: a seed and a style -> the notes of a song.

styles.py        tempi, grooves, instruments and habits, from styles.yaml
forms.py         which parts there are; statistics.py: how real songs do it
grid.py          when each beat falls
harmony.py       chords and melodies; pop909.py: those by people
rhythm.py        grooves, basses and chords within a bar
material.py      what all choruses share, all verses, ...
band.py          who plays
arrangement.py   which material is played when; playing.py: each bar, note by note
score.py         the song as notes
"""
