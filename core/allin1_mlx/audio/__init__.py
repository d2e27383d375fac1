"""Sound files: decoded, identified, written.

song.py         a file of any format -> (2, S) at SAMPLE_RATE: `load_audio`; block by block:
                `stream_audio`
channels.py     any channels and sample rate -> mono or stereo at SAMPLE_RATE
meter.py        what is checked of the samples on the way
decoders.py     what a decoder is; libsndfile
ffmpeg.py       the other decoder, for what libsndfile does not read
containers.py   what a file's bytes say: `file_digest`, its kind, length and alignment
sink.py         samples -> a file: `write_audio`
"""

from .containers import file_digest
from .sink import Sink, write_audio
from .song import Audio, Collector, SoundInfo, load_audio, stream_audio

__all__ = [
    "Audio",
    "Collector",
    "Sink",
    "SoundInfo",
    "file_digest",
    "load_audio",
    "stream_audio",
    "write_audio",
]
