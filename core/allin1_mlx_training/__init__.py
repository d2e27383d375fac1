"""How the bundled checkpoint is made: songs composed by rule, and a network that learns them.

music/            what is composed: styles, forms, harmony, rhythm -> notes (a Score); midi.py:
                  compositions by people, read from MIDI files
instruments/      single notes and hits, synthesised or from a soundfont
bank.py           instruments -> short pieces of spectrograms
composer.py       a seed -> a song: rendering.py and mixing.py make its spectrograms of the bank
compose.py        many songs -> shards.py, as files; all the time, while `train` reads them
synth.py          notes -> sound, for the example song (example.py)
shares.py         fits the spectral stems to composed songs
targets.py        what is known of a song -> what the network should say, frame by frame
corpus.py         songs to learn from; augment.py: -> batches; loss.py
teacher.py        real songs, labelled by the published networks
exams.py          songs to test on; evaluate.py: how good what is found is
train.py          the training
"""
