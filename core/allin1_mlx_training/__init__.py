"""Training of the bundled checkpoint, on songs that are composed by rules.

music/            composes: styles, forms, harmony, rhythm -> notes (a Score);
                  midi.py, midi_arrangement.py: compositions by people, from MIDI files
instruments/      single notes and hits, synthesised or from a soundfont
bank.py           instruments -> short templates of spectrograms
composer.py       a seed -> a song; rendering.py and mixing.py make its spectrograms from the bank
compose.py        many songs -> shards.py, as files; continuously, while `train` reads them
synth.py          notes -> sound, for the example song (example.py)
shares.py         fits the spectral stems to composed songs
targets.py        the truth of a song -> the network's targets, frame by frame
corpus.py         songs for training; augment.py: -> batches; loss.py
teacher.py        real songs, labelled by the published networks
exams.py          songs for testing; evaluate.py: scores
train.py          the training; trainer.py: one step of it
"""
