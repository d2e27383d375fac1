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

midi.py          compositions by people, from MIDI files; pop909_midi.py: those of POP909, with
                 phrases; midi_arrangement.py plays them, with the drums and the bass of backing.py
"""
