"""Composing by rules: a seed and a style -> the notes of a song.

styles.py        tempos, grooves, instruments and habits, from styles.yaml
forms.py         the parts of a song; statistics.py: those of real songs
grid.py          the time of each beat
harmony.py       chords and melodies; pop909.py: chords and melodies by people
rhythm.py        grooves, basses and chords within a bar
material.py      the shared music of all choruses, all verses, ...
band.py          the players
arrangement.py   the order of the material; playing.py: each bar, note by note
score.py         the song as notes
"""
