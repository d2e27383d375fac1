"""Sound files: decoded, told apart, written.

song.py         a file of any format -> (2, S) at SAMPLE_RATE: `load_audio`
decoders.py     what a decoder is; libsndfile
segments.py     FLAC on all cores
ffmpeg.py       the other decoder, for what libsndfile does not read
containers.py   what a file's own bytes say of its kind, length and alignment
channels.py     any channels and sample rate -> stereo at SAMPLE_RATE
digest.py       which file it is: `file_digest`
sink.py         samples -> a file: `write_audio`
"""

from .digest import file_digest
from .sink import Sink, write_audio
from .song import Audio, load_audio

__all__ = ["Audio", "Sink", "file_digest", "load_audio", "write_audio"]
