"""From a mix to the network's spectrograms, with four stems (bass, drums, other, vocals) if needed.

features.py        everything that is computed while a song is decoded
network_input.py   the network's spectrograms of a song, by one of the methods below
spectral.py        spectrograms of stems from the mix's spectrogram
htdemucs/          separation by the Hybrid Transformer Demucs
external.py        user-supplied stems
"""
