"""Read, identify and write sound files.

song.py         a file of any format -> (2, S) at SAMPLE_RATE: `load_audio`; in blocks:
                `stream_audio`
blocks.py       checks samples; any channels and sample rate -> mono or stereo at SAMPLE_RATE
decoders.py     the interface of decoders; libsndfile
ffmpeg.py       the second decoder, for formats that libsndfile lacks
containers.py   reads file headers: `file_digest`, kind, length and alignment
sink.py         samples -> a file: `write_audio`
"""

from .blocks import Collector
from .containers import file_digest, unchanged
from .sink import Sink, write_audio
from .song import Audio, SoundInfo, check_length, load_audio, stream_audio

__all__ = [
    "Audio",
    "Collector",
    "Sink",
    "SoundInfo",
    "check_length",
    "file_digest",
    "load_audio",
    "stream_audio",
    "unchanged",
    "write_audio",
]
